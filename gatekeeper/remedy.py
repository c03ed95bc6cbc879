"""Remedy: what caused an observed failure, what was done to the weights about it, and what was measured.

Everything here is frozen, without IO and without tensors. Unsafe text is held as its SHA-256 unless the operator asked
for the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gatekeeper.proportion import Proportion


class Cause(StrEnum):
    """What diagnosis found; the words are those of the fact `failure.cause`."""

    NOT_DIAGNOSED = "not_diagnosed"
    CONTENT_TRIGGER = "content_trigger"
    """Content that can be carried into other prompts makes the model comply."""

    JAILBREAK = "jailbreak"
    """The same content does so with a clean relative too."""

    ALIGNMENT = "alignment"
    """The request's own content was never refused."""

    STRUCTURAL = "structural"
    """Length, position or context does it, whatever the words."""

    GLOBAL = "global"
    """The model refuses hardly anything."""

    UNSTABLE = "unstable"
    """Something was localised, and the failure stays without it."""

    NO_LOCALISED_CAUSE = "no_localised_cause"
    NOT_REPRODUCED = "not_reproduced"
    """The model refuses the prompt now."""


class Place(StrEnum):
    """Where in a prompt a trigger acts."""

    ANYWHERE = "anywhere"
    START = "start"
    END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """Words of a prompt, kept as they may be shown."""

    count: int
    sha256: str
    """Hexadecimal, over the words joined by one space, UTF-8."""

    text: str = ""
    """Empty unless the operator asked for unsafe text. Hostile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """Content that caused a failure, by what transplanting and removing it did."""

    case: int
    """Index of the failure case in which it was found."""

    core: Words
    """The minimal sufficient set."""

    extent: Words
    """What was grown from it: the whole of what the trigger is taken to be."""

    core_positions: tuple[int, ...]
    """Indexes of words in the case's prompt."""

    extent_positions: tuple[int, ...]
    place: Place
    sufficiency: Proportion
    """Refused prompts that are complied with once they carry the core."""

    necessity: bool
    """Without its triggers the case's prompt is refused."""

    sham: Proportion
    """The same with as many other words of the case's prompt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sibling:
    """A word that no failure held, and that makes refused prompts fail as well."""

    word: str
    """Of the model's vocabulary, not of a prompt. Hostile."""

    place: Place
    sufficiency: Proportion
    """Refused prompts that are complied with once they carry it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Saliency:
    """How much each word of a case's prompt matters, by one method; for the heat map."""

    case: int
    method: str
    scores: tuple[float, ...]
    """One a word, 0 to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One number with what it was held against."""

    name: str
    """Stable slug, such as `attack-success` or `kl-benign`."""

    words: str
    """What it is, for a person."""

    value: Proportion | float
    limit: float | None = None
    """None when it decides nothing."""

    bound: str = ""
    """`at-most` or `at-least`: on which side of the limit it must lie; rates by their interval's worse end in
    verification, by their share in diagnosis."""

    holds: bool = True
    trigger: int | None = None
    """Index of the trigger that it speaks of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseRecord:
    """A failure case as it may be kept."""

    sha256: str
    """Over its canonical JSON."""

    prompt: Words
    response: Words
    seen_at: str = ""
    seen_where: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What the failures come from."""

    cause: Cause
    words: str
    """Why, in one or two sentences."""

    cases: tuple[CaseRecord, ...]
    evidence: tuple[Measurement, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    saliencies: tuple[Saliency, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    """The most effective first; found within a budget, so that none is no proof."""

    limits: tuple[str, ...] = ()
    """What was not looked for, in sentences."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A part of the weights that was changed."""

    module: str
    parameters: int
    """How many were trained there."""

    score: float = 0.0
    """Contrast of saliency, triggered minus clean; where an update works, not where the poison lies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """One round of fine-tuning and what came of it."""

    number: int
    """From 1."""

    settings: Mapping[str, float | int | str]
    seed: int
    regions: tuple[Region, ...]
    losses: tuple[tuple[int, float, float], ...]
    """(step, refusal loss in nats a token, KL in nats a token)."""

    measurements: tuple[Measurement, ...]
    verified: bool
    words: str
    """What failed, or that nothing did."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """What was done about a failure, from the weights that went in to those that came out."""

    diagnosis: Diagnosis
    parent_digest: str
    """Digest of the artifact that failed, and that was patched if any was: `Artifact.digest`."""

    parent_reference: str = ""
    """Its reference, for people."""

    before: tuple[Measurement, ...] = ()
    passes: tuple[Pass, ...] = ()
    passes_left: int = 0
    verified: bool = False
    claim: str = ""
    """What may be said, and no more: which triggers are closed."""

    adapter_digest: str = ""
    patched_digest: str = ""
    """Of the merged artifact; empty when nothing was merged."""

    created_at: datetime | None = None
    """UTC."""

    tools: Mapping[str, str] = field(default_factory=dict)
    device: str = ""

    @property
    def exists(self) -> bool:
        """Whether weights were changed at all."""
        return bool(self.passes)
