"""Linting: what is allowed in a policy and still most likely a mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gatekeeper.policy.laws import UNWAIVABLE
from gatekeeper.policy.loading import KnownChecks
from gatekeeper.policy.policy import Origin, Policy, Row, Waiver
from gatekeeper.policy.testing import PolicyTestReport
from gatekeeper.policy.waivers import days


@dataclass(frozen=True, kw_only=True, slots=True)
class LintFinding:
    """One remark about a policy."""

    rule: str
    """Slug of the kind of remark."""

    message: str
    origin: Origin


def lint(
    policy: Policy,
    *,
    now: datetime,
    known_checks: KnownChecks | None = None,
    report: PolicyTestReport | None = None,
) -> tuple[LintFinding, ...]:
    """Look for likely mistakes.

    Args:
        policy: A loaded policy, which is therefore well-formed.
        now: When, with a time zone: waivers expire.
        known_checks: The installed checks, by id; tells which findings can't be waived.
        report: What became of the policy's tests; without it nothing is said about rows without tests.

    Returns:
        Remarks in the order of rows, then waivers, then lists, then keys.
    """
    return (
        *_rows(policy),
        *_untested(policy, report),
        *_waivers(policy, now, known_checks),
        *_lists(policy),
        *_keys(policy),
    )


def _rows(policy: Policy) -> Iterator[LintFinding]:
    above: dict[str, Row] = {}
    shadow: Row | None = None
    for row in policy.rows:
        words = " ".join(row.when.split())
        twin = above.setdefault(words, row)
        if shadow is not None:
            yield _of_row("unreachable-row", row, f"can't be reached: row `{shadow.slug}` above it always holds")
        elif twin is not row:
            yield _of_row("unreachable-row", row, f"can't be reached: row `{twin.slug}` above has the same condition")
        constant = row.condition.constant()
        if constant is False:
            yield _of_row("dead-row", row, "never holds")
        elif constant is True and shadow is None:
            shadow = row


def _untested(policy: Policy, report: PolicyTestReport | None) -> Iterator[LintFinding]:
    unreached = report.unreached if report else ()
    for row in policy.rows:
        if row.slug in unreached:
            yield _of_row("untested-row", row, "is reached by no test")


def _waivers(policy: Policy, now: datetime, known: KnownChecks | None) -> Iterator[LintFinding]:
    today = now.astimezone(UTC).date()
    hazards = {rule.id: rule.hazard for check in (known or {}).values() for rule in check.rules}
    seen = Counter((waiver.finding, waiver.subject) for waiver in policy.waivers)
    for waiver in policy.waivers:
        left = (waiver.expires - today).days
        if left < 0:
            yield _of_waiver("expired-waiver", waiver, f"expired {days(-left)} ago")
        elif left <= policy.thresholds.waiver_warning_days:
            yield _of_waiver("expiring-waiver", waiver, f"expires in {days(left)}")
        if waiver.created > today:
            yield _of_waiver("future-waiver", waiver, f"counts only from {waiver.created.isoformat()}")
        if hazards.get(waiver.finding) in UNWAIVABLE:
            yield _of_waiver("powerless-waiver", waiver, "has no effect: a law forbids waiving this finding")
        if seen[waiver.finding, waiver.subject] > 1:
            yield _of_waiver("double-waiver", waiver, "stands more than once for the same subject")


def _lists(policy: Policy) -> Iterator[LintFinding]:
    origin = Origin(source=policy.sources[0].name, line=1, column=1)
    for name in policy.contradictions:
        message = f"`{name}` is listed both ways; the stricter list counts"
        yield LintFinding(rule="contradiction", message=message, origin=origin)


def _keys(policy: Policy) -> Iterator[LintFinding]:
    origin = Origin(source=policy.sources[0].name, line=1, column=1)
    for what, people in (("signers", policy.signers), ("approvers", policy.approvers)):
        by_key: dict[str, list[str]] = {}
        for each in people:
            by_key.setdefault(each.key, []).append(each.name)
        for key, names in by_key.items():
            if key and len(names) > 1:
                message = f"{what} {', '.join(f'`{name}`' for name in names)} have one key; the first is named for it"
                yield LintFinding(rule="double-key", message=message, origin=origin)
    publishing = {signer.key: signer.name for signer in policy.signers if signer.key}
    for approver in policy.approvers:
        if name := publishing.get(approver.key):
            message = f"approver `{approver.name}` has the key of signer `{name}`, who could sign off what they publish"
            yield LintFinding(rule="signer-approves", message=message, origin=origin)


def _of_row(rule: str, row: Row, message: str) -> LintFinding:
    return LintFinding(rule=rule, message=f"row `{row.slug}` {message}", origin=row.origin)


def _of_waiver(rule: str, waiver: Waiver, message: str) -> LintFinding:
    return LintFinding(rule=rule, message=f"waiver of `{waiver.finding}` {message}", origin=waiver.origin)
