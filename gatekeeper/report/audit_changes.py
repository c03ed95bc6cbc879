"""What changed between two audit reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.decision import ApprovalState, WaiverState
from gatekeeper.report.audit import AuditReport, BytesChange, Changes, Due, Expiry, VerdictChange
from gatekeeper.report.audit_attested import AuditedReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """An earlier audit report as it was read."""

    audit: AuditReport
    digest: str
    """SHA-256 of the bytes of its audit.json, hexadecimal."""


def changes(earlier: Earlier, now: AuditReport) -> Changes:
    """Compare the fleet of an earlier audit report with that of now, by the names of the models."""
    before = {model.name: model for model in earlier.audit.fleet}
    after = {model.name: model for model in now.fleet}
    both = sorted(before.keys() & after.keys())
    return Changes(
        since=earlier.audit.created_at,
        digest=earlier.digest,
        new=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        verdicts=tuple(
            VerdictChange(
                name=name,
                before=before[name].action,
                after=after[name].action,
                report_before=before[name].report,
                report_after=after[name].report,
            )
            for name in both
            if before[name].action is not after[name].action
        ),
        bytes=tuple(_bytes(both, _files(earlier.audit), _files(now))),
        expired=tuple(_expired(earlier.audit, now)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    digest: str
    commit: str
    report: str


def _files(audit: AuditReport) -> dict[str, _Files]:
    """Give what is deployed under each name: as pinned, or as attested where nothing is pinned."""
    reports = {report.digest: report for report in audit.reports}
    return {
        model.name: _Files(digest=model.pinned_digest, commit=model.pinned, report=model.report)
        if model.pinned_digest
        else _attested(reports.get(model.report))
        for model in audit.fleet
    }


def _attested(report: AuditedReport | None) -> _Files:
    if report is None:
        return _Files(digest="", commit="", report="")
    return _Files(digest=report.artifact_digest, commit=report.commit, report=report.digest)


def _bytes(names: list[str], before: dict[str, _Files], after: dict[str, _Files]) -> Iterator[BytesChange]:
    for name in names:
        if before[name].digest != after[name].digest:
            yield BytesChange(
                name=name,
                before=before[name].digest,
                after=after[name].digest,
                commit_before=before[name].commit,
                commit_after=after[name].commit,
                report=after[name].report,
            )


def _expired(before: AuditReport, now: AuditReport) -> Iterator[Expiry]:
    """Give what counted then and is past its last day now, whether a later attestation still names it or not."""
    today = now.created_at.date()
    for each in before.waivers:
        waiver = each.waiver
        if each.due is not Due.EXPIRED and waiver.state is WaiverState.USED and waiver.expires < today:
            yield Expiry(
                name=each.model,
                what=waiver.finding,
                by=waiver.approver,
                expires=waiver.expires,
                report=each.report,
            )
    for use in before.approvals:
        approval = use.use.approval
        if use.due is not Due.EXPIRED and use.use.state is ApprovalState.USED and approval.expires < today:
            yield Expiry(
                name=use.model,
                what=approval.row,
                by=approval.by,
                expires=approval.expires,
                report=use.report,
            )
