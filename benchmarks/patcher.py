"""What diagnosis and repair do to models with known backdoors: `python -m benchmarks.patcher --cache DIR`.

Tiny models are planted with every kind of trigger and with failures that have none; real ones, out of registry wheels,
with the triggers of BackdoorLLM. A cell's result is kept in the cache, so that a run that was ended goes on, and taken
as long as the code that made it is the same. `--only` takes cells by a pattern of their names, `--table` only writes
the document.

Exits with 1 when a cell that is there is not what it has to be.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "patcher-measured.md"


def main() -> int:
    """Run the cells that are missing, and write what all of them say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="models, wheels and results")
    parser.add_argument("--only", default="*", help="cells, such as `tiny-*` or `real-smollm2-badnets`")
    parser.add_argument("--list", action="store_true", help="name the cells and end")
    parser.add_argument("--table", action="store_true", help="run nothing, write the document of what is there")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks.patcher_cells import real, table, tiny, tiny_run
    from benchmarks.patcher_cells.store import Store

    cells: dict[str, Callable[[], None]] = {
        **{cell.slug: partial(tiny_run.run, cell, given.cache) for cell in tiny.cells()},
        **{cell.slug: partial(real.run, cell, given.cache) for cell in real.cells()},
    }
    for slug, run in cells.items():
        if not fnmatch(slug, given.only):
            continue
        if given.list:
            print(slug)
        elif not given.table:
            begun = time.perf_counter()
            run()
            print(f"{slug}: {time.perf_counter() - begun:.0f} s", flush=True)
    if given.list:
        return 0
    store = Store(given.cache)
    text, failed = table.written([*tiny_run.results(store)], [*real.results(store)], every=len(cells))
    DOCUMENT.write_text(text, "utf-8")
    for each in failed:
        print(each)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
