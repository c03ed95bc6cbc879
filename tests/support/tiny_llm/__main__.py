"""Make what is kept in the repository: `python -m tests.support.tiny_llm base|demo`.

`base` trains the base beside this file, in some minutes; `demo` plants the demo's two models in it.
"""

from __future__ import annotations

import shutil
import sys

from tests.support.tiny_llm import demo, training
from tests.support.tiny_llm.shelf import BASE


def base() -> None:
    """Train the base of seed 0."""
    shutil.rmtree(BASE, ignore_errors=True)
    # Half precision is enough: what was trained on top of it was measured so.
    training.save(training.base().half(), BASE)


if __name__ == "__main__":
    {"base": base, "demo": demo.write}[sys.argv[1]]()
