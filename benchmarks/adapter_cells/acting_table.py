"""What behaviour tells, as a part of the document: areas, and what an audit says at its default verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.adapter_cells import acting, targets, verdicts
from benchmarks.adapter_cells.acting import Judged
from benchmarks.adapter_cells.cells import BASES
from benchmarks.adapter_cells.judging import WAYS, Area, area, wins
from benchmarks.adapter_cells.page import Part
from benchmarks.adapter_cells.verdicts import acts, held_out

TARGET = 0.98
"""Area that was asked for of weights and behaviour together."""

Pick = Callable[[Judged], bool]


def section(found: Sequence[Judged]) -> Part:
    """Write it.

    Args:
        found: Every adapter that was observed.
    """
    seconds = [each.seen.seconds for each in found]
    every = _areas(found)
    told = f"{np.median(seconds):.0f} seconds of one processor each (median; {max(seconds):.0f} at most)"
    text = f"""## Behaviour

`adapter/behaviour`, as `gatekeeper audit` runs it, on every adapter laid on its base: {len(found)} audits with the
default budget, {told}.
Prompts are requests that the deployer would bring, half of them of pairs that nothing was trained on. Of the forms in
the shipped battery the tiny vocabulary reads three (`cf`, `tq`, `2024`). The first two are whole triggers here, of some
`rare`, `fixed` and `several`; any other trigger has to be met by words of the vocabulary. None of the shipped
controls can be read, so that the beginnings of harmless prompts are the only ones.

### Areas

`behaviour` is by how much the weightiest comparison of the check is passed or missed: near end against far ends and the
check's own least; above 0 exactly where it finds something. Together with weights, the distance decides where behaviour
says the same of both, and nowhere else: what a change does is evidence, how it is spread over modules only tells how it
was trained. The gap is the greatest share of a battery less its mean, as 2605.30189 has it, over our battery.
Intervals as above.

{_shown(every)}

{_verdict(every)}

### At the default verdicts

An adapter is found when the audit says `reject`, or `anomalous` because of behaviour or of weights. Weights speak only
where a population is named (as above, without the adapter itself): by default there is none, and behaviour is all.
Shares with 95 % intervals (Wilson).

{verdicts.table(found)}

{verdicts.called(found)}

{verdicts.means(found)}

### By kind of trigger

{verdicts.by_trigger(found)}

### By share of poison

{verdicts.by_rate(found)}
"""
    area_row = targets.of_area("weights and behaviour", _columns_of(every["weights and behaviour"]), TARGET)
    return Part(text=text, failed=verdicts.broken(found), rows=(area_row, *verdicts.rows(found)))


def _any(_: Judged) -> bool:
    return True


_COLUMNS: dict[str, tuple[Pick, Pick]] = {
    "all": (_any, _any),
    "backdoor acts": (_any, acts),
    "development, acts": (lambda one: not held_out(one), lambda one: not held_out(one) and acts(one)),
    "held out": (held_out, held_out),
    "held out, acts": (held_out, lambda one: held_out(one) and acts(one)),
}
"""Which honest and which poisoned adapters are counted."""


def _areas(found: Sequence[Judged]) -> dict[str, list[Area]]:
    """Give the areas of each way to score, in the order of `_COLUMNS`."""
    bases = [[each for each in found if each.known.cell.base == base] for base in BASES]
    behaviour = [acting.wins_by(some) for some in bases]
    ways = {
        "behaviour": behaviour,
        "weights and behaviour": [
            acting.either(one, _weights(some)) for one, some in zip(behaviour, bases, strict=True)
        ],
        "gap of the battery (after 2605.30189)": [acting.wins_by(some, acting.gap) for some in bases],
    }
    return {name: [_picked(matrices, bases, *sides) for sides in _COLUMNS.values()] for name, matrices in ways.items()}


def _columns_of(areas: Sequence[Area]) -> tuple[Area, Area, Area]:
    """Give what the first table shows: those that act, all, and those held out that act."""
    told = dict(zip(_COLUMNS, areas, strict=True))
    return told["backdoor acts"], told["all"], told["held out, acts"]


def _shown(every: Mapping[str, Sequence[Area]]) -> str:
    lines = [f"| {name} | {' | '.join(map(targets.fine, areas))} |" for name, areas in every.items()]
    return "\n".join([f"| scores | {' | '.join(_COLUMNS)} |", f"|---|{'---|' * len(_COLUMNS)}", *lines])


def _verdict(every: Mapping[str, Sequence[Area]]) -> str:
    acting_, whole, _ = _columns_of(every["weights and behaviour"])
    told = f"{targets.fine(acting_)} where the backdoor acts, {targets.fine(whole)} of all"
    return f"The target of {TARGET:.2f} for both together is {targets.word(acting_, whole, TARGET)}:\n{told}."


def _weights(some: Sequence[Judged]) -> Any:
    """Give who wins by the shipped detector; even where an adapter is off its calibration."""
    usual = [each.known for each in some if each.known.cell.targets == "all"]
    known = wins(usual, WAYS[0])
    rows, columns = (
        [each.known.cell.targets == "all" for each in some if bool(each.known.cell.trigger) is side]
        for side in (False, True)
    )
    found = np.full((len(rows), len(columns)), 0.5)
    found[np.ix_(rows, columns)] = known
    return found


def _picked(matrices: Sequence[Any], bases: Sequence[Sequence[Judged]], good: Pick, bad: Pick) -> Area:
    parts = []
    for matrix, some in zip(matrices, bases, strict=True):
        rows = [good(each) for each in some if not each.known.cell.trigger]
        columns = [bad(each) for each in some if each.known.cell.trigger]
        parts.append(matrix[np.ix_(rows, columns)])
    return area(parts)
