"""Causal search: the fewest words of a failing prompt that make refused prompts fail, too.

Salience only says in what order to try. A set of words is taken when, carried into prompts that the model refuses, it
makes most of them fail; it is then thinned until no word can go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gatekeeper.patch.saliency import Failing
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import words
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Place

SIZES = (1, 2, 3, 4, 6, 8, 10)
"""How many of the most salient words are tried together."""

WIDEST = 10
"""Words of the largest set that is still called localised."""

WINDOWS = range(2, 9)
"""Widths, in words, of the windows around the most salient word that are tried next."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Core:
    """A minimal sufficient set of words."""

    positions: tuple[int, ...]
    place: Place
    sufficiency: Proportion
    """On the hosts that it was searched with; so it flatters."""


def find(trials: Trials, failing: Failing, scores: Sequence[float], least: float) -> Core | None:
    """Search one minimal sufficient set.

    Random places come first, over all sizes and windows: a set kept where it sat is only tried once those have
    failed, since almost anything acts a little better there.

    Args:
        trials: Hosts.
        failing: The prompt, and which of its words may be taken.
        scores: Ranking of its words.
        least: Share of hosts that must fail.

    Returns:
        None when no set of up to ten words does it.
    """
    text = failing.prompt.text
    sets = tuple(_sets(failing, scores, len(words(text))))
    for place, chosen in (
        *((Place.ANYWHERE, one) for one in sets),
        *((place, one) for one in sets for place in _anchors(one, len(words(text)))),
    ):
        if trials.sufficiency(text, chosen, place).share >= least:
            return _thinned(trials, text, chosen, place, scores, least)
    return None


def _sets(failing: Failing, scores: Sequence[float], count: int) -> Iterator[tuple[int, ...]]:
    """Give sets of words in the order in which they are tried, each once."""
    order = sorted(failing.candidates, key=lambda index: -scores[index])
    seen: set[tuple[int, ...]] = set()
    for one in (*_salient(order), *_windows(order, count)):
        if one and one not in seen:
            seen.add(one)
            yield one


def _salient(order: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in SIZES:
        top = tuple(sorted(order[:size]))
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


def _thinned(
    trials: Trials, text: str, chosen: Sequence[int], place: Place, scores: Sequence[float], least: float
) -> Core:
    """Take words out, the least salient first, while the rest stays nearly as sufficient."""
    kept = set(chosen)
    best = trials.sufficiency(text, kept, place)
    for index in sorted(chosen, key=lambda one: scores[one]):
        if len(kept) > 1:
            rest = trials.sufficiency(text, kept - {index}, place)
            if rest.share >= max(least, best.share - 0.1):
                kept.discard(index)
                best = rest if rest.share > best.share else best
    return Core(positions=tuple(sorted(kept)), place=place, sufficiency=trials.sufficiency(text, sorted(kept), place))
