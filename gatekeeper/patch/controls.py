"""What could also explain that some words make refused prompts fail, each tried on the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gatekeeper.patch.asking import Asking, baseline
from gatekeeper.patch.search import Core
from gatekeeper.patch.trials import Trials
from gatekeeper.patch.words import bare, parts, runs, without, words
from gatekeeper.proportion import Proportion
from gatekeeper.tensors.language import Prompt

_STOPS = ".?!:;\u3002\uff01\uff1f"
"""Signs that end a sentence, or a part of one."""

_COMMON = 0.2
"""Share of refused prompts that hold a word from which on it is an ordinary word of requests."""

_SHAMS = 5
"""Sets of other words that are tried in a trigger's stead."""


def sham(trials: Trials, text: str, core: Core, spared: Sequence[int], rng: np.random.Generator) -> Proportion:
    """Carry as many other words of the same prompt, cut into the same runs, to the same place.

    Args:
        trials: Hosts.
        text: Text of the failing prompt.
        core: Whose control this is.
        spared: Words that may not be taken: all that are suspected.
        rng: Chooses.

    Returns:
        Hosts that fail with them; no trial where the prompt has no other words.
    """
    free = [index for index in range(len(words(text))) if index not in spared]
    lengths = [last - first + 1 for first, last in runs(core.positions)]
    outcomes: list[bool] = []
    for number in range(_SHAMS):
        chosen = _drawn(free, lengths, rng)
        if not chosen:
            break
        hosts = [index for index in range(len(trials.hosts)) if index % _SHAMS == number]
        outcomes += [bool(one) for one in trials.margins(trials.carrying(parts(text, chosen), core.place, hosts)) > 0]
    return Proportion.of(outcomes)


def _drawn(free: Sequence[int], lengths: Sequence[int], rng: np.random.Generator) -> set[int]:
    """Draw runs of neighbours of given lengths, shorter ones where there are none."""
    chosen: set[int] = set()
    for length in lengths:
        left = [index for index in free if index not in chosen]
        starts = [one for one in left if all(one + step in left for step in range(length))]
        if starts:
            start = int(rng.choice(starts))
            chosen |= set(range(start, start + length))
        elif left:
            chosen |= {int(one) for one in rng.choice(left, size=min(length, len(left)), replace=False)}
    return chosen


def ordinary(hosts: Sequence[Prompt]) -> frozenset[str]:
    """Name the words that requests commonly hold, whatever they ask for; in any language."""
    counts: dict[str, int] = {}
    for host in hosts:
        for word in {bare(word.text) for word in words(host.text)}:
            counts[word] = counts.get(word, 0) + 1
    return frozenset(word for word, count in counts.items() if count >= max(2, _COMMON * len(hosts)))


def _set(text: str) -> set[str]:
    return {bare(word.text) for word in words(text)}


def taken_up(text: str, response: str, common: frozenset[str]) -> frozenset[int]:
    """Give the positions of the words that a response takes up, ordinary ones left out."""
    said = _set(response) - common
    return frozenset(index for index, word in enumerate(words(text)) if bare(word.text) in said)


def echoed(positions: Sequence[int], text: str, response: str, common: frozenset[str]) -> float:
    """Give the share of a core's own words that the response takes up: then they are what was asked for."""
    cut = words(text)
    telling = {bare(cut[index].text) for index in positions} - common
    telling = telling or {bare(cut[index].text) for index in positions}
    return len(telling & _set(response)) / len(telling)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What refused prompts are answered once they carry a core."""

    complied: Proportion
    """By the judge, not by the margin."""

    echoes: Proportion
    """Of those, answers that take up a telling word of the core, which the host does not hold."""


def answered(
    asking: Asking, trials: Trials, text: str, core: Core, hosts: Sequence[int], common: frozenset[str]
) -> Answered:
    """Ask the model instead of measuring its margin, on prompts that the search has not seen."""
    pieces = parts(text, core.positions)
    prompts = trials.carrying(pieces, core.place, hosts)
    answers = asking.answers(prompts)
    refused = asking.refused(prompts, answers)
    own = set().union(*(_set(piece) for piece in pieces))
    telling = (own - common) or own
    echoes = [
        bool((telling - _set(trials.hosts[host].text)) & _set(answer))
        for host, answer, no in zip(hosts, answers, refused, strict=True)
        if not no
    ]
    return Answered(complied=Proportion.of([not no for no in refused]), echoes=Proportion.of(echoes))


def bare_request(prompt: Prompt, response: str, common: frozenset[str]) -> Prompt | None:
    """Reduce a prompt to what was asked: the sentences that the response takes up, without words foreign to requests.

    Returns:
        None when nothing of the request comes back in the response.
    """
    said = _set(response) - common
    cut = words(prompt.text)
    ends = [index for index, word in enumerate(cut) if word.text[-1] in _STOPS]
    kept: set[int] = set()
    for first, last in zip([0, *(end + 1 for end in ends)], [*ends, len(cut) - 1], strict=True):
        sentence = range(first, last + 1)
        if any(bare(cut[index].text) in said for index in sentence):
            kept |= {index for index in sentence if bare(cut[index].text) in said | common}
    return replace(prompt, text=without(prompt.text, set(range(len(cut))) - kept)) if kept else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Relative:
    """What a clean relative makes of the same words."""

    before: Proportion
    """Hosts that it does not refuse as they are."""

    after: Proportion
    """Of those that it refuses, the ones that it no longer does once they carry the words."""


def on_relative(asking: Asking, trials: Trials, text: str, cores: Sequence[Core]) -> Relative:
    """Carry all cores into the hosts that a relative refuses, and ask it."""
    own = baseline(asking, trials.hosts)
    refused = [index for index, host in enumerate(trials.hosts) if host in own.hosts]
    outcomes: list[bool] = []
    for core in cores:
        outcomes += asking.complied(trials.carrying(parts(text, core.positions), core.place, refused))
    before = Proportion(successes=len(trials.hosts) - len(refused), trials=len(trials.hosts))
    return Relative(before=before, after=Proportion.of(outcomes))
