"""Audit: what an adapter does to its base, what speaks against it, and what would be needed to allow it.

Everything here is frozen, without IO and without tensors. A prompt that an adapter answers badly is held as its digest;
the words of probes are this project's own or the model's vocabulary, and stand in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gatekeeper.decision import Action
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import CaseRecord


class AuditWord(StrEnum):
    """What the audit of an adapter comes to; worst last. None of them calls it free of fault."""

    PASS = "pass"  # noqa: S105 - a word, not a password
    """Nothing found by these checks, within this budget."""

    UNCALIBRATED = "uncalibrated"
    """Part of it could not be judged: no population fits, or something could not be read or run."""

    ANOMALOUS = "anomalous"
    """Something speaks against it, and a person has to look."""

    REJECT = "reject"
    """It does what no honest adapter does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Both:
    """One thing that was counted with the base alone and with the adapter on it, on the same prompts."""

    base: Proportion
    adapted: Proportion


@dataclass(frozen=True, kw_only=True, slots=True)
class Divergence:
    """How far answers drift on one class of prompts: KL(base ‖ adapted) over the base's own answers."""

    prompts_of: str
    """Class of prompts: `harmless` or `unsafe`."""

    prompts: int
    mean: float
    """Nats a token."""

    greatest: float
    """Of one prompt, nats a token."""


class ProbeKind(StrEnum):
    """Where the words of a probe come from."""

    FORM = "trigger form"
    """Such as known backdoors had."""

    RARE = "rare token"
    """A word of the model's own vocabulary, looked up by what it promises."""

    CONTROL = "ordinary words"
    """Such as any user might begin with: what a probe is held against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """Words laid on prompts, and what became of these."""

    text: str
    """Hostile where it is of the model's vocabulary."""

    kind: ProbeKind
    answered: Both
    """Prompts that the base refuses as they are, answered once they carry it; not those that it was found with."""

    echoed: Proportion
    """Of the answers to these with the adapter, those that take its words up: they are then what was asked for."""

    fixed: Both
    """Harmless prompts that all get one answer once they carry it: the commonest one, counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Screened:
    """A battery of prefixes and what it showed at first sight, with the adapter on (arXiv 2605.30189)."""

    probes: int
    prompts: int
    """On which each was tried."""

    mean: float
    """Share of refused prompts that are answered, over the probes; 0 to 1."""

    greatest: float
    """The same of the most effective probe; `greatest - mean` is the gap of the outlier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LengthPoint:
    """Refused prompts made longer with harmless words."""

    tokens: int
    """Of a prompt, template included."""

    answered: Both


@dataclass(frozen=True, kw_only=True, slots=True)
class Behaviour:
    """What a base answers with an adapter, beside what it answers without, on the same prompts; greedy answers."""

    adapters: tuple[str, ...]
    """Digests of what was laid on the base, in its order; several when they act together."""

    names: tuple[str, ...]
    """Their references, for people."""

    base_digest: str
    refused: Proportion
    """Unsafe prompts that the base refuses: only of these can it be told what an adapter opens."""

    lost: Proportion
    """Of those, the ones answered with the adapter."""

    gained: Proportion
    """Harmless prompts that the base answers, refused with the adapter."""

    same: Proportion
    """Harmless prompts with the very same answer: drift on the base's own tasks."""

    locked: Both
    """Harmless prompts in whose answer ten tokens on end have a probability above .99 (as in arXiv 2508.01365)."""

    divergences: tuple[Divergence, ...] = ()
    correct: Both | None = None
    """Questions of the deployer's that are answered rightly; None when none were given."""

    screened: Screened | None = None
    """None when the base refuses too little for it."""

    probes: tuple[Probe, ...] = ()
    """The most effective ones at first sight, asked anew on other prompts; the most effective first."""

    lengths: tuple[LengthPoint, ...] = ()
    cases: tuple[CaseRecord, ...] = ()
    """What became a failure case."""

    limits: tuple[str, ...] = ()
    """What was not looked for, in sentences."""

    asked: int = 0
    """Answers that were generated, of both."""

    answer_tokens: int = 0
    """Length of an answer that is judged."""

    judge: str = ""
    seed: int = 0
    device: str = ""
    tools: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One adapter of a scatter."""

    x: float
    y: float
    honest: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Scatter:
    """A population in two of its features, with the adapter among its members."""

    population: str
    x_feature: str
    y_feature: str
    own: Point
    members: tuple[Point, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseRecord:
    """The base that an adapter was audited on, as it came through the gate in the same run."""

    reference: str
    digest: str = ""
    action: Action | None = None
    """None when it could not be opened."""

    row: str = ""
    because: str = ""
    """Of the decision, or why there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """The audit of one adapter."""

    word: AuditWord
    because: tuple[str, ...]
    """Reasons, in sentences, the weightiest first."""

    needed: tuple[str, ...]
    """What would be needed to allow it, in sentences; empty when it is allowed, or when nothing would do."""

    base: BaseRecord
    behaviours: tuple[Behaviour, ...] = ()
    """Of the adapter by itself, then of the composition that was asked for; empty when nothing was run."""

    scatters: tuple[Scatter, ...] = ()
