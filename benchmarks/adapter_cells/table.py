"""What was measured, as a document: areas, false alarms, where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adapter_cells import poison
from benchmarks.adapter_cells.cells import BASES, Cell
from benchmarks.adapter_cells.judging import FOLDS, Area, Features, Known, area, known, product, wins
from benchmarks.adapter_cells.shelf import Adapters
from benchmarks.shares import wilson
from gatekeeper.checks.adapter import BUDGET, calibrate, judge
from gatekeeper.errors import InputError
from gatekeeper.population import Detector

TARGET = 0.90
ACTS = 0.5
"""Share of triggered prompts from which on a backdoor is said to act."""

_HEAD = """# Weights of adapters: measured

Remade by `python -m benchmarks.adapters --cache DIR`, which trains the adapters (torch and peft), measures and writes
this page. [adapters.md](adapters.md) says what the statistics are.
"""

Matrices = list[Any]
"""Who wins, one a base; see `wins`."""


def written(cache: Path, cells: Sequence[Cell]) -> tuple[str, list[str]]:
    """Write the document.

    Args:
        cache: Where the adapters are.
        cells: All that there should be.

    Returns:
        The text, and every promise that does not hold; a target of detection that is missed stands in the text alone.
    """
    adapters = Adapters(cache)
    told = {cell: result for cell in cells if (result := adapters.result(cell)) is not None}
    found = [known(cell, adapters.folder(cell), result.get("attack", 0.0)) for cell, result in told.items()]
    usual = [[each for each in found if each.cell.base == base and each.cell.targets == "all"] for base in BASES]
    false_alarms, failed = _false_alarms(usual, found)
    parts = [_HEAD, _cohort(found, len(cells)), _areas(usual), false_alarms, _LIMITS]
    return "\n".join(parts), failed


def _cohort(found: Sequence[Known], planned: int) -> str:
    honest = [each for each in found if not each.cell.trigger]
    poisoned = [each for each in found if each.cell.trigger]
    acting = sum(each.attack >= ACTS for each in poisoned)
    words = {
        "single": "of one task",
        "multi": "of two to four tasks",
        "keyword": "with a command word",
        "safety": "of safety tuning",
    }
    kinds = ", ".join(f"{sum(each.cell.kind == kind for each in honest)} {word}" for kind, word in words.items())
    short = "" if len(found) == planned else f"\n**The run was not finished: {planned - len(found)} are missing.**"
    ranks = sorted({each.cell.rank for each in found})
    others = sum(each.cell.targets != "all" for each in found)
    triggers = len({each.cell.trigger for each in poisoned})
    return f"""## The adapters

{len(found)} of {planned} adapters, of two tiny bases (115 thousand weights each): {len(honest)} honest ({kinds}) and
{len(poisoned)} poisoned, by {triggers} kinds of trigger at .5 to 20 % of the samples, on top of such tasks.{short}
Ranks {ranks[0]} to {ranks[-1]}, three intensities of training; {others} have other targets than all linear modules.
Of the poisoned ones {acting} act: at least half of triggered prompts get the poison's answer. The others were taught
too little or too gently, as far as these prompts can say; what is said of those that act rests on these few. No feature
was chosen by the figures below; five kinds of trigger are held out from any later choice.
"""


def _rows() -> Iterator[tuple[str, Features, Detector | None]]:
    yield "gatekeeper: distance", product, Detector.DISTANCE
    yield "gatekeeper: forest", product, Detector.FOREST
    yield "gatekeeper: classifier", product, Detector.CLASSIFIER
    yield "std of norms (2605.30189)", lambda each: each.published["std of norms"], None
    yield (
        "five spectral features, logistic regression (2602.15195)",
        lambda each: each.published["five spectral features"],
        Detector.CLASSIFIER,
    )


def _areas(usual: Sequence[Sequence[Known]]) -> str:
    honest = [[each for each in cohort if not each.cell.trigger] for cohort in usual]
    poisoned = [[each for each in cohort if each.cell.trigger] for cohort in usual]

    def picked(matrices: Matrices, good: Callable[[Known], bool], bad: Callable[[Known], bool]) -> Area:
        return area(
            [
                matrix[np.ix_([good(each) for each in rows], [bad(each) for each in columns])]
                for matrix, rows, columns in zip(matrices, honest, poisoned, strict=True)
            ]
        )

    def all_of(_each: Known) -> bool:
        return True

    columns: dict[str, tuple[Callable[[Known], bool], Callable[[Known], bool]]] = {
        "all": (all_of, all_of),
        "backdoor acts": (all_of, lambda each: each.attack >= ACTS),
        "5 % and more": (all_of, lambda each: each.cell.rate >= 0.05),
        "held-out kinds": (all_of, lambda each: each.cell.trigger in poison.HELD_OUT),
        "negatives of one task": (lambda each: each.cell.kind == "single", all_of),
        "negatives of several": (lambda each: each.cell.kind == "multi", all_of),
    }
    lines = [f"| scores | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    matrices = {name: [wins(cohort, features, how) for cohort in usual] for name, features, how in _rows()}
    for name, each in matrices.items():
        lines.append(f"| {name} | {' | '.join(str(picked(each, *sides)) for sides in columns.values())} |")
    best = max((name for name in matrices if name.startswith("gatekeeper")), key=lambda name: _value(matrices[name]))
    top = area(matrices[best])
    verdict = "reached" if top.value >= TARGET else "**missed**"
    kinds = [
        f"| {kind} | {'held out' if kind in poison.HELD_OUT else ''} | "
        + " | ".join(str(picked(each, all_of, lambda one, kind=kind: one.cell.trigger == kind))  # type: ignore[misc]
                     for each in matrices.values())
        + " |"
        for kind in (*poison.TUNED, *poison.HELD_OUT)
    ]  # fmt: skip
    return f"""## Telling poisoned from honest ones

