"""Many attestations → one audit report. Pure: time, lock and the earlier report are handed in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from gatekeeper.decision import Action
from gatekeeper.lock import Lock, LockedModel
from gatekeeper.report.audit import (
    AuditedApproval,
    AuditedLock,
    AuditedModel,
    AuditedWaiver,
    AuditReport,
    ControlCover,
    Deployment,
    Due,
    FindingTotal,
    LineageLink,
    Tally,
    Unanswered,
)
from gatekeeper.report.audit_attention import attention
from gatekeeper.report.audit_attested import AuditedReport, SignatureState, Standing
from gatekeeper.report.audit_changes import Earlier, changes
from gatekeeper.report.audit_record import Record
from gatekeeper.report.controls import Relevance

MAX_AGE_DAYS = 90
"""Age above which a verdict is stale, unless something else is asked for."""

SOON = timedelta(days=14)
"""How long before its last day a waiver or an approval is told to be ending."""

_SKEW = timedelta(minutes=5)
"""How far the clocks of two machines may differ before an attestation counts as dated in the future."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockInput:
    """A lock as it was read."""

    lock: Lock
    source: str
    """Where it was read, for people."""

    digest: str
    """SHA-256 of its bytes, hexadecimal."""


def assemble(
    records: Iterable[Record],
    *,
    now: datetime,
    max_age_days: int = MAX_AGE_DAYS,
    lock: LockInput | None = None,
    earlier: Earlier | None = None,
) -> AuditReport:
    """Say what is deployed, by which verdicts, and what a person should look at.

    Of each model one attestation counts. With a lock it is the newest that decided about the very files that the
    lock pins; without one, the newest that decided. A scan counts where nothing decided. Of two with the same time
    the one with the harsher verdict counts. Attestations dated after `now` never count. One whose signature was
    verified gives way to one whose was not only when that is no milder: anybody may write a report.

    Args:
        records: The attestations, in any order; one given twice is kept once.
        now: The time of the audit report, UTC.
        max_age_days: Age above which a verdict is stale.
        lock: What is deployed; None when that is not known.
        earlier: The audit report to compare with.

    Returns:
        The document; the same input gives the same document.
    """
    known = {each.report.digest: each for each in records}
    standing = _standings([each.report for each in known.values()], lock.lock if lock else None, now)
    reports = sorted((replace(each.report, standing=standing[each.report.digest]) for each in known.values()), key=_key)
    current = {report.name: report for report in reports if report.standing is Standing.CURRENT}
    models = _models(current, reports, lock.lock if lock else None, now, max_age_days)
    fleet = tuple(
        current[model.name] for model in models if model.report and model.deployment is not Deployment.NOT_LOCKED
    )
    draft = AuditReport(
        created_at=now,
        max_age_days=max_age_days,
        lock=AuditedLock(source=lock.source, digest=lock.digest, models=len(lock.lock.models)) if lock else None,
        models=models,
        attention=(),
        changes=None,
        findings=_findings(fleet),
        unanswered=_unanswered(fleet),
        waivers=_waivers(fleet, now.date()),
        approvals=_approvals(fleet, now.date()),
        publishers=_tallies((report.publisher, report) for report in fleet),
        licences=_tallies((report.licence, report) for report in fleet),
        formats=_tallies((format, report) for report in fleet for format in report.formats),
        signers=_tallies((report.signer, report) for report in fleet),
        policies=_tallies((report.policy_digest, report) for report in fleet if report.action),
        lineage=_lineage(fleet),
        controls=_controls([known[report.digest] for report in fleet]),
        reports=tuple(reports),
    )
    return replace(draft, attention=attention(draft), changes=changes(earlier, draft) if earlier else None)


def _key(report: AuditedReport) -> tuple[str, float, str]:
    return report.name, -_moment(report).timestamp(), report.digest


def _moment(report: AuditedReport) -> datetime:
    made = report.created_at
    return made if made.tzinfo else made.replace(tzinfo=UTC)


def _precedence(report: AuditedReport) -> tuple[bool, datetime, int, str]:
    rank = report.action.rank if report.action else -1
    return report.action is not None, _moment(report), rank, report.digest


def _standings(reports: Sequence[AuditedReport], lock: Lock | None, now: datetime) -> dict[str, Standing]:
    standings = {report.digest: Standing.LATER for report in reports}
    candidates: dict[str, list[AuditedReport]] = defaultdict(list)
    for report in reports:
        if _moment(report) > now + _SKEW:
            continue
        pinned = lock.model(report.name) if lock else None
        if pinned is None or pinned.digest == report.artifact_digest:
            candidates[report.name].append(report)
            standings[report.digest] = Standing.OLDER
        else:
            standings[report.digest] = Standing.OTHER_BYTES
    for same in candidates.values():
        standings[_counting(same).digest] = Standing.CURRENT
    return standings


def _counting(same: Sequence[AuditedReport]) -> AuditedReport:
    """Choose the attestation that counts: a word that nobody verified can make a verdict harsher, never milder."""
    verified = [report for report in same if report.action and report.signed.state is SignatureState.VERIFIED]
    newest = max(verified, key=_precedence, default=None)
    floor = newest.action.rank if newest and newest.action else 0
    return max(
        (
            report
            for report in same
            if report in verified or not newest or (report.action and report.action.rank >= floor)
        ),
        key=_precedence,
    )


