"""Attestation → what the audit report keeps of it, so that a thousand attestations need not be held at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.attestation import Attestation
from gatekeeper.evidence import FactValue, Severity, Status
from gatekeeper.report import view
from gatekeeper.report.audit_attested import AuditedReport, AuditInput, CheckEnd, FindingCount, SignatureState, Standing
from gatekeeper.report.controls import ControlEvidence, controls_for

TOOL = "gatekeeper-models"
MAX_TEXT = 1_000
"""Characters of one reason that are kept; the attestation has them all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One attestation, made small."""

    report: AuditedReport
    """Its standing is not settled before all are known."""

    controls: tuple[ControlEvidence, ...]


def record(given: AuditInput) -> Record:
    """Keep of an attestation what an audit report shows of it."""
    # A signature that nobody here verified is evidence of nothing.
    outputs = ("signed-verdict",) if given.signed.state is SignatureState.VERIFIED else ()
    return Record(report=_report(given), controls=controls_for(given.attestation, outputs))


def _report(given: AuditInput) -> AuditedReport:
    attestation, subject, decision = given.attestation, given.attestation.subject, given.attestation.decision
    facts = view.facts(attestation)
    return AuditedReport(
        digest=given.digest,
        source=given.source,
        standing=Standing.OLDER,
        name=subject.name,
        reference=subject.reference,
        kind=subject.kind,
        commit=subject.commit,
        artifact_digest=subject.digest,
        files=len(subject.files),
        size=sum(file.size for file in subject.files),
        exclude=subject.exclude,
        created_at=attestation.created_at,
        action=decision.action if decision else None,
        row=decision.row if decision else "",
        because=decision.because[:MAX_TEXT] if decision else "",
        policy_name=decision.policy_name if decision else "",
        policy_digest=decision.policy_digest if decision else "",
        signed=given.signed,
        publisher=_text(facts, "publisher.name"),
        licence=_text(facts, "licence.id"),
        formats=_words(facts, "artifact.formats"),
        signer=_text(facts, "signature.signer"),
        lineage=subject.lineage,
        findings=_findings(attestation),
        unanswered=_unanswered(attestation),
        waivers=decision.waivers if decision else (),
        approvals=decision.approvals if decision else (),
        tool_version=attestation.tool_versions.get(TOOL, ""),
    )


def _findings(attestation: Attestation) -> tuple[FindingCount, ...]:
    waived = view.waivers_in_use(attestation)
    every: Counter[tuple[str, Severity]] = Counter()
    closed: Counter[tuple[str, Severity]] = Counter()
    for finding in attestation.findings:
        every[finding.check, finding.severity] += 1
        closed[finding.check, finding.severity] += finding.id in waived
    return tuple(
        FindingCount(check=check, severity=severity, findings=every[check, severity], waived=closed[check, severity])
        for check, severity in sorted(every, key=lambda key: (-key[1], key[0]))
    )


def _unanswered(attestation: Attestation) -> tuple[CheckEnd, ...]:
    required = attestation.decision.required if attestation.decision else ()
    return tuple(
        CheckEnd(
            check=result.check.id,
            status=result.status,
            reason=(result.reason or next((gap.reason for gap in result.gaps), ""))[:MAX_TEXT],
            required=result.status is Status.UNKNOWN and result.check.id in required,
        )
        for result in view.unanswered(attestation)
    )


def _text(facts: Mapping[str, FactValue], name: str) -> str:
    value = facts.get(name, "")
    return value if isinstance(value, str) else ""


def _words(facts: Mapping[str, FactValue], name: str) -> tuple[str, ...]:
    value = facts.get(name, ())
    return value if isinstance(value, tuple) else ()
