"""What an audit report keeps of one attestation: nouns alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.artifact import Kind, LineageClaim
from gatekeeper.attestation import Attestation
from gatekeeper.decision import Action, ApprovalUse, WaiverUse
from gatekeeper.evidence import Severity, Status


class SignatureState(StrEnum):
    """What is known of the signature on a verdict."""

    VERIFIED = "verified"
    """A key that was given verifies it, and it is the verdict of this very report."""

    UNVERIFIED = "unverified"
    """There is one, and no key was given to verify it with."""

    UNSIGNED = "unsigned"
    """The verdict was written without a key, so that nobody can verify it."""

    ABSENT = "absent"
    """No verdict lies beside the report."""

    REFUSED = "refused"
    """It can't be read, no given key verifies it, or it is about something else than the report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedState:
    """The signature on a verdict, as whoever holds the keys told it."""

    state: SignatureState
    key_id: str = ""
    """SHA-256 of the key that verified it, hexadecimal; else empty."""

    words: str = ""
    """Why it was refused; else empty."""


NOT_SIGNED = SignedState(state=SignatureState.ABSENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditInput:
    """One attestation as it was read."""

    attestation: Attestation
    digest: str
    """SHA-256 of the bytes of its report.json, hexadecimal."""

    source: str
    """Where it was read, for people."""

    signed: SignedState = NOT_SIGNED


class Standing(StrEnum):
    """Whether an attestation counts for its model."""

    CURRENT = "current"
    """It counts."""

    OLDER = "older"
    """A newer one counts, or one that decided where this one is a scan."""

    OTHER_BYTES = "other-bytes"
    """The lock pins other bytes, or other files, under this name."""

    LATER = "later"
    """It is dated after the audit report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingCount:
    """Findings of one check at one severity in one attestation."""

    check: str
    severity: Severity
    findings: int
    """All of them, waived ones too."""

    waived: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckEnd:
    """A check that could not look at everything."""

    check: str
    status: Status
    reason: str
    required: bool
    """Whether the policy requires it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedReport:
    """What the audit report keeps of one attestation."""

    digest: str
    """SHA-256 of the bytes of its report.json, hexadecimal: by this everything else points to it."""

    source: str
    """Where it was read, for people."""

    standing: Standing
    name: str
    reference: str
    kind: Kind
    commit: str
    artifact_digest: str
    """SHA-256 over all files' digests and paths; empty when a file was not hashed."""

    files: int
    size: int
    """Bytes of all files."""

    exclude: tuple[str, ...]
    created_at: datetime
    action: Action | None
    """None for a scan, which decides nothing."""

    row: str
    because: str
    policy_name: str
    policy_digest: str
    signed: SignedState
    publisher: str
    licence: str
    """As declared; empty when none is."""

    formats: tuple[str, ...]
    signer: str
    """Who signed the model, as the policy names the signer; empty when nobody that it trusts did."""

    lineage: tuple[LineageClaim, ...]
    findings: tuple[FindingCount, ...]
    unanswered: tuple[CheckEnd, ...]
    waivers: tuple[WaiverUse, ...]
    approvals: tuple[ApprovalUse, ...]
    tool_version: str
