"""Approvals: a person signs off one artifact under one policy, after an audit or an escalation, until a day.

An approval speaks for what its author saw. It counts for the very bytes, under the very policy, while nothing is open
that was not open then: a finding, a check that could not look, a stricter action, or another row that asks for as
much. What the table discards or patches can't be signed off, and the laws are applied to the allowance that an
approval asks for exactly as to one that the table gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from gatekeeper.decision import Action, Approval, ApprovalState, ApprovalUse, Decision
from gatekeeper.evidence import Finding
from gatekeeper.policy.laws import Case, overrule
from gatekeeper.policy.policy import Policy
from gatekeeper.policy.waivers import days

APPROVED = "approved:"
"""Begins `Decision.row` where an approval counted; the slug of the table's row follows."""

APPROVABLE = frozenset({Action.AUDIT, Action.ESCALATE})
"""Actions that leave it to a person."""

_NAMED = 3
"""Findings or checks that a note names."""


def obstacle(decision: Decision, findings: Iterable[Finding]) -> str:
    """Say why nobody can sign a decision off, as an approval of it would be refused; empty when somebody can.

    Args:
        decision: As it is without approvals.
        findings: All findings of the artifact, waived or not.
    """
    return _obstacle(decision, frozenset(finding.hazard.value for finding in findings))


def sign_off(
    decision: Decision,
    approvals: Sequence[Approval],
    policy: Policy,
    *,
    digest: str,
    hazards: frozenset[str],
    now: datetime,
) -> Decision:
    """Apply approvals to a decision.

    Args:
        decision: What table and laws say without any.
        approvals: Of any artifacts; those of others are passed over.
        policy: Whose sign-off counts, and for how long.
        digest: SHA-256 of the artifact, hexadecimal; when it is empty, nothing can be bound to it.
        hazards: Hazards of all findings, waived or not, for the laws.
        now: When; days are counted in UTC.

    Returns:
        The decision with every approval that is bound to the artifact, and what became of it. When one counts, the
        action is `allow`; otherwise all else is as it was.
    """
    bound = [approval for approval in approvals if digest and approval.subject == f"sha256:{digest}"]
    if not bound:
        return decision
    today = now.astimezone(UTC).date()
    against = "" if decision.action is Action.ALLOW else _obstacle(decision, hazards)
    uses = tuple(_use(approval, decision, policy, against, today) for approval in bound)
    counting = [use.approval for use in uses if use.state is ApprovalState.USED]
    if not counting:
        return replace(decision, approvals=uses)
    last = max(approval.expires for approval in counting)
    who = "; ".join(dict.fromkeys(f"{approval.by} ({approval.reason})" for approval in counting))
    return replace(
        decision,
        action=Action.ALLOW,
        row=f"{APPROVED}{decision.row}",
        because=f"{decision.because}; signed off until {last.isoformat()} by {who}",
        ask=f"have it signed off again, or replace it, before {last.isoformat()} is over",
        approvals=uses,
    )


def _obstacle(decision: Decision, hazards: frozenset[str]) -> str:
    if decision.action not in APPROVABLE:
        return f"{decision.action.value} can't be signed off"
    # The laws first: they name what is wrong, also where one of them made the action.
    laws = overrule(Action.ALLOW, Case(facts=decision.facts, hazards=hazards, rows=decision.rows))
    if laws:
        return f"a law forbids it: {'; '.join(law.words for law in laws)}"
    if decision.row.startswith("law:"):
        return "no row of the table asks for it"
    # An approval names no failure, so it would speak for those that are reported later, too.
    failed = decision.facts.get("failure.reported") is not False and decision.facts.get("remedy.verified") is not True
    return "a failure was reported, and no verified remedy exists" if failed else ""


def _use(approval: Approval, decision: Decision, policy: Policy, against: str, today: date) -> ApprovalUse:
    state, note = _state(approval, decision, policy, against, today)
    return ApprovalUse(approval=approval, state=state, note=note)


def _state(
    approval: Approval, decision: Decision, policy: Policy, against: str, today: date
) -> tuple[ApprovalState, str]:
    if why := against or _invalid(approval, policy):
        return ApprovalState.REFUSED, why
    left = (approval.expires - today).days
    if left < 0:
        return ApprovalState.EXPIRED, f"EXPIRED {days(-left)} ago"
    if today < approval.created:
        return ApprovalState.UNUSED, f"counts only from {approval.created.isoformat()}"
    note = (
        f"expires {f'in {days(left)}' if left else 'today'}" if left <= policy.thresholds.approval_warning_days else ""
    )
    if decision.action is Action.ALLOW:
        return ApprovalState.UNUSED, note
    if why := _uncovered(approval, decision):
        return ApprovalState.REFUSED, why
    return ApprovalState.USED, note


def _invalid(approval: Approval, policy: Policy) -> str:
    """Say why an approval can't count for any decision of this policy; empty when it can."""
    if approval.policy_digest != policy.digest:
        return "it was given under another policy"
    if approval.action not in APPROVABLE:
        return f"it says that the table said {approval.action.value}, which can't be signed off"
    longest = policy.thresholds.approval_max_days
    if (approval.expires - approval.created).days > longest:
        return f"it counts for more than {days(longest)} (approval_max_days)"
    if policy.approvers and not approval.signer:
        return "it is not signed, and the policy lists whose signature counts"
    if policy.approvers and approval.signer not in {approver.name for approver in policy.approvers}:
        return "its signer is none of the policy's approvers"
    return ""


def _uncovered(approval: Approval, decision: Decision) -> str:
    """Say what the approval's author did not see; empty when nothing is."""
    if decision.action.rank > approval.action.rank:
        return f"{approval.action.value} was signed off, and the table says {decision.action.value} now"
    if decision.action is approval.action and decision.row != approval.row:
        # A milder row may follow once what was stricter is mended; one that asks for as much is news.
        return f"row `{approval.row}` was signed off, and row `{decision.row}` asks for the same now"
    for name, covered, what in (
        ("findings.ids", approval.findings, "found since"),
        ("checks.unknown", approval.unknown, "unknown since"),
    ):
        now = decision.facts.get(name)
        if not isinstance(now, tuple):
            return f"nobody can tell what was {what}"
        if more := sorted(set(now) - set(covered)):
            rest = f" and {len(more) - _NAMED} more" if len(more) > _NAMED else ""
            return f"it does not cover what was {what}: {', '.join(more[:_NAMED])}{rest}"
    return ""
