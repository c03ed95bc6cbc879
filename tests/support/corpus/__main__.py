"""Write the corpus, or part of it: `python -m tests.support.corpus FOLDER [--only FAMILY]`.

Cases that are there already are left alone, so that several interpreters with several libraries can complete one
folder; `left_out.json` says what could not be written, and why.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from tests.support.corpus import CASES, Case


def built(case: Case, root: Path) -> str:
    """Write one case; give the reason why it could not be, or an empty text."""
    target = root / case.id
    if target.is_dir():
        return ""
    missing = case.missing()
    if missing:
        return f"{missing} is not installed"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".making-") as making:
        folder = Path(making, "case")
        folder.mkdir()
        try:
            case.write(folder)
        except Exception as error:  # a library that fails to write its own format leaves a gap, not a crash
            return f"{type(error).__name__}: {str(error)[:200]}"
        shutil.move(folder, target)
    return ""


def main() -> int:
    """Write what can be written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", action="append", help="families")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    warnings.simplefilter("ignore")
    left_out = {}
    with contextlib.redirect_stdout(sys.stderr):
        for case in CASES:
            if not given.only or case.family in given.only:
                left_out[case.id] = built(case, given.folder)
    left_out = {case: reason for case, reason in left_out.items() if reason}
    (given.folder / "left_out.json").write_text(json.dumps(left_out, indent=1))
    print(json.dumps({"left out": len(left_out)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
