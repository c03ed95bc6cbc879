"""Waivers: a person answers for one finding on one set of bytes until a date.

A waiver names the exact id of a finding, never a prefix: rules that are added later are not waived in advance. It
is bound to a commit or to the digest of the whole artifact, never to a name or to a single file: the same file can
be harmless in one repo and not in another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gatekeeper.decision import WaiverState, WaiverUse
from gatekeeper.evidence import Finding
from gatekeeper.policy.laws import UNWAIVABLE
from gatekeeper.policy.policy import SubjectKey, Thresholds, Waiver


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """What the waivers came to."""

    uses: tuple[WaiverUse, ...] = ()
    """Every waiver that concerns the artifact, in the policy's order."""

    findings: frozenset[str] = frozenset()
    """Ids of the findings that are waived."""


def apply(
    waivers: Iterable[Waiver],
    findings: Iterable[Finding],
    *,
    subject: SubjectKey,
    now: datetime,
    thresholds: Thresholds,
) -> Applied:
    """Try the waivers on an artifact's findings.

    Args:
        waivers: Those of the policy.
        findings: All findings on the artifact.
        subject: The artifact.
        now: When, with a time zone; days are counted in UTC.
        thresholds: Say when an expiry is near.

    Raises:
        ValueError: When `now` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("a time zone is needed to know which day it is in UTC")
    today = now.astimezone(UTC).date()
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(finding.id, []).append(finding)
    uses = tuple(
        _use(waiver, by_id.get(waiver.finding, []), today, thresholds)
        for waiver in waivers
        if concerns(waiver, subject)
    )
    return Applied(uses=uses, findings=frozenset(use.finding for use in uses if use.state is WaiverState.USED))


def concerns(waiver: Waiver, subject: SubjectKey) -> bool:
    """Whether a waiver is bound to this artifact's commit or digest."""
    if waiver.subject.startswith("sha256:"):
        return bool(subject.digest) and waiver.subject == f"sha256:{subject.digest}"
    name, _, commit = waiver.subject.partition("@")
    return bool(subject.commit) and commit == subject.commit and name == subject.reference.partition("@")[0]


def _use(waiver: Waiver, findings: list[Finding], today: date, thresholds: Thresholds) -> WaiverUse:
    state, note = _state(waiver, findings, today, thresholds)
    return WaiverUse(
        finding=waiver.finding,
        subject=waiver.subject,
        reason=waiver.reason,
        approver=waiver.approver,
        expires=waiver.expires,
        state=state,
        note=note,
    )


def _state(waiver: Waiver, findings: list[Finding], today: date, thresholds: Thresholds) -> tuple[WaiverState, str]:
    forbidden = sorted({finding.hazard.value for finding in findings if finding.hazard in UNWAIVABLE})
    if forbidden:
        return WaiverState.REFUSED, f"no waiver can lift the hazard {' or '.join(forbidden)}"
    left = (waiver.expires - today).days
    if left < 0:
        return WaiverState.EXPIRED, f"EXPIRED {days(-left)} ago"
    if today < waiver.created:
        # Else a waiver dated years ahead would count from today until then.
        return WaiverState.UNUSED, f"counts only from {waiver.created.isoformat()}"
    note = f"expires {f'in {days(left)}' if left else 'today'}" if left <= thresholds.waiver_warning_days else ""
    return (WaiverState.USED if findings else WaiverState.UNUSED), note


def days(count: int) -> str:
    """Write a number of days."""
    return "1 day" if count == 1 else f"{count} days"
