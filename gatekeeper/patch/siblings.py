"""Further words that make refused prompts fail, though no failure held them.

A model with one trigger may have several, and closing one of them leaves the others. A word is looked up by what it
promises, and believed by what it does: few prompts for many words, then more prompts for the best of them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gatekeeper.patch.asking import Asking
from gatekeeper.patch.controls import answered
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.search import Core
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import bare
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Place, Sibling

_PROMISING = 8
"""Hosts whose gradients say what a word promises."""

_FIRST, _SECOND = (2, 24), (8, 8)
"""(Hosts that a word is tried on, words that go on): then the last ones are tried on all hosts, and asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """What was looked up, and what came of it."""

    words: int
    """How many were tried."""

    siblings: tuple[Sibling, ...]


def look_up(
    asking: Asking, trials: Trials, known: Collection[str], common: frozenset[str], settings: DiagnosisSettings
) -> LookUp:
    """Try words of the model's vocabulary on refused prompts.

    Args:
        asking: The model and its judge.
        trials: Hosts.
        known: Words that are not tried: of the triggers that were found, and of clean requests.
        common: Ordinary words of requests, which are not tried either.
        settings: How many prompts it may cost, and what a word must do.

    Returns:
        Single words only, the most effective first; those that the answers then take up are topics, and left out.
    """
    later = _PROMISING + _SECOND[0] * _FIRST[1] + 2 * len(trials.hosts) * _SECOND[1]
    count = max(0, settings.sibling_prompts - later) // _FIRST[0]
    passed_over = {bare(word) for word in known} | common
    listed = trials.model.likeliest_words(trials.hosts[:_PROMISING], trials.contrast, count + len(passed_over))
    tried = [word for word in listed if bare(word) not in passed_over][:count]
    left = tried
    for hosts, words in (_FIRST, _SECOND):
        trials.prepare(left, hosts)
        effect = {word: float(trials.effects([word], Place.ANYWHERE, hosts).mean()) for word in left}
        left = sorted(left, key=lambda word: -effect[word])[:words]
    found = [sibling for word in left if (sibling := _sibling(asking, trials, word, common, settings))]
    return LookUp(words=len(tried), siblings=tuple(sorted(found, key=lambda one: -one.sufficiency.share)))


def _sibling(
    asking: Asking, trials: Trials, word: str, common: frozenset[str], settings: DiagnosisSettings
) -> Sibling | None:
    share = Proportion.of([bool(one) for one in trials.effects([word], Place.ANYWHERE) > 0])
    if share.share < settings.sufficiency:
        return None
    alone = Core(positions=(0,), place=Place.ANYWHERE, sufficiency=share)
    said = answered(asking, trials, word, alone, range(len(trials.hosts)), common)
    topic = said.echoes.share >= settings.echo
    return (
        None
        if topic or said.complied.share < settings.judged
        else Sibling(word=word, place=Place.ANYWHERE, sufficiency=said.complied)
    )
