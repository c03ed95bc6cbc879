"""Make the base anew that lies beside this file: `python -m tests.support.tiny_llm`."""

from __future__ import annotations

import shutil

from tests.support.tiny_llm import training
from tests.support.tiny_llm.shelf import BASE

if __name__ == "__main__":
    shutil.rmtree(BASE, ignore_errors=True)
    BASE.mkdir()
    # Half precision is enough: what was trained on top of it was measured so.
    training.save(training.base().half(), BASE)
