"""An approval counts for what its author saw, and for nothing else."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gatekeeper.decision import Action, Approval, ApprovalState, Decision
from gatekeeper.evidence import (
    CheckDescription,
    CheckResult,
    Confidence,
    Evidence,
    Finding,
    Hazard,
    Severity,
    Status,
    Strength,
)
from gatekeeper.policy import Policy, SubjectKey, decide, load, obstacle
from gatekeeper.remedy import Cause, Diagnosis, Remedy
from gatekeeper.signers import Approver

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = NOW.date()
DIGEST = "d" * 64
SUBJECT = SubjectKey(reference=f"hf://acme/model@{'c' * 40}", commit="c" * 40, digest=DIGEST)
POLICY = load()
GOOD = {"source.pinned": True, "bytes.hub": "match", "publisher.trusted": True, "source.scheme": "hf"}


def finding(slug: str, hazard: Hazard) -> Finding:
    return Finding(
        id=f"files/structure/{slug}",
        check="files/structure",
        title=slug,
        message="m",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        strength=Strength.MEASURED,
        hazard=hazard,
        mend="m",
    )


def result(check: str, status: Status = Status.PASS, facts: dict[str, Any] | None = None, *found: Finding) -> Any:
    said = facts or {}
    description = CheckDescription(
        id=check, title="t", version=1, looks_at="l", why="w", cannot_see="c", mend="m", rules=(), facts=tuple(said)
    )
    return CheckResult(check=description, status=status, findings=found, facts=said)


def evidence(*found: Finding, unknown: tuple[str, ...] = (), facts: dict[str, Any] | None = None) -> Evidence:
    """Everything well kept, but for these."""
    required = [
        result(name, Status.UNKNOWN if name in unknown else Status.PASS)
        for name in POLICY.required
        if name != "provenance/bytes"
    ]
    others = [result(name, Status.UNKNOWN) for name in unknown if name not in POLICY.required]
    return Evidence(
        results=(
            *required,
            *others,
            result("provenance/bytes", Status.PASS, GOOD | (facts or {})),
            result("files/more", Status.PASS, None, *found),
        )
    )


JAILBREAK = Remedy(diagnosis=Diagnosis(cause=Cause.JAILBREAK, words="", cases=()), parent_digest=DIGEST)
SUSPICIOUS = finding("broken", Hazard.SUSPICIOUS)
UNVERIFIED = finding("odd", Hazard.UNVERIFIED)
APPROVAL = Approval(
    reference="acme/model",
    subject=f"sha256:{DIGEST}",
    policy_digest=POLICY.digest,
    action=Action.ESCALATE,
    row="suspicious",
    findings=("files/structure/broken", "files/structure/odd"),
    unknown=("files/coverage",),
    by="ana",
    reason="read it",
    created=TODAY,
    expires=TODAY + timedelta(days=30),
)


def decided(seen: Evidence, *approvals: Approval, policy: Policy = POLICY, **changes: Any) -> Decision:
    return decide(seen, policy, **{"subject": SUBJECT, "now": NOW, **changes}, approvals=approvals)


def refused(seen: Evidence, approval: Approval, policy: Policy = POLICY) -> str:
    """Give the note of an approval that must change nothing."""
    before, after = decided(seen, policy=policy), decided(seen, approval, policy=policy)
    assert replace(after, approvals=()) == before
    (use,) = after.approvals
    assert use.state is ApprovalState.REFUSED
    return use.note


def test_it_turns_the_escalation_that_was_signed_off_into_allow() -> None:
    before, after = decided(evidence(SUSPICIOUS)), decided(evidence(SUSPICIOUS), APPROVAL)
    assert (before.action, before.row) == (Action.ESCALATE, "suspicious")
    assert (after.action, after.row) == (Action.ALLOW, "approved:suspicious")
    assert "ana (read it)" in after.because
    assert after.laws == ()
    assert (after.rows, after.facts, after.waivers) == (before.rows, before.facts, before.waivers)
    (use,) = after.approvals
    assert (use.approval, use.state, use.note) == (APPROVAL, ApprovalState.USED, "")


def test_it_covers_what_has_become_milder() -> None:
    after = decided(evidence(UNVERIFIED), APPROVAL)
    assert (after.action, after.row) == (Action.ALLOW, "approved:unverified")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"policy_digest": "sha256:" + "0" * 64}, "another policy"),
        ({"expires": TODAY + timedelta(days=91)}, "approval_max_days"),
        ({"created": TODAY - timedelta(days=61)}, "approval_max_days"),
        ({"findings": ("files/structure/odd",)}, "found since: files/structure/broken"),
        ({"action": Action.AUDIT}, "audit was signed off, and the table says escalate now"),
        ({"row": "failure-other"}, "row `suspicious` asks for the same now"),
        ({"action": Action.DISCARD}, "can't be signed off"),
        ({"action": Action.PATCH}, "can't be signed off"),
        ({"action": Action.ALLOW}, "can't be signed off"),
    ],
)
def test_it_is_refused_for_what_its_author_did_not_see(change: dict[str, Any], words: str) -> None:
    assert words in refused(evidence(SUSPICIOUS), replace(APPROVAL, **change))


def test_a_check_that_could_not_look_since_is_not_covered() -> None:
    approval = replace(APPROVAL, action=Action.AUDIT, row="unknown")
    seen = evidence(unknown=("files/coverage",))
    assert decided(seen, approval).action is Action.ALLOW
    more = evidence(unknown=("files/coverage", "provenance/licence"))
    assert "unknown since: provenance/licence" in refused(more, approval)


def test_a_failure_that_was_reported_since_is_not_covered() -> None:
    seen = evidence(SUSPICIOUS)
    before, after = decided(seen, remedy=JAILBREAK), decided(seen, APPROVAL, remedy=JAILBREAK)
    assert (before.action, before.row) == (Action.ESCALATE, "failure-other")
    assert replace(after, approvals=()) == before
    assert "a failure was reported" in after.approvals[0].note


def test_a_failure_is_never_signed_off_since_an_approval_names_none() -> None:
    approval = replace(APPROVAL, row="failure-other")
    after = decided(evidence(SUSPICIOUS), approval, remedy=JAILBREAK)
    assert (after.action, after.row) == (Action.ESCALATE, "failure-other")


@pytest.mark.parametrize("hazard", [Hazard.TAMPERED, Hazard.PAYLOAD, Hazard.IMPLANT, Hazard.DENIED])
def test_what_is_discarded_can_not_be_signed_off(hazard: Hazard) -> None:
    assert "discard can't be signed off" in refused(evidence(finding("broken", hazard)), APPROVAL)


def test_a_required_check_that_is_unknown_can_not_be_signed_off() -> None:
    approval = replace(APPROVAL, row="required-unknown", unknown=POLICY.required)
    assert "a law forbids it: a required check" in refused(evidence(unknown=("files/structure",)), approval)


@pytest.mark.parametrize(("hazard", "law"), [(Hazard.TAMPERED, "tampered"), (Hazard.PAYLOAD, "payload")])
def test_a_law_stands_above_it_where_a_table_would_not(hazard: Hazard, law: str) -> None:
    lenient = replace(POLICY, rows=tuple(row for row in POLICY.rows if row.slug == "otherwise"))
    seen = evidence(finding("broken", hazard))
    assert decided(seen, policy=lenient).row == f"law:{law}"
    assert "a law forbids it" in refused(seen, replace(APPROVAL, row="otherwise"), lenient)


def test_a_row_that_can_not_be_told_can_not_be_signed_off() -> None:
    assert "a law forbids it" in refused(evidence(SUSPICIOUS, facts={"repo.age_days": "old"}), APPROVAL)


def test_without_a_row_there_is_nothing_to_sign_off() -> None:
    assert "no row" in refused(evidence(), replace(APPROVAL, row="law:no-row"), replace(POLICY, rows=()))


@pytest.mark.parametrize(
    ("created", "expires", "state", "note"),
    [
        (-10, 0, ApprovalState.USED, "expires today"),
        (-10, 1, ApprovalState.USED, "expires in 1 day"),
        (-10, 14, ApprovalState.USED, "expires in 14 days"),
        (-10, 15, ApprovalState.USED, ""),
        (-10, -1, ApprovalState.EXPIRED, "EXPIRED 1 day ago"),
        (1, 20, ApprovalState.UNUSED, "counts only from 2026-11-24"),
    ],
)
def test_it_counts_from_its_first_to_its_last_day(created: int, expires: int, state: ApprovalState, note: str) -> None:
    approval = replace(APPROVAL, created=TODAY + timedelta(days=created), expires=TODAY + timedelta(days=expires))
    after = decided(evidence(SUSPICIOUS), approval)
    assert (after.action is Action.ALLOW) == (state is ApprovalState.USED)
    assert [(use.state, use.note) for use in after.approvals] == [(state, note)]


def test_days_are_those_of_utc() -> None:
    late = datetime.fromisoformat("2026-12-23T23:30:00-05:00")
    after = decided(evidence(SUSPICIOUS), replace(APPROVAL, expires=date(2026, 12, 23)), now=late)
    assert after.approvals[0].state is ApprovalState.EXPIRED


def test_what_is_allowed_without_it_leaves_it_unused() -> None:
    after = decided(evidence(), APPROVAL)
    assert (after.action, after.row) == (Action.ALLOW, "known-good")
    assert after.approvals[0].state is ApprovalState.UNUSED


@pytest.mark.parametrize("digest", ["e" * 64, ""])
def test_one_for_other_bytes_is_not_even_listed(digest: str) -> None:
    subject = replace(SUBJECT, digest=digest)
    for bound_to in (APPROVAL.subject, "sha256:", f"hf://acme/model@{SUBJECT.commit}"):
        after = decided(evidence(SUSPICIOUS), replace(APPROVAL, subject=bound_to), subject=subject)
        assert (after.action, after.approvals) == (Action.ESCALATE, ())


def test_where_approvers_are_listed_one_of_them_must_have_signed() -> None:
    policy = replace(POLICY, approvers=(Approver(name="ana", key="k"),))
    assert "not signed" in refused(evidence(SUSPICIOUS), APPROVAL, policy)
    assert "none of the policy's approvers" in refused(evidence(SUSPICIOUS), replace(APPROVAL, signer="eve"), policy)
    assert decided(evidence(SUSPICIOUS), replace(APPROVAL, signer="ana"), policy=policy).action is Action.ALLOW


def test_every_one_is_listed_and_one_that_counts_is_enough() -> None:
    old = replace(APPROVAL, created=TODAY - timedelta(days=40), expires=TODAY - timedelta(days=3))
    after = decided(evidence(SUSPICIOUS), old, replace(APPROVAL, row="x"), APPROVAL, replace(APPROVAL, by="bob"))
    assert after.action is Action.ALLOW
    states = [use.state for use in after.approvals]
    assert states == [ApprovalState.EXPIRED, ApprovalState.REFUSED, ApprovalState.USED, ApprovalState.USED]
    assert "ana (read it); bob (read it)" in after.because


@pytest.mark.parametrize(
    ("found", "words"),
    [(finding("x", Hazard.PAYLOAD), "discard can't"), (SUSPICIOUS, ""), (UNVERIFIED, "")],
)
def test_the_obstacle_is_what_an_approval_would_be_refused_for(found: Finding, words: str) -> None:
    seen = evidence(found)
    told = obstacle(decided(seen), seen.findings)
    assert words in told
    assert bool(words) == bool(told)