def _models(
    current: Mapping[str, AuditedReport],
    reports: Sequence[AuditedReport],
    lock: Lock | None,
    now: datetime,
    max_age_days: int,
) -> tuple[AuditedModel, ...]:
    attested = {report.name for report in reports if report.standing is not Standing.LATER}
    pins = {model.id: model for model in lock.models} if lock else {}
    models = []
    for name in sorted(pins.keys() | current.keys()):
        report, pinned = current.get(name), pins.get(name)
        age = max((now - _moment(report)).days, 0) if report and report.action else None
        models.append(
            AuditedModel(
                name=name,
                deployment=_deployment(lock, pinned, report, attested=name in attested),
                report=report.digest if report else "",
                action=report.action if report else None,
                age_days=age,
                stale=age is not None and age > max_age_days,
                pinned=pinned.commit if pinned else "",
                pinned_digest=pinned.digest if pinned else "",
                pinned_on=pinned.verdict if pinned else None,
            )
        )
    return tuple(sorted(models, key=lambda model: (model.deployment is Deployment.NOT_LOCKED, model.name)))


def _deployment(
    lock: Lock | None, pinned: LockedModel | None, report: AuditedReport | None, *, attested: bool
) -> Deployment:
    if lock is None:
        return Deployment.UNTOLD
    if pinned is None:
        return Deployment.NOT_LOCKED
    if report is not None:
        return Deployment.LOCKED
    return Deployment.OTHER_BYTES if attested else Deployment.UNATTESTED


def _findings(fleet: Iterable[AuditedReport]) -> tuple[FindingTotal, ...]:
    grouped = defaultdict(list)
    for report in fleet:
        for count in report.findings:
            grouped[-count.severity, count.check].append((count, report.digest))
    return tuple(
        FindingTotal(
            check=check,
            severity=same[0][0].severity,
            findings=sum(count.findings for count, _ in same),
            waived=sum(count.waived for count, _ in same),
            reports=tuple(digest for _, digest in same),
        )
        for (_, check), same in sorted(grouped.items())
    )


def _unanswered(fleet: Iterable[AuditedReport]) -> tuple[Unanswered, ...]:
    grouped: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    for report in fleet:
        for end in report.unanswered:
            grouped[end.check].append((end.required, report.digest))
    found = (
        Unanswered(
            check=check,
            required=any(required for required, _ in ends),
            reports=tuple(digest for _, digest in ends),
        )
        for check, ends in grouped.items()
    )
    return tuple(sorted(found, key=lambda each: (not each.required, -len(each.reports), each.check)))


def _due(last: date, today: date) -> tuple[Due, int]:
    left = (last - today).days
    if left < 0:
        return Due.EXPIRED, left
    return (Due.SOON if left <= SOON.days else Due.OK), left


def _waivers(fleet: Iterable[AuditedReport], today: date) -> tuple[AuditedWaiver, ...]:
    found = []
    for report in fleet:
        for waiver in report.waivers:
            due, left = _due(waiver.expires, today)
            each = AuditedWaiver(model=report.name, report=report.digest, waiver=waiver, due=due, days_left=left)
            found.append(each)
    return tuple(sorted(found, key=lambda each: (each.days_left, each.model, each.waiver.finding)))


def _approvals(fleet: Iterable[AuditedReport], today: date) -> tuple[AuditedApproval, ...]:
    found = []
    for report in fleet:
        for use in report.approvals:
            due, left = _due(use.approval.expires, today)
            found.append(AuditedApproval(model=report.name, report=report.digest, use=use, due=due, days_left=left))
    return tuple(sorted(found, key=lambda each: (each.days_left, each.model, each.use.approval.row)))


def _tallies(pairs: Iterable[tuple[str, AuditedReport]]) -> tuple[Tally, ...]:
    grouped: dict[str, dict[str, None]] = defaultdict(dict)
    for value, report in pairs:
        grouped[value][report.digest] = None
    found = (Tally(value=value, reports=tuple(digests)) for value, digests in grouped.items())
    return tuple(sorted(found, key=lambda tally: (-len(tally.reports), tally.value)))


def _lineage(fleet: Iterable[AuditedReport]) -> tuple[LineageLink, ...]:
    links: dict[tuple[str, str, str], LineageLink] = {}
    for report in fleet:
        for claim in report.lineage:
            key = (claim.base, report.name, claim.revision)
            known = links.get(key)
            # Card, tags and configurations often declare one base each in their own words; the fuller one is kept.
            if known is None or (not known.relation and claim.relation):
                links[key] = LineageLink(
                    base=claim.base,
                    revision=claim.revision,
                    relation=claim.relation,
                    model=report.name,
                    report=report.digest,
                )
    pinned = {(base, model) for base, model, revision in links if revision}
    kept = (link for key, link in sorted(links.items()) if key[2] or (key[0], key[1]) not in pinned)
    return tuple(kept)


def _controls(records: Iterable[Record]) -> tuple[ControlCover, ...]:
    covers: dict[tuple[str, str, str], ControlCover] = {}
    for each in records:
        digest = each.report.digest
        for found in each.controls:
            key = (found.framework, found.edition, found.control)
            known = covers.get(key) or ControlCover(
                framework=found.framework,
                edition=found.edition,
                control=found.control,
                title=found.title,
                relevance=Relevance.NONE,
                kinds=(),
                evidence=(),
                missing=(),
                sources=(),
                records=(),
            )
            covers[key] = replace(
                known,
                relevance=found.relevance if found.evidence else known.relevance,
                kinds=tuple(sorted({*known.kinds, *found.kinds})),
                evidence=(*known.evidence, digest) if found.evidence else known.evidence,
                missing=(*known.missing, digest) if found.missing else known.missing,
                sources=tuple(sorted({*known.sources, *found.evidence})),
                records=tuple(sorted({*known.records, *found.records})),
            )
    return tuple(covers.values())


def allowed(models: Iterable[AuditedModel]) -> tuple[AuditedModel, ...]:
    """Give those whose verdict is allow."""
    return tuple(model for model in models if model.action is Action.ALLOW)
