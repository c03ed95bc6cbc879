"""Audit report: the nouns of one document over many attestations. Nothing is judged anew in it.

A fleet is what the lock pins; without a lock it is every model that some attestation names. Of each model one
attestation counts, and everything else said about it is history. Every count in the document is a list of the digests
of the attestations that it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gatekeeper.decision import Action, ApprovalUse, WaiverUse
from gatekeeper.evidence import Severity
from gatekeeper.report.audit_attested import AuditedReport
from gatekeeper.report.controls import Relevance

AUDIT_VERSION = "1.0"
"""Version of the document: the minor rises with new fields, the major when old readers would misread."""


class Deployment(StrEnum):
    """What the lock says of a model."""

    UNTOLD = "untold"
    """No lock was given."""

    LOCKED = "locked"
    """It pins the very bytes of the attestation that counts."""

    OTHER_BYTES = "other-bytes"
    """It pins bytes that no attestation is about, although there are attestations of that name."""

    UNATTESTED = "unattested"
    """It pins a model that no attestation names."""

    NOT_LOCKED = "not-locked"
    """There is an attestation, and the lock does not name the model: it is not part of the fleet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedModel:
    """One model of the fleet, or one that is attested and not in the lock."""

    name: str
    deployment: Deployment
    report: str
    """Digest of the attestation that counts; empty when none does."""

    action: Action | None
    """Its verdict; None when there is none."""

    age_days: int | None
    """Whole days since the verdict; None when there is none."""

    stale: bool
    """Whether that is more than `AuditReport.max_age_days`."""

    pinned: str
    """Commit that the lock pins; empty without one."""

    pinned_digest: str
    """Digest of the files that the lock pins; empty without one."""

    pinned_on: Action | None
    """Verdict that the lock names; None without a lock."""


class Due(StrEnum):
    """How a last day lies to the day of the audit report."""

    EXPIRED = "expired"
    SOON = "soon"
    """Within fourteen days."""

    OK = "ok"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedWaiver:
    """A waiver in an attestation that counts."""

    model: str
    report: str
    waiver: WaiverUse
    due: Due
    days_left: int
    """Days to its last day; negative when that is past."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedApproval:
    """An approval in an attestation that counts."""

    model: str
    report: str
    use: ApprovalUse
    due: Due
    days_left: int
    """Days to its last day; negative when that is past."""


SignOff = AuditedWaiver | AuditedApproval
"""Somebody's word that a verdict may rest on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingTotal:
    """Findings of one check at one severity over the fleet."""

    check: str
    severity: Severity
    findings: int
    waived: int
    reports: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Unanswered:
    """A check that could not look at everything, over the fleet."""

    check: str
    required: bool
    """Whether a policy requires it."""

    reports: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Attestations that share a value: a publisher, a licence, a format, a signer, a policy."""

    value: str
    """Empty when the attestations name none."""

    reports: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LineageLink:
    """A model of the fleet and a base model that it declares."""

    base: str
    revision: str
    """As declared; empty when none is."""

    relation: str
    model: str
    report: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlCover:
    """One control of a framework, and which attestations are evidence relevant to it."""

    framework: str
    edition: str
    control: str
    title: str
    relevance: Relevance
    """Of the evidence: never that the control is met."""

    kinds: tuple[str, ...]
    """Kinds of evidence that it asks for and that are held, sorted."""

    evidence: tuple[str, ...]
    """Digests of the attestations in which a check that is mapped to it came to an answer."""

    missing: tuple[str, ...]
    """Digests of those in which a check that is mapped to it could not look, had nothing to look at or did not run."""

    sources: tuple[str, ...]
    """Checks that came to an answer, sorted."""

    records: tuple[str, ...]
    """Hazards, rows and outputs that stand beside the evidence and are none by themselves, sorted."""


class AttentionKind(StrEnum):
    """What a person should look at, most pressing first."""

    REFUSED_SIGNATURE = "refused-signature"
    NOT_ALLOWED = "not-allowed"
    OTHER_BYTES = "other-bytes"
    UNATTESTED = "unattested"
    UNDECIDED = "undecided"
    EXPIRED_WAIVER = "expired-waiver"
    EXPIRED_APPROVAL = "expired-approval"
    REQUIRED_UNKNOWN = "required-unknown"
    STALE = "stale"
    ENDING_SOON = "ending-soon"
    UNSIGNED = "unsigned"
    SEVERAL_POLICIES = "several-policies"
    NOT_LOCKED = "not-locked"
    LATER = "later"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """Something that a person should look at."""

    kind: AttentionKind
    words: str
    """One sentence, without names from outside."""

    models: tuple[str, ...]
    reports: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VerdictChange:
    """A model whose verdict is another one now."""

    name: str
    before: Action | None
    after: Action | None
    report_before: str
    report_after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BytesChange:
    """A model whose files are others now."""

    name: str
    before: str
    """Digest of the files then."""

    after: str
    commit_before: str
    commit_after: str
    report: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Expiry:
    """A waiver or an approval that counted at the last audit report and has expired since."""

    name: str
    what: str
    """Finding that was waived, or row that was approved."""

    by: str
    expires: date
    """Last day on which it counted."""

    report: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What is different since an earlier audit report."""

    since: datetime
    digest: str
    """SHA-256 of the bytes of the earlier audit.json, hexadecimal."""

    new: tuple[str, ...]
    """Models of the fleet that were not in it."""

    removed: tuple[str, ...]
    """Models that were in it and are not any more."""

    verdicts: tuple[VerdictChange, ...]
    bytes: tuple[BytesChange, ...]
    expired: tuple[Expiry, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedLock:
    """The lock that says what is deployed."""

    source: str
    digest: str
    """SHA-256 of its bytes, hexadecimal."""

    models: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReport:
    """The whole document."""

    created_at: datetime
    """UTC."""

    max_age_days: int
    """A verdict that is older is stale."""

    lock: AuditedLock | None
    models: tuple[AuditedModel, ...]
    """Sorted by name; those outside the fleet last."""

    attention: tuple[Attention, ...]
    """Most pressing first."""

    changes: Changes | None
    """None when no earlier audit report was given."""

    findings: tuple[FindingTotal, ...]
    unanswered: tuple[Unanswered, ...]
    waivers: tuple[AuditedWaiver, ...]
    """Those that end first come first."""

    approvals: tuple[AuditedApproval, ...]
    publishers: tuple[Tally, ...]
    licences: tuple[Tally, ...]
    formats: tuple[Tally, ...]
    signers: tuple[Tally, ...]
    policies: tuple[Tally, ...]
    """By digest."""

    lineage: tuple[LineageLink, ...]
    controls: tuple[ControlCover, ...]
    reports: tuple[AuditedReport, ...]
    """Every attestation that was read, by name and then newest first."""

    schema_version: str = AUDIT_VERSION

    @property
    def fleet(self) -> tuple[AuditedModel, ...]:
        """What the lock pins, or everything attested when no lock was given."""
        return tuple(model for model in self.models if model.deployment is not Deployment.NOT_LOCKED)
