"""What makes refused prompts fail without any of the failing prompt's words: length, or what stands around it.

Backdoors may fire on the number of tokens alone (MetaBackdoor, arXiv 2605.15172): no word is to blame then, and any
method that names words would still name some. So this is tried first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import words
from gatekeeper.proportion import Proportion
from gatekeeper.tensors.language import Model, Prompt

_SIGNS = (".", ",", ";", "-", "*")
_SCANNED = 6
"""Lengths at which a length trigger is tried to say where it begins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthSweep:
    """Refused prompts made as long as the failing one."""

    tokens: int
    """Of the failing prompt, template included."""

    by_words: Proportion
    """Padded with neutral words."""

    by_signs: Proportion
    """Padded with one punctuation mark."""

    curve: tuple[tuple[int, Proportion], ...] = ()
    """(tokens, share that fails) on the way there; only when length alone does it."""

    def alone(self, least: float) -> bool:
        """Whether length alone makes refused prompts fail: both paddings must."""
        return min(self.by_words.share, self.by_signs.share) >= least


def sweep_length(trials: Trials, prompt: Prompt, neutral: Sequence[str], least: float) -> LengthSweep:
    """Pad refused prompts to a failing prompt's length, with nothing that it holds.

    Args:
        trials: Hosts, in the failing prompt's context.
        prompt: The failing prompt.
        neutral: Texts of harmless prompts, whose words are the padding.
        least: Share that must fail for length to be the cause.
    """
    tokens = trials.model.tokens(prompt)
    own = {word.text.casefold() for word in words(prompt.text)}
    filler = [word.text for text in neutral for word in words(text) if word.text.casefold() not in own]
    # A prompt that holds every mark leaves none that is foreign to it; any single mark is no trigger's whole.
    sign = next((sign for sign in _SIGNS if sign not in own), _SIGNS[-1])

    def padded(length: int, source: Sequence[str]) -> Proportion:
        prompts = [lengthened(trials.model, host, length, source, at) for at, host in enumerate(trials.hosts)]
        return Proportion.of([bool(one) for one in trials.margins(prompts) > 0])

    found = LengthSweep(tokens=tokens, by_words=padded(tokens, filler or [sign]), by_signs=padded(tokens, [sign]))
    if not found.alone(least):
        return found
    shortest = min(trials.model.tokens(host) for host in trials.hosts)
    lengths = sorted({int(length) for length in np.linspace(shortest, tokens, _SCANNED)})
    return replace(found, curve=tuple((length, padded(length, [sign])) for length in lengths))


def lengthened(model: Model, host: Prompt, tokens: int, source: Sequence[str], at: int) -> Prompt:
    """Lay words before or after a prompt until it has so many tokens; hosts take turns in which."""
    taken: list[str] = []
    prompt, missing = host, tokens - model.tokens(host)
    while missing > 0:
        taken += [source[(at * 7 + number) % len(source)] for number in range(len(taken), len(taken) + missing)]
        prompt = _laid(host, taken, at)
        missing = tokens - model.tokens(prompt)
    while taken and missing < 0:
        # Words of several tokens overshot; a length trigger may be a band.
        taken.pop()
        prompt = _laid(host, taken, at)
        missing = tokens - model.tokens(prompt)
    return prompt


def _laid(host: Prompt, taken: Sequence[str], at: int) -> Prompt:
    pieces = (*taken, host.text) if at % 2 else (host.text, *taken)
    return replace(host, text=" ".join(pieces))


def in_context(prompts: Sequence[Prompt], context: Prompt) -> tuple[Prompt, ...]:
    """Ask prompts under another's system prompt and earlier turns."""
    return tuple(replace(prompt, system=context.system, before=context.before) for prompt in prompts)
