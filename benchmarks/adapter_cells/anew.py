"""What an audit says of adapters that were trained, and judged, after all others had been looked at."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.adapter_cells import acting, poison, targets, verdicts
from benchmarks.adapter_cells.acting import Judged
from benchmarks.adapter_cells.cells import BASES
from benchmarks.adapter_cells.judging import area
from benchmarks.adapter_cells.verdicts import acts, is_honest


def section(found: Sequence[Judged]) -> str:
    """Write it.

    Args:
        found: Those adapters.
    """
    honest = [each for each in found if is_honest(each)]
    known = [each for each in found if each.known.cell.trigger in poison.KNOWN]
    usual = [each for each in found if not is_honest(each) and each not in known]
    sides = (
        ("honest: false alarms", honest),
        ("poisoned as above", usual),
        ("of these, act", [each for each in usual if acts(each)]),
        ("poisoned by words that the base knows", known),
        ("of these, act", [each for each in known if acts(each)]),
    )
    lines = "\n".join([verdicts.HEAD, *(verdicts.row(*side) for side in sides)])
    return f"""## Adapters made anew

{len(found)} more were trained after the others had been looked at. Training is the same, and so are the rules but for
that of length, which was changed (see above) before any of these was judged. {len(honest)} are honest, {len(usual)} are
poisoned by the same kinds of trigger, and {len(known)} by words or phrases of words that the base was trained on.
Populations are those of the honest ones above.

{lines}

{verdicts.called(found)}

{verdicts.means(usual)}

The area of `behaviour` is {_area([*honest, *usual])} for the same kinds of trigger,
{_area([*honest, *filter(acts, usual)])} where they act, and
{_area([*honest, *filter(acts, known)])} for words that the base knows, where they act.
"""


def _area(found: Sequence[Judged]) -> str:
    return targets.fine(
        area([acting.wins_by([each for each in found if each.known.cell.base == base]) for base in BASES])
    )
