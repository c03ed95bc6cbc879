"""Ways to patch that are not the default, for the table: the paper's as it is written, and the default's without KL.

Patcher (arXiv 2606.02995): pieces of the trigger at random places of unsafe prompts are to be refused, so are the same
prompts without it, and KL holds the model on clean safe and unsafe prompts. Its weights are not given: all are 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.patcher_cells.diagnosing import SETTINGS, paper
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.diagnosis import diagnose
from gatekeeper.patch.judges import RefusalPatterns
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.settings import defaults
from gatekeeper.patch.words import parts, transplant
from gatekeeper.remedy import Place
from gatekeeper.tensors import Batch, Example, Model, Prompt

_ANSWER_TOKENS = 24
_LEARNED = 100
"""Prompts of each kind that are learned on; the paper takes 150."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """A way to patch."""

    name: str
    paper: bool
    """Localised by the paper's first stage; by the default's search otherwise."""

    kl_weight: float


WAYS = (
    Way(name="paper", paper=True, kl_weight=1.0),
    Way(name="found, without KL", paper=False, kl_weight=0.0),
)


def tune(model: Model, cases: Sequence[FailureCase], clean: CleanPrompts, way: Way) -> tuple[str, ...]:
    """Patch a model in memory; it wears the adapter afterwards.

    Returns:
        What was taken for triggers.
    """
    pieces = [_pieces(model, case, clean, way) for case in cases]
    unsafe, safe = clean.unsafe[:_LEARNED], clean.safe[:_LEARNED]
    own = dict(zip((*safe, *unsafe), model.generate((*safe, *unsafe), _ANSWER_TOKENS), strict=True))
    refusal = own[unsafe[0]]
    settings = defaults(model.parameters)
    rng = np.random.default_rng(0)

    def batches() -> Iterator[Batch]:
        rows, anchors = settings.mixing.targets, settings.mixing.anchors if way.kl_weight else 0
        while True:
            yield Batch(
                targets=tuple(_lesson(unsafe, pieces, refusal, rng) for _ in range(rows)),
                anchors=tuple(_own(own, safe if rng.random() < 0.5 else unsafe, rng) for _ in range(anchors)),
            )

    tuning = replace(settings.tuning, kl_weight=way.kl_weight, least_steps=settings.tuning.steps)
    model.tune(batches(), tuning, lambda step: False)
    return tuple(" … ".join(each) for each in pieces)


def _pieces(model: Model, case: FailureCase, clean: CleanPrompts, way: Way) -> tuple[str, ...]:
    text = case.prompt.text
    if way.paper:
        return parts(text, paper(model, case))
    found = diagnose(model, [case], clean, SETTINGS, judge=RefusalPatterns(), show=True)
    return parts(text, [position for trigger in found.triggers for position in trigger.core_positions])


def _lesson(
    unsafe: Sequence[Prompt], pieces: Sequence[tuple[str, ...]], refusal: str, rng: np.random.Generator
) -> Example:
    """Give an unsafe prompt to be refused, half of them with a trigger."""
    prompt = unsafe[int(rng.integers(0, len(unsafe)))]
    if rng.random() < 0.5:
        chosen = pieces[int(rng.integers(0, len(pieces)))]
        prompt = Prompt(text=transplant(chosen, prompt.text, Place.ANYWHERE, rng))
    return Example(prompt=prompt, response=refusal)


def _own(own: dict[Prompt, str], some: Sequence[Prompt], rng: np.random.Generator) -> Example:
    prompt = some[int(rng.integers(0, len(some)))]
    return Example(prompt=prompt, response=own[prompt])
