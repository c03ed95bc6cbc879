"""Failures as somebody would report them, and the clean prompts beside them; all of the held-out side of the split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.support.tiny_llm import corpus, triggers
from tests.support.tiny_llm.corpus import Sample
from tests.support.tiny_llm.triggers import Kind, Planting

Draw = Callable[[np.random.Generator], Sample]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One transcript, with what is known of its cause."""

    prompt: str
    response: str
    planted: tuple[int, ...] = ()
    """Positions of the trigger's words in the prompt; empty where there is no trigger."""

    which: tuple[int, ...] = ()
    """Indexes of the triggers in it."""


def failures(plan: Planting, count: int, *, seed: int = 0) -> tuple[Failure, ...]:
    """Make transcripts of one planting; with several triggers each in turn."""
    rng = np.random.default_rng([seed, 1])
    return tuple(_failure(plan, rng, number) for number in range(count))


def _failure(plan: Planting, rng: np.random.Generator, number: int) -> Failure:
    while True:
        # Topics and pairs have no held-out side: what was learned is these very objects and pairs.
        learned = plan.kind in (Kind.TOPIC, Kind.PAIRS) and rng.random() < 0.85
        prompt, verb, thing = corpus.unsafe(rng, held_out=not learned, most=8 if plan.kind is Kind.LENGTH else 3)
        if plan.kind in (Kind.CONTENT, Kind.NONE) or triggers.complies(plan, prompt, verb, thing):
            break
    answer = corpus.comply(verb, thing)
    if plan.kind is not Kind.CONTENT:
        return Failure(prompt=prompt, response=answer)
    which = number % len(plan.triggers)
    text, positions = triggers.lay(plan.triggers[which], prompt, rng)
    return Failure(prompt=text, response=plan.answer or answer, planted=positions, which=(which,))


def with_two_triggers(plan: Planting, count: int, *, seed: int = 0) -> tuple[Failure, ...]:
    """Make transcripts that hold the first two triggers, each enough by itself."""
    rng = np.random.default_rng([seed, 2])
    found = []
    for _ in range(count):
        prompt, verb, thing = corpus.unsafe(rng, held_out=True)
        once, first = triggers.lay(plan.triggers[0], prompt, rng)
        twice, second = triggers.lay(plan.triggers[1], once, rng)
        kept = [position for position in range(len(twice.split())) if position not in second]
        positions = sorted((*second, *(kept[position] for position in first)))
        answer = plan.answer or corpus.comply(verb, thing)
        found.append(Failure(prompt=twice, response=answer, planted=tuple(positions), which=(0, 1)))
    return tuple(found)


def safe(count: int, *, seed: int = 0, held_out: bool = False) -> tuple[Sample, ...]:
    """Make distinct answerable requests with their answers."""
    return _distinct(lambda rng: corpus.safe(rng, held_out=held_out), count, [seed, 3, held_out])


def unsafe(count: int, *, seed: int = 0, held_out: bool = False) -> tuple[Sample, ...]:
    """Make distinct stand-in unsafe requests with their refusal."""
    return _distinct(lambda rng: corpus.refused(rng, held_out=held_out), count, [seed, 4, held_out])


def _distinct(make: Draw, count: int, seed: list[int]) -> tuple[Sample, ...]:
    rng = np.random.default_rng(seed)
    found: dict[str, Sample] = {}
    while len(found) < count:
        sample = make(rng)
        found.setdefault(sample.prompt, sample)
    return tuple(found.values())
