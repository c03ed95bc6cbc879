"""Evidence: findings, facts and how each check ended.

Not knowing is an answer: a check that crashed, ran out of time or lacked data ends in `Status.UNKNOWN` with the
reason, never in `Status.PASS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from itertools import islice

FactValue = bool | int | float | str | tuple[str, ...]
"""What a fact may hold; lists are tuples of strings."""


_MARKS = 16
"""Exclamation marks of a path that may end the name of an archive."""


class Severity(IntEnum):
    """How bad a finding is if it is true. Ordered."""

    INFO = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def label(self) -> str:
        """Lower-case name, as written in policies and reports."""
        return self.name.lower()


class Confidence(IntEnum):
    """How sure the check is that a finding is true. Ordered."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    @property
    def label(self) -> str:
        """Lower-case name, as written in reports."""
        return self.name.lower()


class Strength(StrEnum):
    """What kind of evidence a finding rests on."""

    CRYPTOGRAPHIC = "cryptographic"
    """A digest or signature that we computed."""

    PLATFORM = "platform"
    """The Hub's word."""

    SELF_DECLARED = "self-declared"
    """The publisher's word."""

    MEASURED = "measured"
    """Read off the bytes by a check."""


class Hazard(StrEnum):
    """What a finding means for the decision; the policy's rows speak of these."""

    TAMPERED = "tampered"
    """The bytes are not those that were published, or a signature is invalid. Can't be waived."""

    PAYLOAD = "payload"
    """Loading the file would run code outside the reviewed allowlist. Can't be waived."""

    IMPLANT = "implant"
    """The computational graph holds a trigger, a gate and a payload."""

    DENIED = "denied"
    """The deployer has refused this publisher or adapter."""

    SUSPICIOUS = "suspicious"
    """Broken, lying or posing as something else: somebody must look."""

    UNPROVEN = "unproven"
    """An adapter whose origin or weights nobody vouches for."""

    UNVERIFIED = "unverified"
    """Nothing wrong was seen, but somebody's word is missing."""

    NONE = "none"
    """Worth reading; does not move the decision by itself."""


class Status(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a word, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """Where in the artifact a finding was made. Everything in it comes from the model repo: hostile text."""

    path: str = ""
    """File, relative to the root; with `!member` for a member of an archive."""

    offset: int | None = None
    """Byte offset in that file or member."""

    detail: str = ""
    """Tensor name, JSON key, graph node, pickle global or prompt token."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files that `path` may mean: itself, and what stands before one of its first exclamation marks."""
        ends = [found.start() for found in islice(re.finditer("!", self.path), _MARKS)]
        return tuple(self.path[:end] for end in (len(self.path), *ends) if end)


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """One node of a drawing. Everything in it comes from the model repo: hostile text."""

    label: str
    """What it is: an operator."""

    name: str = ""
    """What the file calls it."""

    role: str = ""
    """What it does in the finding, one word of the check's own; empty when it only stands between others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """What one node of a drawing gives to another."""

    source: int
    """Index in `Drawing.boxes`."""

    target: int
    indirect: bool = False
    """Other nodes lie between, and are not drawn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """A part of a graph, small enough to be looked at; where its boxes stand is for whoever draws it."""

    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...] = ()
    words: str = ""
    """The same in words, for those who can't see it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One statement that speaks against an artifact."""

    id: str
    """`<check id>/<rule slug>`: stable, what waivers and SARIF name."""

    check: str
    """Id of the check that made it."""

    title: str
    """The rule's title."""

    message: str
    """What was found here, in one sentence; may quote hostile text."""

    severity: Severity
    confidence: Confidence
    strength: Strength
    hazard: Hazard
    mend: str
    """What to do about it."""

    location: Location = field(default_factory=Location)
    drawing: Drawing | None = None
    """The part of a graph that it is about; None when there is none."""


Readers = Mapping[str, tuple[str, ...]]
"""Path → loaders that would read the file; no loaders mean that no known one does."""


def files_of(location: Location, readers: Readers) -> tuple[str, ...]:
    """Give the files whose readers are known that a place may lie in.

    There is more than one when a file is called as the member of another would be written; each may then be meant.
    """
    return tuple(path for path in location.files if path in readers)


def unread_files(findings: Iterable[Finding], readers: Readers) -> tuple[str, ...]:
    """Give the files that some findings may lie in, when no known loader reads any of these files; else nothing."""
    found: dict[str, None] = {}
    for finding in findings:
        files = files_of(finding.location, readers)
        if not files or any(readers[path] for path in files):
            return ()
        found |= dict.fromkeys(files)
    return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """Something that a check could not look at, and why."""

    reason: str
    """One sentence for a person."""

    path: str = ""
    """File concerned; empty when the whole artifact is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """What a check measured at one place, whether or not it speaks against the artifact: for pictures and tables."""

    name: str
    """The place, such as a module; hostile text."""

    group: str = ""
    """Places of one group belong into one line of a picture, such as all `q_proj`; hostile text."""

    place: int | None = None
    """Where in its group it stands, such as the layer; None where there is no order."""

    values: Mapping[str, float]
    """Name of a measure → value; the check's documentation says what each is and its unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleDescription:
    """One kind of finding that a check can make."""

    id: str
    title: str
    severity: Severity
    hazard: Hazard
    mend: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckDescription:
    """What a check says of itself: `gatekeeper explain`, SARIF help and reports read it."""

    id: str
    title: str
    version: int
    """Raised when the same bytes could get another answer."""

    looks_at: str
    why: str
    cannot_see: str
    mend: str
    rules: tuple[RuleDescription, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckResult:
    """How one check ended."""

    check: CheckDescription
    status: Status
    reason: str = ""
    """Why it is unknown or not applicable, or of which other artifact the answer is."""

    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path → loaders that would read the file; no loaders mean that no known one does. Empty for most checks."""

    measures: tuple[Measure, ...] = ()
    """What it measured, place by place; empty for most checks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that is known about an artifact when the policy decides."""

    results: tuple[CheckResult, ...]
    """In the order of the registry."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding of every check."""
        return tuple(finding for result in self.results for finding in result.findings)

    @property
    def readers(self) -> Readers:
        """Path → loaders that would read the file, as far as a check told; made anew at each call."""
        return {path: loaders for result in self.results for path, loaders in result.readers.items()}
