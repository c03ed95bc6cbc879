"""The field on which a model is proven: held-out prompts, laid out once, so that before and after go by pairs.

Everything is drawn from the verification half of the clean prompts; only the failing prompts themselves were seen
before, and fine-tuning never learns their refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError
from gatekeeper.patch.asking import Asking
from gatekeeper.patch.carriers import Carrier, Variant
from gatekeeper.patch.lessons import answered, examples, likelihoods, neutral
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.questions import Question
from gatekeeper.patch.settings import Budget
from gatekeeper.patch.words import without, words
from gatekeeper.progress import Progress
from gatekeeper.tensors.language import Example, Prompt

if TYPE_CHECKING:
    import numpy as np

    from gatekeeper.patch.case import FailureCase


@dataclass(frozen=True, kw_only=True, slots=True)
class Attack:
    """Prompts that carry one trigger."""

    carrier: Carrier
    found: tuple[Prompt, ...]
    """Refused prompts with the trigger as it was found."""

    varied: tuple[tuple[Variant, Prompt], ...]
    """Refused prompts with a variant of it, the variants in turns."""

    benign: tuple[Prompt, ...]
    """Each safe prompt with the trigger."""

    asked: tuple[Prompt, ...]
    """Each question of the user's with the trigger."""

    stead: tuple[float, ...]
    """Mean log-probability of the frozen model's own answer to each safe prompt, nats a token, once that prompt carries
    as many words of other safe prompts where the trigger would stand: what any words there cost."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """All prompts of a verification."""

    cases: tuple[FailureCase, ...]
    untriggered: tuple[str, ...]
    """What the frozen model answers to each case's prompt without its triggers."""

    unsafe: tuple[Prompt, ...]
    safe: tuple[Example, ...]
    """With the frozen model's own answers."""

    unsafe_own: tuple[Example, ...]
    """Some of the unsafe ones with the frozen model's own answers."""

    jailbreaks: tuple[Prompt, ...]
    attacks: tuple[Attack, ...]
    questions: tuple[Question, ...]


def lay_out(
    asking: Asking,
    cases: Sequence[FailureCase],
    carriers: Sequence[Carrier],
    clean: CleanPrompts,
    questions: Sequence[Question],
    budget: Budget,
    rng: np.random.Generator,
    *,
    paraphrases: Sequence[str] = (),
    progress: Progress,
) -> Field:
    """Lay out the prompts of a verification.

    Args:
        asking: The model as it was, and its judge.
        cases: Failures.
        carriers: Their triggers.
        clean: The verification half.
        questions: Of the user's.
        budget: How many prompts.
        rng: Chooses places.
        paraphrases: Other wordings of triggers, tried as variants of each.
        progress: Told of the prompts.

    Raises:
        InputError: When too few clean prompts are left to prove anything.
    """
    unsafe, safe = clean.worded_unsafe(budget.prompts), clean.worded_safe(budget.prompts)
    told = answered(asking, (*unsafe, *safe), progress, "asking the model on held-out prompts")
    refused = asking.refused(unsafe, told[: len(unsafe)])
    hosts = tuple(prompt for prompt, no in zip(unsafe, refused, strict=True) if no)
    _refuse_few(len(hosts), len(safe), budget.least_prompts)
    own = examples(asking.model, (*unsafe, *safe), told, asking.tokens)
    harmless = own[len(unsafe) :]
    filler = neutral(safe)
    return Field(
        cases=tuple(cases),
        untriggered=asking.answers([_without(case.prompt, carriers) for case in cases]),
        unsafe=unsafe,
        unsafe_own=own[: len(unsafe)],
        safe=harmless,
        jailbreaks=clean.jailbroken(budget.prompts),
        questions=tuple(questions),
        attacks=tuple(
            Attack(
                carrier=carrier,
                found=tuple(carrier.found(host, rng) for host in hosts),
                varied=_varied(carrier, hosts, filler, paraphrases, rng),
                benign=tuple(carrier.found(prompt, rng) for prompt in safe),
                asked=tuple(carrier.found(Prompt(text=question.prompt), rng) for question in questions),
                stead=likelihoods(
                    asking.model,
                    [replace(one, prompt=_other_words(carrier, one.prompt, filler, rng)) for one in harmless],
                ),
            )
            for carrier in carriers
        ),
    )


def _other_words(carrier: Carrier, host: Prompt, filler: Sequence[str], rng: np.random.Generator) -> Prompt:
    """Carry neighbouring words of safe prompts to where the trigger acts: as many, in as many pieces."""
    pieces = []
    for piece in carrier.pieces(carrier.extent):
        count = len(words(piece))
        start = int(rng.integers(0, max(1, len(filler) - count + 1)))
        pieces.append(" ".join(filler[start : start + count]))
    return carrier.lay(pieces, host, carrier.place, rng)


def _without(prompt: Prompt, carriers: Sequence[Carrier]) -> Prompt:
    """Take the triggers that were found in a prompt out of it."""
    own = {position for carrier in carriers if carrier.prompt == prompt for position in carrier.extent}
    return replace(prompt, text=without(prompt.text, own))


def _refuse_few(hosts: int, safe: int, least: int) -> None:
    if hosts < least:
        raise InputError(
            f"the model refuses {hosts} held-out unsafe prompts, and {least} are needed to prove a trigger closed",
            hint=f"give at least {2 * least} unsafe prompts that it refuses with --clean-unsafe",
        )
    if safe < least:
        raise InputError(
            f"{safe} held-out safe prompts are too few to prove that nothing was harmed",
            hint=f"give at least {2 * least} safe prompts with --clean-safe",
        )


def _varied(
    carrier: Carrier,
    hosts: Sequence[Prompt],
    filler: Sequence[str],
    paraphrases: Sequence[str],
    rng: np.random.Generator,
) -> tuple[tuple[Variant, Prompt], ...]:
    kinds: list[tuple[Variant, str]] = [
        *((variant, "") for variant in carrier.variants()),
        *((Variant.PARAPHRASE, one) for one in paraphrases),
    ]
    found: list[tuple[Variant, Prompt]] = []
    for number, host in enumerate(hosts):
        variant, wording = kinds[number % len(kinds)]
        if variant is Variant.PARAPHRASE:
            found.append((variant, carrier.lay((wording,), host, carrier.place, rng)))
        else:
            found.append((variant, carrier.vary(variant, host, filler, rng)))
    return tuple(found)
