"""All triggers of one failing prompt: ranked, searched, taken out, and searched again while the prompt still fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from gatekeeper.patch.clusters import null_probability, two_means
from gatekeeper.patch.saliency import METHODS, Failing, Scores, ranking, scaled, shortened
from gatekeeper.patch.search import Core, find
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import words
from gatekeeper.remedy import Place
from gatekeeper.tensors.language import Prompt

Fails = Callable[[Sequence[Prompt]], list[bool]]
"""Whether the model still answers prompts as the failure did."""

CAUSAL = "causal"
"""The default way to localise: rank, carry into refused prompts, thin."""

PAPER = "paper"
"""Patcher's first stage as it is written: gradient norm of the response, 2-means, and no null."""

LOCALISERS = (CAUSAL, PAPER, *METHODS)
"""A method's own name stands for its scores cut by 2-means, held against the null."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Localised:
    """What was found in one prompt."""

    cores: tuple[Core, ...]
    """In the order in which they were found; positions in the whole prompt."""

    necessary: bool
    """Without all of them the prompt no longer fails."""

    saliencies: Mapping[str, Scores]
    """By method, scaled to 1."""

    null: float | None = None
    """Share of refused prompts whose scores are parted as clearly; None where no clustering decided."""


def localise(
    trials: Trials, failing: Failing, fails: Fails, *, common: Set[str], least: float, peels: int
) -> Localised:
    """Find the causes of one failure by causal search.

    Args:
        trials: Hosts.
        failing: The prompt.
        fails: Asks the model and judges.
        common: Ordinary words of requests.
        least: Share of hosts that a trigger must make fail.
        peels: How many triggers are looked for.
    """
    first, saliencies = ranking(trials.model, failing)
    scores, left, cores = first, failing, list[Core]()
    where = list(range(len(words(failing.prompt.text))))
    for _peel in range(peels):
        core = find(trials, left, scores, common, least)
        if core is None:
            break
        cores.append(replace(core, positions=tuple(where[index] for index in core.positions)))
        where = [index for number, index in enumerate(where) if number not in core.positions]
        left = _left(left, core.positions)
        if not fails([left.prompt])[0]:
            return Localised(cores=tuple(cores), necessary=True, saliencies=saliencies)
        if len(words(left.prompt.text)) != len(where):
            # Words that stood on both sides of a removed sign of an unspaced script have run together.
            break
        scores, _each = ranking(trials.model, left)
    return Localised(cores=tuple(cores), necessary=False, saliencies=saliencies)


def _left(failing: Failing, removed: Sequence[int]) -> Failing:
    """Take words out of a failing prompt, and count the candidates anew."""
    gone = sorted(removed)
    kept = [index - sum(one < index for one in gone) for index in failing.candidates if index not in gone]
    return replace(failing, prompt=shortened(failing.prompt, gone), candidates=tuple(kept))


def clustered(
    trials: Trials, failing: Failing, fails: Fails, *, localiser: str, others: Sequence[Failing], level: float
) -> Localised:
    """Find the cause of one failure by the high cluster of one saliency.

    Args:
        trials: Hosts.
        failing: The prompt.
        fails: Asks the model and judges.
        localiser: `paper`, or a method's name.
        others: Prompts that the model refuses, as the null; the paper has none.
        level: Share of them that may be parted as clearly.
    """
    name = "gradient-norm" if localiser == PAPER else localiser
    method = METHODS[name]
    raw = method(trials.model, failing)
    split = two_means(raw)
    null = None
    if localiser != PAPER:
        null = null_probability(split, [method(trials.model, other) for other in others])
    cores: tuple[Core, ...] = ()
    if split.high and (null is None or null <= level):
        share = trials.sufficiency(failing.prompt.text, split.high, Place.ANYWHERE)
        cores = (Core(positions=split.high, place=Place.ANYWHERE, sufficiency=share),)
    gone = bool(cores) and not fails([shortened(failing.prompt, split.high)])[0]
    return Localised(cores=cores, necessary=gone, saliencies={name: scaled(raw)}, null=null)
