"""Approvals, tried to break the laws: by arbitrary evidence, policies and sign-offs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.decision import Action, Approval, ApprovalState, Decision, RowState
from gatekeeper.evidence import Evidence, Finding, Hazard, Status
from gatekeeper.policy import Policy, Waiver, decide, obstacle
from gatekeeper.policy.laws import UNWAIVABLE
from gatekeeper.signers import Approver
from tests.property.test_policy_laws import (
    CHECKS,
    DEFAULT,
    DIGEST,
    EVIDENCE,
    FINDINGS,
    NOW,
    POLICIES,
    SUBJECT,
    WAIVERS,
    WELL_KEPT,
    _result,
)

LEFT_TO_PEOPLE = st.builds(
    lambda found, unknown, more: Evidence(
        results=(*WELL_KEPT, _result("files/more", Status.FAIL, found, {}), *unknown, *more)
    ),
    st.lists(
        st.builds(replace, FINDINGS, hazard=st.sampled_from([Hazard.SUSPICIOUS, Hazard.UNVERIFIED])),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.just(_result("files/coverage", Status.UNKNOWN, [], {})), max_size=1),
    st.one_of(
        st.just([]),
        st.lists(
            st.builds(
                _result,
                st.sampled_from(CHECKS),
                st.sampled_from(list(Status)),
                st.lists(FINDINGS, max_size=1),
                st.just({}),
            ),
            max_size=1,
        ),
    ),
)
"""What ends in an audit or an escalation, or nearly: there an approval can count."""

SEEN = st.one_of(LEFT_TO_PEOPLE, LEFT_TO_PEOPLE, EVIDENCE)

DAYS = st.integers(-100, 100).map(lambda days: NOW.date() + timedelta(days=days))


@st.composite
def signed_off(draw: st.DrawFn, decision: Decision) -> Approval:
    """Draw an approval that fits a decision, or nearly does."""
    fitting = Approval(
        reference="acme/model",
        subject=f"sha256:{DIGEST}",
        policy_digest=decision.policy_digest,
        action=decision.action,
        row=decision.row,
        findings=decision.facts.get("findings.ids", ()),  # type: ignore[arg-type]
        unknown=decision.facts.get("checks.unknown", ()),  # type: ignore[arg-type]
        by="ana",
        reason="r",
        created=NOW.date(),
        expires=NOW.date() + timedelta(days=20),
        signer=draw(st.sampled_from(["", "ana"])),
    )
    changes: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "subject": st.just(f"sha256:{'0' * 64}"),
                "policy_digest": st.just(f"sha256:{'0' * 64}"),
                "action": st.sampled_from(list(Action)),
                "row": st.just("suspicious"),
                "findings": st.just(fitting.findings[:-1]),
                "unknown": st.just(fitting.unknown[:-1]),
                "created": DAYS,
                "expires": DAYS,
            },
        )
    )
    return replace(fitting, **draw(st.sampled_from([{}, changes])))


def _decide(evidence: Evidence, policy: Policy, approvals: list[Approval] | None = None) -> Decision:
    return decide(evidence, policy, subject=SUBJECT, now=NOW, approvals=approvals or ())


@given(evidence=SEEN, policy=POLICIES, waivers=WAIVERS, approvers=st.booleans(), data=st.data())
def test_approvals_end_in_allow_or_change_nothing_and_break_no_law(
    evidence: Evidence, policy: Policy, waivers: tuple[Waiver, ...], approvers: bool, data: st.DataObject
) -> None:
    policy = replace(policy, waivers=waivers, approvers=(Approver(name="ana", key="k"),) if approvers else ())
    before = _decide(evidence, policy)
    approvals = data.draw(st.lists(signed_off(before), max_size=3))
    after = _decide(evidence, policy, approvals)
    counted = [use.approval for use in after.approvals if use.state is ApprovalState.USED]
    if not counted:
        assert replace(after, approvals=()) == before
        return
    assert (after.action, after.row) == (Action.ALLOW, f"approved:{before.row}")
    assert before.action in {Action.AUDIT, Action.ESCALATE}
    assert not before.laws
    assert not {finding.hazard for finding in evidence.findings} & UNWAIVABLE
    assert after.facts["checks.required_unknown"] == ()
    assert not any(row.state is RowState.INDETERMINATE for row in after.rows)
    unknown = {result.check.id for result in evidence.results if result.status is Status.UNKNOWN}
    for approval in counted:
        assert approval.subject == f"sha256:{DIGEST}"
        assert approval.policy_digest == policy.digest
        assert approval.created <= NOW.date() <= approval.expires
        assert unknown <= set(approval.unknown)
        assert approval.signer or not approvers
        open_now = {finding.id for finding in evidence.findings} - set(after.facts["findings.waived"])  # type: ignore[arg-type]
        assert open_now <= set(approval.findings)


@given(evidence=SEEN, more=st.lists(FINDINGS, min_size=1, max_size=2), data=st.data())
def test_another_finding_never_makes_an_approval_count(
    evidence: Evidence, more: list[Finding], data: st.DataObject
) -> None:
    worse = Evidence(results=(*evidence.results, _result("x/y", Status.FAIL, more, {})))
    approval = data.draw(signed_off(_decide(evidence, DEFAULT)))
    if _decide(evidence, DEFAULT, [approval]).action is not Action.ALLOW:
        assert _decide(worse, DEFAULT, [approval]).action is not Action.ALLOW


@given(evidence=SEEN, policy=POLICIES)
def test_what_has_no_obstacle_can_be_signed_off_and_nothing_else(evidence: Evidence, policy: Policy) -> None:
    before = _decide(evidence, policy)
    fitting = Approval(
        reference="acme/model",
        subject=f"sha256:{DIGEST}",
        policy_digest=policy.digest,
        action=before.action,
        row=before.row,
        findings=before.facts.get("findings.ids", ()),  # type: ignore[arg-type]
        unknown=before.facts.get("checks.unknown", ()),  # type: ignore[arg-type]
        by="ana",
        reason="r",
        created=NOW.date(),
        expires=NOW.date(),
    )
    after = _decide(evidence, policy, [fitting])
    used = after.approvals[0].state is ApprovalState.USED
    assert used == (not obstacle(before, evidence.findings))
