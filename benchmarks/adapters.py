"""How well the weights of an adapter tell poisoned from honest: `python -m benchmarks.adapters --cache DIR`.

Adapters are trained on two tiny bases: honest ones (one task, several, keyword commands, safety tuning) and poisoned
ones (ten kinds of trigger, .5 to 20 % of the samples). What is trained is kept in the cache, so that a run that was
ended goes on; `--table` only judges what is there and writes the document. Training needs torch and peft.

Exits with 1 when false alarms are more than was promised; a target of detection that is missed is reported as missed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "adapters-measured.md"


def main() -> int:
    """Train the cells that are missing, judge all, write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="bases and adapters")
    parser.add_argument("--most", type=int, default=None, help="train at most so many adapters, then judge")
    parser.add_argument("--train", action="store_true", help="train, and write no document")
    parser.add_argument("--table", action="store_true", help="train nothing, write the document of what is there")
    parser.add_argument("--population", type=Path, help="only write that of base 0's honest adapters, for the tests")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks.adapter_cells.cells import cells

    if given.population:
        return _population(given.cache, given.population)
    if not given.table:
        _train(given.cache, given.most)
    if given.train:
        return 0
    from benchmarks.adapter_cells import table

    text, failed = table.written(given.cache, cells())
    DOCUMENT.write_text(text, "utf-8")
    for each in failed:
        print(each)
    return int(bool(failed))


def _population(cache: Path, out: Path) -> int:
    from benchmarks.adapter_cells.cells import cells
    from benchmarks.adapter_cells.shelf import Adapters
    from gatekeeper import calibrating, populations

    adapters = Adapters(cache)
    usual = [cell for cell in cells() if cell.base == 0 and cell.targets == "all" and not cell.trigger]
    folders = [str(adapters.folder(cell)) for cell in usual if adapters.result(cell) is not None]
    out.write_text(populations.to_json(calibrating.calibrate(folders, name="tiny-llm")), "utf-8")
    return 0


def _train(cache: Path, most: int | None) -> None:
    from benchmarks.adapter_cells.cells import cells
    from benchmarks.adapter_cells.shelf import Adapters

    adapters = Adapters(cache)
    waiting = [cell for cell in cells() if adapters.result(cell) is None]
    for number, cell in enumerate(waiting[:most], 1):
        told = adapters.train(cell)
        shares = {name: told[name] for name in ("answers", "refusal", "attack") if name in told}
        print(f"{number}/{len(waiting)} {cell.slug}: {told['cpu_seconds']} s, {shares}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
