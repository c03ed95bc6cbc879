"""What counts, what is flagged and what changed, whatever order the attestations come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from gatekeeper import report
from gatekeeper.artifact import LineageClaim
from gatekeeper.attestation import Attestation
from gatekeeper.decision import Action, Approval, ApprovalState, ApprovalUse, WaiverState
from gatekeeper.lock import Lock
from gatekeeper.report import audit_view
from gatekeeper.report.audit import AttentionKind, AuditReport, Deployment, Due
from gatekeeper.report.audit_attested import Standing
from tests.support.attestation_parts import NOW
from tests.support.attestations import CASES, allowed, audited, discarded, escalated, scanned
from tests.support.fleets import LATER, assembled, digest_of, fleet_of, given, named, one_each
from tests.support.locks import lock_of, pinned


def _kinds(audit: AuditReport) -> set[AttentionKind]:
    return {item.kind for item in audit.attention}


def _digests(audit: AuditReport) -> set[str]:
    return {each.digest for each in audit.reports}


def test_the_newest_attestation_of_a_model_counts_and_older_ones_are_history() -> None:
    new, old = allowed(), named(discarded(), allowed().subject.name, days=3)
    for order in permutations([new, old]):
        audit = assembled(order)
        (model,) = audit.models
        assert model.action is Action.ALLOW
        assert model.report == digest_of(new)
        assert {each.digest: each.standing for each in audit.reports} == {
            digest_of(new): Standing.CURRENT,
            digest_of(old): Standing.OLDER,
        }


def test_of_two_verdicts_at_one_time_the_harsher_counts() -> None:
    same = [allowed(), named(discarded(), allowed().subject.name)]
    assert assembled(same).models[0].action is Action.DISCARD


@pytest.mark.parametrize(
    "state", [each for each in report.SignatureState if each is not report.SignatureState.VERIFIED]
)
def test_an_unverified_word_makes_a_verified_verdict_harsher_and_never_milder(state: report.SignatureState) -> None:
    verified = report.SignedState(state=report.SignatureState.VERIFIED, key_id="a" * 64)
    other = report.SignedState(state=state)
    name = allowed().subject.name
    harsh, mild = named(discarded(), name), allowed()
    for old, new, counts in ((harsh, mild, Action.DISCARD), (mild, harsh, Action.DISCARD)):
        pair = [
            given(replace(old, created_at=NOW), verified),
            given(replace(new, created_at=NOW + timedelta(days=1)), other),
        ]
        audit = report.assemble([report.record(each) for each in pair], now=LATER)
        assert audit.models[0].action is counts
    again = [
        given(replace(harsh, created_at=NOW), verified),
        given(replace(mild, created_at=NOW + timedelta(days=1)), verified),
    ]
    assert report.assemble([report.record(each) for each in again], now=LATER).models[0].action is Action.ALLOW


def test_a_newer_scan_never_hides_a_verdict() -> None:
    scan = replace(named(scanned(), allowed().subject.name), created_at=NOW + timedelta(days=1))
    assert assembled([scan, allowed()]).models[0].action is Action.ALLOW


def test_an_attestation_from_the_future_never_counts() -> None:
    future = replace(allowed(), created_at=LATER + timedelta(days=1))
    audit = assembled([named(discarded(), allowed().subject.name), future])
    assert audit.models[0].action is Action.DISCARD
    assert AttentionKind.LATER in _kinds(audit)
    assert {each.standing for each in audit.reports} == {Standing.LATER, Standing.CURRENT}


def test_clocks_may_differ_by_minutes() -> None:
    assert assembled([replace(allowed(), created_at=LATER + timedelta(minutes=2))]).models[0].age_days == 0


def test_the_same_report_given_twice_is_kept_once() -> None:
    audit = assembled([allowed(), allowed()])
    assert len(audit.reports) == 1


def test_nothing_attested_is_said_and_is_not_all_allowed() -> None:
    audit = assembled([])
    assert audit.models == ()
    assert audit_view.headline(audit) == "Nothing attested"
    assert audit_view.tone(audit) == "none"


def test_with_a_lock_only_verdicts_on_the_pinned_bytes_count() -> None:
    good = allowed()
    other = replace(good, subject=replace(good.subject, digest="b" * 64), created_at=NOW + timedelta(days=2))
    audit = assembled([good, other], lock=lock_of(good))
    (model,) = audit.models
    assert model.deployment is Deployment.LOCKED
    assert model.report == digest_of(good)
    assert {each.standing for each in audit.reports} == {Standing.CURRENT, Standing.OTHER_BYTES}
    audit = assembled([other], lock=lock_of(good))
    assert audit.models[0].deployment is Deployment.OTHER_BYTES
    assert audit.models[0].action is None
    assert AttentionKind.OTHER_BYTES in _kinds(audit)


def test_a_report_without_digests_is_about_no_pinned_bytes() -> None:
    unhashed = replace(allowed(), subject=replace(allowed().subject, digest=""))
    audit = assembled([unhashed], lock=lock_of(allowed()))
    assert audit.models[0].deployment is Deployment.OTHER_BYTES


def test_a_pinned_model_without_attestation_and_an_attested_one_outside_the_lock_are_told() -> None:
    audit = assembled([discarded()], lock=lock_of(allowed()))
    deployments = {model.name: model.deployment for model in audit.models}
    assert deployments == {
        allowed().subject.name: Deployment.UNATTESTED,
        discarded().subject.name: Deployment.NOT_LOCKED,
    }
    assert {AttentionKind.UNATTESTED, AttentionKind.NOT_LOCKED} <= _kinds(audit)
    assert [model.name for model in audit.fleet] == [allowed().subject.name]
    assert audit.findings == (), "what is not in the lock is not in the fleet"


def test_an_empty_lock_deploys_nothing() -> None:
    audit = assembled([allowed()], lock=Lock())
    assert audit.fleet == ()
    assert audit_view.headline(audit) == "Nothing attested"


@pytest.mark.parametrize(("age", "stale"), [(0, False), (7, False), (8, True)])
def test_a_verdict_is_stale_when_it_is_older_than_asked_for(age: int, stale: bool) -> None:
    audit = assembled([allowed()], now=NOW + timedelta(days=age), max_age_days=7)
    assert audit.models[0].age_days == age
    assert audit.models[0].stale is stale
    assert (AttentionKind.STALE in _kinds(audit)) is stale


@pytest.mark.parametrize(
    ("today", "due"),
    [(date(2026, 11, 17), Due.OK), (date(2026, 11, 18), Due.SOON), (date(2026, 12, 3), Due.EXPIRED)],
)
def test_the_last_day_of_a_waiver_is_held_against_the_day_of_the_audit(today: date, due: Due) -> None:
    now = LATER.replace(year=today.year, month=today.month, day=today.day)
    verdict = replace(allowed(), created_at=now - timedelta(days=1))  # its waiver ends on 2026-12-02
    audit = assembled([verdict], now=now)
    (waiver,) = audit.waivers
    assert waiver.due is due
    assert waiver.days_left == (date(2026, 12, 2) - today).days
    assert (AttentionKind.EXPIRED_WAIVER in _kinds(audit)) is (due is Due.EXPIRED)
    assert (AttentionKind.ENDING_SOON in _kinds(audit)) is (due is Due.SOON)


def test_a_refused_waiver_moves_nothing_and_is_listed() -> None:
    audit = assembled([discarded()], now=LATER + timedelta(days=400))
    assert audit.waivers[0].waiver.state is WaiverState.REFUSED
    assert AttentionKind.EXPIRED_WAIVER not in _kinds(audit)


def _approved() -> Attestation:
    attestation = audited()
    approval = Approval(
        reference=attestation.subject.reference,
        subject=f"sha256:{attestation.subject.digest}",
        policy_digest=attestation.verdict.policy_digest,
        action=Action.AUDIT,
        row="adapter-unproven",
        findings=(),
        unknown=(),
        by="p.lind@example.com",
        reason="The weights were compared with last month's.",
        created=date(2026, 11, 1),
        expires=date(2026, 12, 2),
    )
    use = ApprovalUse(approval=approval, state=ApprovalState.USED, note="expires in 9 days")
    verdict = replace(attestation.verdict, action=Action.ALLOW, row="approved:adapter-unproven", approvals=(use,))
    return replace(attestation, decision=verdict)


def test_approvals_are_listed_with_their_last_day() -> None:
    audit = assembled([_approved()], now=LATER + timedelta(days=2))
    (approval,) = audit.approvals
    assert approval.due is Due.EXPIRED
    assert AttentionKind.EXPIRED_APPROVAL in _kinds(audit)
    page = report.to_audit_html(audit)
    assert "p.lind@example.com (unsigned)" in page
    assert "The weights were compared with last month" in page


def test_findings_are_counted_by_check_and_severity_and_name_their_attestations() -> None:
    audit = assembled(one_each().values())
    total = sum(len(each.findings) for each in one_each().values())
    assert sum(count.findings for count in audit.findings) == total
    for count in audit.findings:
        assert set(count.reports) <= _digests(audit)
    weights = [count.severity for count in audit.findings]
    assert weights == sorted(weights, reverse=True)


def test_a_required_check_that_could_not_look_is_told_apart() -> None:
    stretched = escalated()
    verdict = replace(stretched.verdict, required=("files/pickle",))
    audit = assembled([replace(stretched, decision=verdict)])
    assert [each.check for each in audit.unanswered if each.required] == ["files/pickle"]
    assert AttentionKind.REQUIRED_UNKNOWN in _kinds(audit)
    assert AttentionKind.REQUIRED_UNKNOWN not in _kinds(assembled([audited()]))


def test_several_policies_in_one_fleet_are_flagged() -> None:
    other = replace(discarded(), decision=replace(discarded().verdict, policy_digest=f"sha256:{'9' * 64}"))
    assert AttentionKind.SEVERAL_POLICIES in _kinds(assembled([allowed(), other]))
    assert AttentionKind.SEVERAL_POLICIES not in _kinds(assembled([allowed(), discarded()]))


@pytest.mark.parametrize("state", report.SignatureState)
def test_signatures_are_told_as_they_were_handed_in(state: report.SignatureState) -> None:
    signed = report.SignedState(state=state, words="another key" if state == "refused" else "")
    audit = report.assemble([report.record(given(allowed(), signed))], now=LATER)
    kinds = _kinds(audit)
    assert (AttentionKind.UNSIGNED in kinds) is (state in {"unsigned", "absent"})
    assert (AttentionKind.REFUSED_SIGNATURE in kinds) is (state == "refused")
    assert audit_view.signature(signed) in report.to_audit_html(audit)


def test_what_changed_is_told_by_name() -> None:
    gone, moved, same = discarded(), allowed(), audited()
    before = assembled([gone, moved, same])
    verdict = named(escalated(), moved.subject.name)
    again = replace(verdict, subject=replace(verdict.subject, digest="f" * 64), created_at=LATER)
    fresh = named(CASES["patch"](), "org/new")
    changes = assembled([again, same, fresh], now=LATER + timedelta(days=2), earlier=before).changes
    assert changes
    assert changes.new == ("org/new",)
    assert changes.removed == (gone.subject.name,)
    assert [(each.name, each.before, each.after) for each in changes.verdicts] == [
        (moved.subject.name, Action.ALLOW, Action.ESCALATE)
    ]
    assert [each.name for each in changes.bytes] == [moved.subject.name]
    assert [(each.name, each.expires) for each in changes.expired] == [(moved.subject.name, date(2026, 12, 2))]


def test_nothing_changed_is_said() -> None:
    before = assembled([allowed(), audited()])
    audit = assembled([allowed(), audited()], earlier=before)
    assert audit.changes
    changes = audit.changes
    assert (changes.new, changes.removed, changes.verdicts, changes.bytes) == ((), (), (), ())
    assert "No model came or went" in report.to_audit_html(audit)


def test_changed_pins_are_changed_bytes_even_without_a_new_attestation() -> None:
    before = assembled([allowed()], lock=lock_of(allowed()))
    lock = Lock(models=(replace(pinned(allowed()), digest="c" * 64),))
    changes = assembled([allowed()], lock=lock, earlier=before).changes
    assert changes
    assert [each.after for each in changes.bytes] == ["c" * 64]


def _linked(name: str, *bases: str) -> Attestation:
    claims = tuple(LineageClaim(base=base, said_by="card") for base in bases)
    attestation = named(allowed(), name)
    return replace(attestation, subject=replace(attestation.subject, lineage=claims))


def test_lineage_that_leads_in_circles_ends() -> None:
    audit = assembled([_linked("a/a", "b/b"), _linked("b/b", "c/c"), _linked("c/c", "a/a"), _linked("d/d", "d/d")])
    names: list[str] = []

    def walk(nodes: tuple[audit_view.TreeNode, ...]) -> None:
        for node in nodes:
            names.append(node.name)
            walk(node.below)

    walk(audit_view.tree(audit))
    assert set(names) == {"a/a", "b/b", "c/c", "d/d"}
    assert len(names) < 10
    report.to_audit_html(audit)


def test_a_base_that_everything_shares_stands_once() -> None:
    (root,) = audit_view.tree(assembled([_linked(f"org/m{n}", "org/base") for n in range(5)]))
    assert (root.name, len(root.below), root.report) == ("org/base", 5, "")


@settings(max_examples=40, deadline=None)
@drawn(st.lists(st.tuples(st.sampled_from(sorted(CASES)), st.integers(0, 3), st.integers(0, 400)), max_size=8))
def test_order_never_matters_and_every_count_has_its_attestations(drawing: list[tuple[str, int, int]]) -> None:
    attestations = [named(CASES[case](), f"org/model-{n}", days=days) for case, n, days in drawing]
    audit = assembled(attestations)
    assert audit == assembled(reversed(attestations))
    known = _digests(audit)
    current = [each for each in audit.reports if each.standing is Standing.CURRENT]
    assert len(current) == len(audit.models) == len({each.name for each in audit.reports})
    for tally in (*audit.publishers, *audit.licences, *audit.policies, *audit.signers):
        assert set(tally.reports) <= known
    assert report.from_audit_json(report.to_audit_json(audit)) == audit


def test_a_large_fleet_gives_a_page_of_bounded_size() -> None:
    audit = fleet_of(400)
    assert len(audit.models) == 400
    assert len(report.to_audit_html(audit)) < 1_500_000
