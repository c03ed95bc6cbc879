"""What a person should look at: read off the audit report, never weighed anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatekeeper.decision import Action, ApprovalState, WaiverState
from gatekeeper.report.audit import Attention, AttentionKind, AuditedModel, AuditReport, Deployment, Due, SignOff
from gatekeeper.report.audit_attested import AuditedReport, SignatureState, Standing
from gatekeeper.text import plural


def attention(audit: AuditReport) -> tuple[Attention, ...]:
    """Give everything that needs a person, most pressing kind first, each kind once."""
    found = {each.kind: each for each in (*_of_models(audit), *_of_reports(audit), *_of_last_days(audit))}
    return tuple(found[kind] for kind in AttentionKind if kind in found)


def _of_models(audit: AuditReport) -> Iterator[Attention]:
    deployed = "deployed" if audit.lock else "attested"
    rules: tuple[tuple[AttentionKind, str, Callable[[AuditedModel], bool]], ...] = (
        (
            AttentionKind.NOT_ALLOWED,
            f"{deployed} although the verdict is not allow",
            lambda model: model.action is not None and model.action is not Action.ALLOW,
        ),
        (
            AttentionKind.OTHER_BYTES,
            "pinned at bytes that no attestation is about",
            lambda model: model.deployment is Deployment.OTHER_BYTES,
        ),
        (
            AttentionKind.UNATTESTED,
            "pinned without any attestation",
            lambda model: model.deployment is Deployment.UNATTESTED,
        ),
        (AttentionKind.UNDECIDED, "scanned and never decided", lambda model: bool(model.report) and not model.action),
        (
            AttentionKind.STALE,
            f"decided more than {plural(audit.max_age_days, 'day')} ago",
            lambda model: model.stale,
        ),
    )
    for kind, words, holds in rules:
        if chosen := [model for model in audit.fleet if holds(model)]:
            yield _about(kind, words, chosen)
    if outside := [model for model in audit.models if model.deployment is Deployment.NOT_LOCKED]:
        yield _about(AttentionKind.NOT_LOCKED, "attested and not in the lock", outside)


def _about(kind: AttentionKind, words: str, models: list[AuditedModel]) -> Attention:
    return Attention(
        kind=kind,
        words=f"{plural(len(models), 'model')} {words}",
        models=tuple(model.name for model in models),
        reports=tuple(model.report for model in models if model.report),
    )


def _of_reports(audit: AuditReport) -> Iterator[Attention]:
    counting = {model.report for model in audit.fleet}
    current = [report for report in audit.reports if report.digest in counting]
    decided = [report for report in current if report.action]
    unsigned = (SignatureState.UNSIGNED, SignatureState.ABSENT)
    refused = [report for report in audit.reports if report.signed.state is SignatureState.REFUSED]
    rules = (
        (AttentionKind.REFUSED_SIGNATURE, "verdict", "beside a report can't be believed", refused),
        (
            AttentionKind.REQUIRED_UNKNOWN,
            "attestation",
            "in which a required check could not look",
            [report for report in current if any(end.required for end in report.unanswered)],
        ),
        (
            AttentionKind.UNSIGNED,
            "verdict",
            "nobody can verify, for want of a signature",
            [report for report in decided if report.signed.state in unsigned],
        ),
        (
            AttentionKind.LATER,
            "attestation",
            "dated after this audit report",
            [report for report in audit.reports if report.standing is Standing.LATER],
        ),
    )
    for kind, noun, words, reports in rules:
        if reports:
            yield _listed(kind, f"{plural(len(reports), noun)} {words}", reports)
    if len(audit.policies) > 1:
        words = f"verdicts of one fleet under {len(audit.policies):,} policies"
        yield _listed(AttentionKind.SEVERAL_POLICIES, words, decided)


def _listed(kind: AttentionKind, words: str, reports: list[AuditedReport]) -> Attention:
    return Attention(
        kind=kind,
        words=words,
        models=tuple(dict.fromkeys(report.name for report in reports)),
        reports=tuple(report.digest for report in reports),
    )


def _of_last_days(audit: AuditReport) -> Iterator[Attention]:
    """Speak of what the verdicts rest on: waivers and approvals that they did not use move nothing."""
    waivers: list[SignOff] = [each for each in audit.waivers if each.waiver.state is WaiverState.USED]
    approvals: list[SignOff] = [each for each in audit.approvals if each.use.state is ApprovalState.USED]
    spent = [each for each in waivers if each.due is Due.EXPIRED]
    lapsed = [each for each in approvals if each.due is Due.EXPIRED]
    ending = [each for each in (*waivers, *approvals) if each.due is Due.SOON]
    rules = (
        (AttentionKind.EXPIRED_WAIVER, "waiver", "that a verdict rests on expired since", spent),
        (AttentionKind.EXPIRED_APPROVAL, "approval", "that a verdict rests on expired since", lapsed),
        (AttentionKind.ENDING_SOON, "sign-off", "ending within fourteen days", ending),
    )
    for kind, noun, words, entries in rules:
        if entries:
            yield Attention(
                kind=kind,
                words=f"{plural(len(entries), noun)} {words}",
                models=tuple(dict.fromkeys(each.model for each in entries)),
                reports=tuple(dict.fromkeys(each.report for each in entries)),
            )
