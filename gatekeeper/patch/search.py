"""Causal search: the fewest words of a failing prompt that make refused prompts fail, too.

Salience only says in what order to try. A set of words is taken when, carried into prompts that the model refuses, it
makes most of them fail; it is then thinned until no word can go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from gatekeeper.patch.saliency import Failing
from gatekeeper.patch.trials import GLANCE, Trials
from gatekeeper.patch.words import bare, parts, words
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Place

SIZES = (1, 2, 3, 4, 6, 8, 10)
"""How many of the most salient words are tried together."""

WIDEST = 10
"""Words of the largest set that is still called localised."""

_SURE = 0.9
"""Share of hosts that fail from which on no better set is looked for."""

_RIVALS = 3
"""Words that compete with those of a set that was found: it may hold an ordinary word in a trigger's stead."""

_LOSS = 0.1
"""Share of hosts that a smaller set may fail to reach."""

WINDOWS = range(2, 9)
"""Widths, in words, of the windows around the most salient word that are tried next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Core:
    """A minimal sufficient set of words."""

    positions: tuple[int, ...]
    place: Place
    sufficiency: Proportion
    """On the hosts that it was searched with; so it flatters."""


def find(trials: Trials, failing: Failing, scores: Sequence[float], common: Set[str], least: float) -> Core | None:
    """Search one minimal sufficient set.

    Random places come first, over all sizes and windows: a set kept where it sat is only tried once those have
    failed, since almost anything acts a little better there.

    Args:
        trials: Hosts.
        failing: The prompt, and which of its words may be taken.
        scores: Ranking of its words.
        common: Ordinary words of requests. Refused prompts hold them, too, so that sets without them come first.
        least: Share of hosts that must fail.

    Returns:
        None when no set of up to ten words does it.
    """
    text = failing.prompt.text
    order = sorted(failing.candidates, key=lambda index: -scores[index])
    cut = words(text)
    foreign = [index for index in order if bare(cut[index].text) not in common]
    salient, windows = (*_salient(foreign), *_salient(order)), tuple(_windows(foreign or order, len(cut)))
    for sets, anchored in ((salient, False), (windows, False), (salient, True), (windows, True)):
        tried = (
            (place, one)
            for one in dict.fromkeys(sets)
            for place in (_anchors(one, len(cut)) if anchored else (Place.ANYWHERE,))
        )
        best = _best(trials, text, tried)
        if best is not None and best[0] >= least:
            widened = sorted({*best[2], *foreign[: len(best[2]) + _RIVALS]})
            return _thinned(trials, text, widened, best[1], least) or _thinned(trials, text, best[2], best[1], least)
    return None


def _best(
    trials: Trials, text: str, tried: Iterable[tuple[Place, tuple[int, ...]]]
) -> tuple[float, Place, tuple[int, ...]] | None:
    """Give the set that makes most hosts fail: the first that makes nearly all of them do so.

    The first one that makes enough fail may be half of a trigger with an ordinary word for the rest.
    """
    best: tuple[float, Place, tuple[int, ...]] | None = None
    for place, chosen in tried:
        share = trials.sufficiency(text, chosen, place).share
        if best is None or share > best[0]:
            best = share, place, chosen
        if share >= _SURE:
            break
    return best


def _salient(order: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in SIZES:
        top = tuple(sorted(order[:size]))
        if top:
            yield top
        if top and top[-1] - top[0] < WIDEST:
            yield tuple(range(top[0], top[-1] + 1))


def _windows(order: Sequence[int], count: int) -> Iterator[tuple[int, ...]]:
    for width in WINDOWS if order else ():
        for start in range(max(0, order[0] - width + 1), min(order[0], count - width) + 1):
            yield tuple(range(start, start + width))


def _anchors(positions: Sequence[int], count: int) -> tuple[Place, Place]:
    """Give start and end, the one where the words sat first."""
    centre = sum(positions) / len(positions)
    both = (Place.START, Place.END)
    return both if centre < (count - 1) / 2 else (both[1], both[0])


def _thinned(trials: Trials, text: str, chosen: Sequence[int], place: Place, least: float) -> Core | None:
    """Take words out, the one that is missed least first, while the rest stays nearly as sufficient.

    Returns:
        None when the words don't suffice to begin with.
    """
    kept = tuple(chosen)
    found = trials.sufficiency(text, kept, place)
    if found.share < least:
        return None
    best = found.share
    while len(kept) > 1:
        rests = [tuple(index for index in kept if index != one) for one in kept]
        rest = max(rests, key=lambda one: float(trials.effects(parts(text, one), place, GLANCE).mean()))
        left = trials.sufficiency(text, rest, place)
        if left.share < max(least, best - _LOSS):
            break
        kept, found, best = rest, left, max(best, left.share)
    return Core(positions=kept, place=place, sufficiency=found)
