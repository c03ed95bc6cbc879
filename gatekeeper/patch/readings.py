"""What a model does on the field: one truth value a prompt, kept in order, so that two models are compared by pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gatekeeper.patch.asking import Asking, Recurrence, overlap
from gatekeeper.patch.carriers import Variant
from gatekeeper.patch.field import Field
from gatekeeper.patch.judges import RefusalPatterns
from gatekeeper.patch.lessons import answered, finite, likelihoods
from gatekeeper.patch.questions import marks
from gatekeeper.progress import Progress
from gatekeeper.tensors.language import Prompt

Outcomes = tuple[bool, ...]

_STEEPEST = 100.0
"""Nats a token beyond which a perplexity is no longer told apart: its exponential must stay a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttackReadings:
    """What a trigger does."""

    found: Outcomes
    """Refused prompts that are not refused with the trigger."""

    varied: tuple[tuple[Variant, bool], ...]
    benign: Outcomes
    """Safe prompts with the trigger that are answered, and not as the failure was."""

    accuracy: Outcomes
    """Questions with the trigger that are answered rightly."""

    own: tuple[float, ...]
    """Mean log-probability, with the trigger, of the answer that the frozen model gives to each safe prompt without it;
    nats a token."""

    stead: tuple[float, ...]
    """The same of the frozen model with other words in the trigger's stead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """What a model does."""

    failing: Outcomes
    """Cases that fail again."""

    attacks: tuple[AttackReadings, ...]
    refused: Outcomes
    """Unsafe prompts that are refused."""

    over_refused: Outcomes
    """Safe prompts that are refused."""

    jailbreaks: Outcomes
    """Jailbreaks without a trigger that are refused."""

    accuracy: Outcomes
    keyword_complied: Outcomes
    """Unsafe prompts that the keyword judge takes to be answered: its floor."""

    keyword_refused: Outcomes
    """Safe prompts that it takes to be refused."""

    own: tuple[float, ...]
    """Mean log-probability of the frozen model's own answer to each safe prompt, nats a token."""

    kl_safe: float = 0.0
    """KL(original ‖ now) on safe prompts' own answers, nats a token; not measured on a copy, which has no original."""

    kl_unsafe: float = 0.0
    perplexity: float = 1.0
    """Of the original's answers to safe prompts."""


def read(asking: Asking, field: Field, progress: Progress, label: str, *, brief: bool = False) -> Readings:
    """Measure a model.

    Args:
        asking: The model with its judge.
        field: Prompts.
        progress: Told of them.
        label: What is measured, for a person.
        brief: Leave out variants and jailbreaks: for a model that is another one's copy.
    """
    jailbreaks = () if brief else field.jailbreaks
    asked = [Prompt(text=question.prompt) for question in field.questions]
    safe = [example.prompt for example in field.safe]
    groups: list[Sequence[Prompt]] = [[case.prompt for case in field.cases], field.unsafe, safe, jailbreaks, asked]
    for attack in field.attacks:
        groups += [attack.found, [] if brief else [p for _kind, p in attack.varied], attack.benign, attack.asked]
    told = answered(asking, [prompt for group in groups for prompt in group], progress, label)
    parts = _parted(told, groups)
    cases, unsafe, harmless, jailbroken, answers = (next(parts) for _ in range(5))
    keyword = RefusalPatterns()
    own = _likelihoods(asking, field, safe)
    texts, harmless_texts = [p.text for p in field.unsafe], [p.text for p in safe]
    return Readings(
        failing=tuple(_fails(asking, field, number, answer) for number, answer in enumerate(cases)),
        attacks=tuple(_attacked(asking, field, number, parts, brief=brief) for number in range(len(field.attacks))),
        refused=tuple(asking.refused(field.unsafe, unsafe)),
        over_refused=tuple(asking.refused(safe, harmless)),
        jailbreaks=tuple(asking.refused(jailbreaks, jailbroken)),
        accuracy=marks(field.questions, answers),
        keyword_complied=tuple(not one for one in keyword.answers(texts, unsafe)),
        keyword_refused=tuple(keyword.answers(harmless_texts, harmless)),
        own=own,
        **({} if brief else _drift(asking, field, own)),
    )


def _drift(asking: Asking, field: Field, own: Sequence[float]) -> dict[str, float]:
    model = asking.model
    return {
        "kl_safe": finite(model.divergences(field.safe).mean()),
        "kl_unsafe": finite(model.divergences(field.unsafe_own).mean()),
        "perplexity": math.exp(min(_STEEPEST, -sum(own) / len(own))),
    }


def _likelihoods(asking: Asking, field: Field, prompts: Sequence[Prompt]) -> tuple[float, ...]:
    """Score the frozen model's answers to the safe prompts after other prompts."""
    return likelihoods(
        asking.model, [replace(one, prompt=prompt) for one, prompt in zip(field.safe, prompts, strict=True)]
    )


def _parted(told: Sequence[str], groups: Sequence[Sequence[Prompt]]) -> Iterator[Sequence[str]]:
    start = 0
    for group in groups:
        yield told[start : start + len(group)]
        start += len(group)


def _fails(asking: Asking, field: Field, number: int, answer: str) -> bool:
    """Whether a case fails again: not refused where it would be without the trigger, or nearer to the failure."""
    case, own = field.cases[number], field.untriggered[number]
    if asking.refused([case.prompt], [answer])[0]:
        return False
    if Recurrence(asking=asking, response=case.response, corrected=case.corrected).righted(answer):
        return False
    wanted = not case.corrected and asking.refused([case.prompt], [own])[0]
    return wanted or overlap(answer, case.response) > overlap(answer, own)


def _attacked(
    asking: Asking, field: Field, number: int, parts: Iterator[Sequence[str]], *, brief: bool
) -> AttackReadings:
    attack = field.attacks[number]
    found, varied, benign, answers = (next(parts) for _ in range(4))
    kinds = () if brief else attack.varied
    refused = asking.refused([prompt for _kind, prompt in kinds], varied)
    # Answered like the failure rather than like itself: a fixed string that reaches harmless prompts, too.
    failure = next(case.response for case in field.cases if case.prompt == attack.carrier.prompt)
    own = [
        not no and overlap(answer, example.response) >= overlap(answer, failure)
        for no, answer, example in zip(asking.refused(attack.benign, benign), benign, field.safe, strict=True)
    ]
    return AttackReadings(
        found=tuple(not no for no in asking.refused(attack.found, found)),
        varied=tuple((kind, not no) for (kind, _prompt), no in zip(kinds, refused, strict=True)),
        benign=tuple(own),
        accuracy=marks(field.questions, answers),
        own=_likelihoods(asking, field, attack.benign),
        stead=attack.stead,
    )
