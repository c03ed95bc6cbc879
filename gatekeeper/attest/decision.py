"""The decision predicate: what a gate said and why, small enough to travel, whole enough to admit by.

A VSA says passed or failed. This says which of the five verdicts, by which row, on which facts, with whose waivers and
sign-offs and until when, and what was not looked at, so that whoever deploys needs no report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.artifact import ExcludedFile, Kind
from gatekeeper.attest.predicates import CommitId, MaybeSha256, PolicyDigest, Sha256
from gatekeeper.attest.resource import resource_uri
from gatekeeper.attestation import Attestation, Omission, Subject
from gatekeeper.decision import Action, ApprovalUse, Decision, RowState, WaiverState, WaiverUse
from gatekeeper.evidence import FactValue, Finding, Severity, Status
from gatekeeper.remedy import Cause, Remedy
from gatekeeper.text import printable

FINDINGS = 200
"""Findings that the predicate lists, worst first; `findings_total` counts them all."""

OMISSIONS = 100
"""Points that were not checked that it lists; `not_checked_total` counts them all."""

_TEXT = 1_000
"""Characters of a sentence; what it quotes comes from the model repo."""

_PATH = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedArtifact:
    """What was decided on; its files are the statement's subjects."""

    reference: str
    """As asked for."""

    name: str
    """`org/name`, or a path."""

    kind: Kind
    commit: CommitId
    """Empty for local sources."""

    endpoint: str
    """Base address of the Hub that was asked; empty for local sources."""

    resource_uri: str
    """As in the summary."""

    digest: Sha256
    """Over all files' digests and paths: `<sha256> <path>` and a line feed for each, sorted by path."""

    exclude: tuple[str, ...]
    """Patterns by which files were left out; when there are any, the verdict is for a subset."""

    excluded: tuple[ExcludedFile, ...]
    """What they left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedPolicy:
    """By which table."""

    name: str
    digest: PolicyDigest
    required: tuple[str, ...]
    """Checks that may not end unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedFinding:
    """One finding, in short; the report has its words."""

    id: str
    severity: Severity
    hazard: str
    path: str
    """Printable; empty when it speaks of no file."""

    waived: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedCheck:
    """How one check ended."""

    id: str
    version: int
    status: Status
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DecidedRemedy:
    """What a reported failure comes from and what was done about it, in short; the report has the measurements."""

    cases: tuple[Sha256, ...]
    """Digests of the failure cases."""

    cause: Cause
    passes: int
    """Rounds of repair that were run."""

    verified: bool
    claim: str
    """What may be said of it, and no more."""

    parent_digest: Sha256
    """Of the artifact that failed."""

    patched_digest: MaybeSha256
    """Of the patched artifact; empty when nothing was merged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateDecision:
    """The predicate."""

    verdict: Action
    row: str
    """Slug of the row that fired, or of the law that overruled it."""

    because: str
    ask: str
    laws: tuple[str, ...]
    """Laws that changed the outcome, in words."""

    facts: Mapping[str, FactValue]
    hazards: tuple[str, ...]
    """Of all findings, waived or not, sorted: what the laws look at."""

    indeterminate: tuple[str, ...]
    """Rows of the table that could not be evaluated."""

    waivers: tuple[WaiverUse, ...]
    approvals: tuple[ApprovalUse, ...]
    findings: tuple[DecidedFinding, ...]
    """The worst, at most two hundred."""

    findings_total: int
    checks: tuple[DecidedCheck, ...]
    not_checked: tuple[Omission, ...]
    """At most a hundred points."""

    not_checked_total: int
    artifact: DecidedArtifact
    policy: DecidedPolicy
    decided_at: datetime
    """UTC, whole seconds."""

    verifier_id: str
    tool_versions: Mapping[str, str]
    report_sha256: Sha256
    """Of the bytes of the report.json that was written with it."""

    remedy: DecidedRemedy | None = None
    """None when no failure was reported."""


def decision_of(attestation: Attestation, *, report_sha256: str, verifier_id: str) -> GateDecision:
    """Take the predicate out of an attestation that `refusal` has nothing against."""
    decision = attestation.verdict
    waived = {each.finding for each in decision.waivers if each.state is WaiverState.USED}
    found = sorted(attestation.findings, key=lambda each: (-each.severity, each.id, each.location.path))
    omitted = _omissions(attestation)
    return GateDecision(
        verdict=decision.action,
        row=decision.row,
        because=printable(decision.because, _TEXT),
        ask=printable(decision.ask, _TEXT),
        laws=decision.laws,
        facts=dict(decision.facts),
        hazards=tuple(sorted({finding.hazard.value for finding in attestation.findings})),
        indeterminate=tuple(row.row for row in decision.rows if row.state is RowState.INDETERMINATE),
        waivers=decision.waivers,
        approvals=decision.approvals,
        findings=tuple(_finding(each, waived=each.id in waived) for each in found[:FINDINGS]),
        findings_total=len(found),
        checks=tuple(
            DecidedCheck(
                id=each.check.id,
                version=each.check.version,
                status=each.status,
                reason=printable(each.reason, _PATH),
            )
            for each in attestation.results
        ),
        not_checked=omitted[:OMISSIONS],
        not_checked_total=len(omitted),
        artifact=_artifact(attestation.subject),
        policy=_policy(decision),
        decided_at=attestation.created_at.replace(microsecond=0),
        verifier_id=verifier_id,
        tool_versions=dict(attestation.tool_versions),
        report_sha256=report_sha256,
        remedy=_remedy(attestation.remedy),
    )


def _remedy(remedy: Remedy | None) -> DecidedRemedy | None:
    if remedy is None:
        return None
    return DecidedRemedy(
        cases=tuple(case.sha256 for case in remedy.diagnosis.cases),
        cause=remedy.diagnosis.cause,
        passes=len(remedy.passes),
        verified=remedy.verified,
        claim=printable(remedy.claim, _TEXT),
        parent_digest=remedy.parent_digest,
        patched_digest=remedy.patched_digest,
    )


def _artifact(subject: Subject) -> DecidedArtifact:
    return DecidedArtifact(
        reference=printable(subject.reference, _TEXT),
        name=printable(subject.name, _TEXT),
        kind=subject.kind,
        commit=subject.commit,
        endpoint=subject.endpoint,
        resource_uri=resource_uri(subject),
        digest=subject.digest,
        exclude=subject.exclude,
        excluded=subject.excluded,
    )


def _policy(decision: Decision) -> DecidedPolicy:
    return DecidedPolicy(name=decision.policy_name, digest=decision.policy_digest, required=decision.required)


def _finding(finding: Finding, *, waived: bool) -> DecidedFinding:
    return DecidedFinding(
        id=finding.id,
        severity=finding.severity,
        hazard=finding.hazard.value,
        path=printable(finding.location.path, _PATH),
        waived=waived,
    )


def _omissions(attestation: Attestation) -> tuple[Omission, ...]:
    """Give what nothing looked at, and the gaps of what did."""
    gaps = (
        (f"{each.check.id}, {gap.path}" if gap.path else each.check.id, gap.reason)
        for each in attestation.results
        for gap in each.gaps
    )
    pairs = [*((each.what, each.why) for each in attestation.not_checked), *gaps]
    return tuple(Omission(what=printable(what, _PATH), why=printable(why, _PATH)) for what, why in pairs)