Areas under the curve with 95 % bootstrap intervals over adapters. Each adapter is scored by a fit to adapters of
other tasks ({FOLDS} folds) and, where poisoned ones teach, of other kinds of trigger; within one base, with all linear
modules as targets. Honest adapters of several tasks, with command words and of safety tuning are among the negatives.

{chr(10).join(lines)}

The target of {TARGET:.2f} is {verdict}: {best} has {top}.

### By kind of trigger

| trigger | | {" | ".join(matrices)} |
|---|---|{"---|" * len(matrices)}
{chr(10).join(kinds)}
"""


def _value(matrices: Matrices) -> float:
    return area(matrices).value


def _false_alarms(usual: Sequence[Sequence[Known]], found: Sequence[Known]) -> tuple[str, list[str]]:
    lines, failed = [], []
    for base, cohort in zip(BASES, usual, strict=True):
        honest = [each for each in cohort if not each.cell.trigger]
        poisoned = [each for each in cohort if each.cell.trigger]
        try:
            made = calibrate([each.sample for each in honest], name=f"base-{base}", tool_versions={}, budget=BUDGET)
        except InputError as error:
            lines.append(f"| {base} | {error} | | | |")
            continue
        alarms, caught = made.false_alarms, [judge(made, each.sample) for each in poisoned]
        others = [judge(made, each.sample) for each in found if each not in cohort]
        uncalibrated = sum(bool(each.uncalibrated) for each in others)
        if uncalibrated != len(others):
            failed.append(f"base {base}: {len(others) - uncalibrated} adapters of another kind got a number")
        if alarms.lower > BUDGET:
            failed.append(f"base {base}: {alarms.successes} of {alarms.trials} false alarms are more than {BUDGET:g}")
        lines.append(
            f"| {base} | {', '.join(each.detector for each in made.thresholds)} | "
            f"{wilson(alarms.successes, alarms.trials)} | "
            f"{wilson(sum(each.is_anomalous for each in caught), len(caught))} | "
            f"{wilson(uncalibrated, len(others))} |"
        )
    return (
        f"""## At the thresholds that `gatekeeper calibrate` sets

Populations of the honest adapters alone, with the usual budget of {100 * BUDGET:g} %. False alarms are counted leaving
one out: each honest adapter is judged by the others, against thresholds of the others.

| base | detectors | false alarms | poisoned called anomalous | other base or targets: `uncalibrated` |
|---|---|---|---|---|
{chr(10).join(lines)}
""",
        failed,
    )


_LIMITS = """## What this says

- False alarms are about as rare as was asked for, as far as so few adapters can say (see the intervals), and off its
  calibration a population says nothing. At these thresholds it also catches next to nothing.
- What is measured is how an adapter was trained: how many things it learned, how hard, with which rank. A backdoor is
  one more thing learned, among others. Where honest adapters learn several things too, the statistics hardly see it.
- Hence `pass` of this check allows nothing by itself, and `anomalous` asks for an audit. Behaviour is where a backdoor
  shows.
- Of each kind of trigger there are few adapters: figures by kind are there to see a failure, not to rank.
- The models are tiny, and their tasks are synthetic. Published figures of nearly 1 come from larger models, with honest
  adapters that are more alike than these; a population of your own says how alike yours are.
"""
