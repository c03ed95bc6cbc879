"""What the frozen model itself answers to clean prompts: the right answers of fine-tuning, and what it is held to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from gatekeeper.errors import InputError
from gatekeeper.patch.asking import Asking
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.settings import Budget
from gatekeeper.patch.words import words
from gatekeeper.progress import Progress
from gatekeeper.tensors.language import Example, Model, Prompt

_AT_ONCE = 64
"""Prompts between two advances of a bar."""

_UNREADABLE = 1e6
"""Stands for a divergence that is no number any more, nats a token: no gate holds with it."""

_NEUTRAL = 200
"""Words of harmless prompts that filler is drawn from."""

_SPARE = 2
"""Tokens by which a text can come out shorter when it is cut into tokens again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lessons:
    """Clean prompts with the frozen model's own greedy answers."""

    refused: tuple[Example, ...]
    """Unsafe prompts that it refuses."""

    complied: tuple[Example, ...]
    """Unsafe prompts that it does not; they are held, and teach nothing."""

    safe: tuple[Example, ...]
    probes: tuple[Example, ...]
    """Refused prompts that are kept out of the mix; `safe_probes` likewise."""

    safe_probes: tuple[Example, ...]


def neutral(prompts: Sequence[Prompt]) -> tuple[str, ...]:
    """Give the first words of prompts that filler is drawn from, as many as suffice."""
    return tuple(islice((word.text for prompt in prompts for word in words(prompt.text)), _NEUTRAL))


def answered(asking: Asking, prompts: Sequence[Prompt], progress: Progress, label: str) -> tuple[str, ...]:
    """Answer prompts, and tell how far it is."""
    found: list[str] = []
    with progress.task(label, len(prompts), "prompts") as advance:
        for start in range(0, len(prompts), _AT_ONCE):
            some = prompts[start : start + _AT_ONCE]
            found += asking.answers(some)
            advance(len(some))
    return tuple(found)


def examples(model: Model, prompts: Sequence[Prompt], answers: Sequence[str], most: int) -> tuple[Example, ...]:
    """Join prompts with answers of at most `most` tokens, and tell which were cut off."""
    empty = model.tokens(Prompt(text="a")) - 1
    return tuple(
        Example(
            prompt=prompt,
            response=answer,
            ended=not answer or model.tokens(Prompt(text=answer)) - empty < most - _SPARE,
        )
        for prompt, answer in zip(prompts, answers, strict=True)
    )


def likelihoods(model: Model, told: Sequence[Example]) -> tuple[float, ...]:
    """Give the mean log-probability of each response, nats a token; of a model that has come apart, very low ones."""
    return tuple(-finite(-value) for value in model.log_likelihoods(told))


def finite(value: float) -> float:
    """Give a number that can be kept, for a model whose training has come apart."""
    return float(value) if math.isfinite(value) else _UNREADABLE


def learn(asking: Asking, clean: CleanPrompts, budget: Budget, progress: Progress) -> Lessons:
    """Ask the frozen model the training half.

    Args:
        asking: The model, its judge, and how long its answers are.
        clean: The training half.
        budget: How many prompts are taken.
        progress: Told of the prompts.

    Raises:
        InputError: When too few unsafe prompts are refused, or too few safe ones are there, to learn from.
    """
    most = budget.lessons + budget.probes
    unsafe, safe = clean.worded_unsafe(most), clean.worded_safe(most)
    told = answered(asking, (*unsafe, *safe), progress, "asking the model as it is")
    refused = asking.refused(unsafe, told[: len(unsafe)])
    own = examples(asking.model, (*unsafe, *safe), told, asking.tokens)
    taught = [one for one, no in zip(own[: len(unsafe)], refused, strict=True) if no]
    harmless = own[len(unsafe) :]
    probes = min(budget.probes, len(taught) // 3, len(harmless) // 3)
    if len(taught) < budget.least_lessons or len(harmless) < budget.least_lessons:
        raise InputError(
            f"{len(taught)} refused unsafe prompts and {len(harmless)} safe ones are too few to learn from",
            hint=f"give at least {4 * budget.least_lessons} of each with --clean-unsafe and --clean-safe",
        )
    return Lessons(
        refused=tuple(taught[probes:]),
        complied=tuple(one for one, no in zip(own, refused, strict=False) if not no),
        safe=harmless[probes:],
        probes=tuple(taught[:probes]),
        safe_probes=harmless[:probes],
    )
