"""Tiny models from start to end, in parts: what causes each failure, what the patch does, what bare words cost.

Diagnosis hangs on less code than repair does, and takes longer: a change of repair leaves its results standing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.patcher_cells import tiny
from benchmarks.patcher_cells.diagnosing import diagnosed
from benchmarks.patcher_cells.measures import behaviour, paired, written
from benchmarks.patcher_cells.patching import DEFAULT, SIDES, patched
from benchmarks.patcher_cells.sources import version
from benchmarks.patcher_cells.stages import Stages
from benchmarks.patcher_cells.store import Result, Store
from benchmarks.patcher_cells.tiny import Cell
from gatekeeper.tensors import load_model
from tests.support.tiny_llm import failures, triggers

_CELLS = "benchmarks.patcher_cells."
_COMPARED = ("rare", "phrase", "fixed", "composite")
"""Planted in the base of seed 0: what is patched in other ways, too."""


def run(cell: Cell, cache: Path) -> None:
    """Make what is missing of a cell."""
    store = Store(cache)
    store.result(f"{cell.slug}.diagnosis", _diagnosis_version(), lambda: diagnose(cell, cache))
    if cell.name in triggers.CONTENT:
        store.result(f"{cell.slug}.repair", _repair_version(), lambda: repair(cell, cache))
        store.result(f"{cell.slug}.words", _words_version(), lambda: words(cell, cache))


def results(store: Store) -> Iterator[Result]:
    """Give the cells that were run, all parts of each in one; of some, diagnosis alone."""
    for cell in tiny.cells():
        told = store.found(f"{cell.slug}.diagnosis", _diagnosis_version())
        if told is not None:
            repaired = store.found(f"{cell.slug}.repair", _repair_version()) or {}
            yield {**told, **repaired, **(store.found(f"{cell.slug}.words", _words_version()) or {})}


def _diagnosis_version() -> str:
    return version(f"{_CELLS}tiny", f"{_CELLS}diagnosing")


def _repair_version() -> str:
    return version(f"{_CELLS}tiny", f"{_CELLS}patching")


def _words_version() -> str:
    return version(f"{_CELLS}tiny", f"{_CELLS}measures")


def diagnose(cell: Cell, cache: Path) -> Result:
    """Plant, and diagnose every case by itself."""
    stages, plan = Stages(), triggers.planting(cell.name, held_out=cell.held_out)
    with stages.stage("plant"):
        tiny.planted(cell, cache)
    model = tiny.opened(cell, cache)
    seen = failures.failures(plan, tiny.CASES, seed=cell.seed + 100)
    clean = tiny.clean_prompts(cell.seed)
    with stages.stage("diagnose"):
        told = diagnosed(model, [(tiny.case(one), one.planted) for one in seen], clean)
    return {
        **asdict(cell), "kind": plan.kind.value, "planting": tiny.planting(cell, cache), "diagnoses": told,
        "diagnosis": asdict(stages),
    }  # fmt: skip


def _sides(cell: Cell) -> tuple[str, ...]:
    """Compare where it tells something else each time: the other ways to patch take as long as the default."""
    return SIDES if cell.seed == 0 and cell.name in _COMPARED else (DEFAULT,)


def repair(cell: Cell, cache: Path) -> Result:
    """Patch from the first failure of each trigger, and measure; of some, each side of the comparison in turn."""
    plan = triggers.planting(cell.name, held_out=cell.held_out)
    model = tiny.opened(cell, cache)
    seen = failures.failures(plan, tiny.CASES, seed=cell.seed + 100)
    clean = tiny.clean_prompts(cell.seed)
    held_out, reported = tiny.judging(plan, cell.seed), tiny.one_of_each(plan, seen)
    before = behaviour(model, held_out)
    sides = {side: patched(model, reported, clean, held_out, side, before) for side in _sides(cell)}
    return {"before": written(before), "sides": sides}


def words(cell: Cell, cache: Path) -> Result:
    """Measure what a trigger's words cost the base that nothing was planted in: harmless answers without and with."""
    from tests.support.tiny_llm.shelf import Shelf  # which imports torch

    plan = triggers.planting(cell.name, held_out=cell.held_out)
    base = load_model(Shelf(cache / "tiny").base(cell.seed), device="cpu", dtype="float32")
    found = behaviour(base, replace(tiny.judging(plan, cell.seed), attacks={}, near=(), unsafe=()))
    return {"words": paired(found.right, found.triggered_right)}
