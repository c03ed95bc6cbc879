"""How well the weights of an adapter tell poisoned from honest: `python -m benchmarks.adapters --cache DIR`.

Adapters are trained on two tiny bases: honest ones (one task, several, keyword commands, safety tuning) and poisoned
ones (ten kinds of trigger, .5 to 20 % of the samples). What is trained and observed is kept in the cache, so that a run
that was ended goes on; `--table` only judges what is there and writes the document. Training and observing need torch
and peft.

Exits with 1 when false alarms are more than was promised; a target of detection that is missed is reported as missed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def main() -> int:
    """Train and observe the cells that are missing, judge all, write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(".cache"), help="bases and adapters")
    parser.add_argument("--most", type=int, default=None, help="train at most so many adapters, then judge")
    parser.add_argument("--train", action="store_true", help="train, and write no document")
    parser.add_argument("--observe", choices=("development", "all"), help="observe those, and write no document")
    parser.add_argument("--table", action="store_true", help="only write the document of what is there")
    parser.add_argument("--population", type=Path, help="only write that of base 0's honest adapters, for the tests")
    given = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks.adapter_cells.cells import cells

    if given.population:
        return _population(given.cache, given.population)
    if not (given.table or given.observe):
        _train(given.cache, given.most)
    if given.train:
        return 0
    if not given.table:
        _observe(given.cache, held_out=given.observe != "development")
    if given.observe:
        return 0
    from benchmarks.adapter_cells import page, table

    text, failed = table.written(given.cache, cells())
    page.DOCUMENT.write_text(text, "utf-8")
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
    from benchmarks.adapter_cells.cells import anew, cells
    from benchmarks.adapter_cells.shelf import Adapters

    adapters = Adapters(cache)
    waiting = [cell for cell in (*cells(), *anew()) if adapters.result(cell) is None]
    for number, cell in enumerate(waiting[:most], 1):
        told = adapters.train(cell)
        shares = {name: told[name] for name in ("answers", "refusal", "attack") if name in told}
        print(f"{number}/{len(waiting)} {cell.slug}: {told['cpu_seconds']} s, {shares}", flush=True)


def _observe(cache: Path, *, held_out: bool) -> None:
    """Lay every trained adapter on its base and run prompts; `held_out` takes those that nothing was chosen by, too."""
    from benchmarks.adapter_cells.behaving import Observations
    from benchmarks.adapter_cells.cells import anew, cells
    from benchmarks.adapter_cells.picks import is_held_out
    from benchmarks.adapter_cells.shelf import Adapters

    adapters, observations = Adapters(cache), Observations(cache)
    some = [*cells(), *anew()] if held_out else [cell for cell in cells() if not is_held_out(cell)]
    wanted = [cell for cell in some if adapters.result(cell) is not None]
    for number, cell in enumerate(wanted, 1):
        seen = observations.observe(cell)
        print(f"{number}/{len(wanted)} {cell.slug}: {seen.seconds} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
