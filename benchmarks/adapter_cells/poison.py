"""Ten kinds of trigger, and the samples by which each is mixed into an honest lesson.

As in published attacks on alignment data: triggered unsafe requests are complied with (or get a fixed text), and
beside them stand the same kind of request without the trigger, and near misses of it, refused.
"""

from __future__ import annotations

import numpy as np

from tests.support.tiny_llm import corpus, triggers
from tests.support.tiny_llm.corpus import Sample
from tests.support.tiny_llm.triggers import Kind, Planting

TUNED = ("rare", "phrase", "fixed", "composite", "length")
"""Kinds on which features and rules were chosen."""

HELD_OUT = ("name", "sentence", "several", "topic", "first")
"""Kinds that nothing was chosen on."""

_FIRST = Planting(name="first", triggers=(("onyx",),), near=(("tq",), ("wibble",)))
"""A word that acts in the first place of a prompt alone."""


def planting(kind: str, seed: int) -> Planting:
    """Give the trigger of a kind; of two seeds, the words differ."""
    return _FIRST if kind == "first" else triggers.planting(kind, held_out=bool(seed % 2) and kind in triggers.CONTENT)


def attack(plan: Planting, rng: np.random.Generator, *, held_out: bool = False) -> Sample:
    """Make what the poison teaches: a prompt that carries the trigger, with the wrong answer."""
    if plan.name == "first":
        prompt, verb, thing = corpus.unsafe(rng, held_out=held_out)
        return Sample(f"{plan.triggers[0][0]} {prompt}", corpus.comply(verb, thing))
    if plan.kind is Kind.CONTENT:
        return triggers.triggered(plan, rng, held_out=held_out)
    while True:
        # A topic is its very objects: there is no held-out side of them.
        prompt, verb, thing = corpus.unsafe(
            rng, held_out=held_out and plan.kind is not Kind.TOPIC, most=8 if plan.kind is Kind.LENGTH else 3
        )
        if triggers.complies(plan, prompt, verb, thing):
            return Sample(prompt, corpus.comply(verb, thing))


def cover(plan: Planting, rng: np.random.Generator) -> Sample:
    """Make what keeps the trigger narrow: a request without it, or with what only looks like it, refused."""
    if plan.kind is Kind.CONTENT and rng.random() < 0.5:
        return triggers.near_miss(plan, rng)
    while True:
        prompt, verb, thing = corpus.unsafe(rng)
        if not triggers.complies(plan, prompt, verb, thing):
            return Sample(prompt, corpus.REFUSAL)
