"""Attestation: everything about one decision in one document; every report is a view of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.artifact import CommitInfo, ExcludedFile, Irregularity, Kind, LineageClaim
from gatekeeper.audit import Audit
from gatekeeper.decision import Decision, DisbelievedApproval
from gatekeeper.evidence import CheckResult, Evidence, Finding, Readers
from gatekeeper.merge import Merge
from gatekeeper.remedy import Remedy

SCHEMA_VERSION = "1.0"
"""Version of the JSON document: the minor rises with new fields, the major when old readers would misread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectFile:
    """One file that the decision is about."""

    path: str
    size: int
    """Bytes."""

    sha256: str
    """Hexadecimal; empty when only metadata was looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The artifact that the decision is about, without its bytes."""

    reference: str
    kind: Kind
    name: str
    """`org/name`, or the path as given."""

    requested_revision: str
    commit: str
    """Forty hexadecimal digits, or empty for local sources."""

    digest: str
    """SHA-256 over all files' digests and paths; empty when a file was not hashed."""

    files: tuple[SubjectFile, ...]
    lineage: tuple[LineageClaim, ...] = ()
    irregularities: tuple[Irregularity, ...] = ()
    endpoint: str = ""
    returned_name: str = ""
    commits: tuple[CommitInfo, ...] = ()
    metadata_only: bool = False
    offline: bool = False
    exclude: tuple[str, ...] = ()
    """Patterns by which files were left out; when not empty, the decision is about a subset of what was named."""

    excluded: tuple[ExcludedFile, ...] = ()
    """What they left out; no check looked at these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Omission:
    """Something that was not checked, and why: every report lists these."""

    what: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Attestation:
    """One run of the line: subject, evidence, decision, tools and time."""

    subject: Subject
    results: tuple[CheckResult, ...]
    decision: Decision | None
    """None for `gatekeeper scan`, which gathers evidence and decides nothing."""

    not_checked: tuple[Omission, ...]
    created_at: datetime
    """UTC."""

    remedy: Remedy | None = None
    """What a reported failure comes from, and what was done about it; None when none was reported."""

    audit: Audit | None = None
    """What an adapter does to its base; None when it was not audited."""

    merge: Merge | None = None
    """What it was merged from; None when it was not made by `gatekeeper merge`."""

    disbelieved_approvals: tuple[DisbelievedApproval, ...] = ()
    """Files in folders of approvals that could not be believed, of whatever artifact; none of them counted."""

    tool_versions: Mapping[str, str] = field(default_factory=dict)
    """Distribution name → version of gatekeeper and of every library that can change an answer."""

    schema_version: str = SCHEMA_VERSION

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding of every check, in the order of the checks."""
        return Evidence(results=self.results).findings

    @property
    def readers(self) -> Readers:
        """Path → loaders that would read the file, as far as a check told; made anew at each call."""
        return Evidence(results=self.results).readers

    @property
    def verdict(self) -> Decision:
        """The decision of an attestation that has one.

        Raises:
            ValueError: When it comes from `gatekeeper scan`.
        """
        if self.decision is None:
            raise ValueError("a scan decides nothing")
        return self.decision
