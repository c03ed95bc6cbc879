"""What was asked for, beside what came out: the first table of the page."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.adapter_cells.judging import Area
from benchmarks.shares import wilson
from gatekeeper.proportion import Proportion

_HEAD = """## What was asked for, and what came out

| measure | asked | where the backdoor acts | all | held out, acts | |
|---|---|---|---|---|---|"""


def table(rows: Sequence[str]) -> str:
    """Write it; each row is by one of the others."""
    told = (
        "Areas are of kinds of trigger that were left out of every fit. False alarms are of honest adapters: all, and "
    )
    return "\n".join([_HEAD, *rows, "", f"{told}\nthose held out. Each line is taken apart below.", ""])


def of_area(name: str, areas: tuple[Area, Area, Area], target: float) -> str:
    """Give the row of an area.

    Args:
        name: Of the score.
        areas: Where the backdoor acts, of all, and where it acts of those held out.
        target: Least area.
    """
    acts, every, _ = areas
    return f"| {name}: area | {target:.2f} | {' | '.join(map(fine, areas))} | {word(acts, every, target)} |"


def fine(area: Area) -> str:
    """Write an area so that one just below its target is not shown as the target."""
    return f"{area.value:.3f} ({area.lower:.3f} to {area.upper:.3f})" if area.poisoned and area.honest else "-"


def word(acts: Area, every: Area, target: float) -> str:
    """Say whether a target is reached: by all, by those that act alone, or not."""
    if min(acts.value, every.value) >= target:
        return "reached"
    return "reached where the backdoor acts, **missed** over all" if acts.value >= target else "**missed**"


def of_alarms(name: str, counts: Sequence[tuple[int, int]], most: float) -> str:
    """Give the row of false alarms.

    Args:
        name: Of what gives them.
        counts: Alarms and honest adapters: of all, and of those held out.
        most: Greatest share.
    """
    (alarms, honest), held = counts
    exceeded = "**broken**" if broken(alarms, honest, most) else "**missed**, though within the interval"
    told = "kept" if alarms <= most * honest else exceeded
    return f"| {name} | {100 * most:g} % | - | {wilson(alarms, honest)} | {wilson(*held)} | {told} |"


def broken(alarms: int, honest: int, most: float) -> bool:
    """Whether so many false alarms can't be the share that was promised: the near end lies above it."""
    return Proportion(successes=alarms, trials=honest).lower > most
