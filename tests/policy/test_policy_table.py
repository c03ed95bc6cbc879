"""Deciding: the first row that holds wins, facts come from checks that keep their contract, laws have the last word."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gatekeeper.decision import Action, RowState, WaiverState
from gatekeeper.evidence import (
    CheckDescription,
    CheckResult,
    Confidence,
    Evidence,
    FactValue,
    Finding,
    Hazard,
    Severity,
    Status,
    Strength,
)
from gatekeeper.policy import Policy, SubjectKey, Waiver, decide, decide_facts, explain, load
from gatekeeper.policy.gathering import FactError, complete
from gatekeeper.policy.policy import Origin

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMMIT = "c" * 40
SUBJECT = SubjectKey(reference="hf://acme/model@main", commit=COMMIT, digest="d" * 64)
ORIGIN = Origin(source="mine.yaml", line=1, column=1)


def _finding(id_: str, hazard: Hazard, severity: Severity = Severity.MEDIUM) -> Finding:
    return Finding(
        id=id_,
        check=id_.rpartition("/")[0],
        title="t",
        message="m",
        severity=severity,
        confidence=Confidence.HIGH,
        strength=Strength.MEASURED,
        hazard=hazard,
        mend="m",
    )


def _result(
    check: str,
    *findings: Finding,
    status: Status = Status.PASS,
    facts: Mapping[str, FactValue] | None = None,
    declared: tuple[str, ...] | None = None,
) -> CheckResult:
    names = tuple(facts or ()) if declared is None else declared
    description = CheckDescription(
        id=check, title="t", version=1, looks_at="l", why="w", cannot_see="c", mend="m", rules=(), facts=names
    )
    return CheckResult(check=description, status=status, findings=findings, facts=facts or {})


def _waiver(finding: str, *, subject: str = f"hf://acme/model@{COMMIT}", **days: date) -> Waiver:
    return Waiver(
        finding=finding,
        subject=subject,
        reason="r",
        approver="a",
        created=days.get("created", date(2026, 11, 1)),
        expires=days.get("expires", date(2026, 12, 31)),
        ticket="",
        origin=ORIGIN,
    )


GOOD_FACTS: dict[str, FactValue] = {
    "source.scheme": "hf",
    "source.pinned": True,
    "bytes.hub": "match",
    "publisher.trusted": True,
}


def _good(*extra: CheckResult, without: str = "", facts: Mapping[str, FactValue] = GOOD_FACTS) -> Evidence:
    """Every required check passed; the first of them sets the facts of a well-kept model."""
    required = load().required
    results = [_result(name, facts=facts if name == required[0] else {}) for name in required if name != without]
    return Evidence(results=(*results, *extra))


def _with_waivers(*waivers: Waiver) -> Policy:
    from dataclasses import replace

    return replace(load(), waivers=waivers)


def _decide(evidence: Evidence, policy: Policy | None = None):  # type: ignore[no-untyped-def]
    return decide(evidence, policy or load(), subject=SUBJECT, now=NOW)


def test_a_well_kept_model_is_allowed_and_the_decision_says_why() -> None:
    decision = _decide(_good())
    assert (decision.action, decision.row) == (Action.ALLOW, "known-good")
    assert decision.because.startswith("pinned, bytes verified, publisher trusted")
    assert "bytes.hub is match" in next(row.because for row in decision.rows if row.row == "known-good")
    assert decision.policy_name == "default"
    assert decision.policy_digest == load().digest
    assert decision.required == load().required
    assert [row.row for row in decision.rows] == [row.slug for row in load().rows]
    assert all(row.because for row in decision.rows)
    assert decision.laws == ()


def test_nothing_known_is_escalated() -> None:
    decision = _decide(Evidence(results=()))
    assert (decision.action, decision.row) == (Action.ESCALATE, "required-unknown")
    assert decision.facts["checks.required_unknown"] == load().required


@pytest.mark.parametrize("status", [Status.UNKNOWN, None])
def test_a_required_check_that_is_unknown_or_absent_is_escalated(status: Status | None) -> None:
    extra = (_result("files/structure", status=status),) if status else ()
    decision = _decide(_good(*extra, without="files/structure"))
    assert (decision.action, decision.row) == (Action.ESCALATE, "required-unknown")
    assert decision.facts["checks.required_unknown"] == ("files/structure",)


@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL, Status.NOT_APPLICABLE])
def test_a_required_check_that_ended_otherwise_is_known(status: Status) -> None:
    decision = _decide(_good(_result("files/structure", status=status), without="files/structure"))
    assert decision.action is Action.ALLOW


def test_of_two_results_of_a_required_check_the_unknown_one_counts() -> None:
    decision = _decide(_good(_result("files/structure", status=Status.UNKNOWN)))
    assert decision.row == "required-unknown"


def test_an_optional_check_that_is_unknown_is_audited() -> None:
    decision = _decide(_good(_result("files/coverage", status=Status.UNKNOWN)))
    assert (decision.action, decision.row) == (Action.AUDIT, "unknown")


@pytest.mark.parametrize(
    ("hazard", "action", "row"),
    [
        (Hazard.TAMPERED, Action.DISCARD, "bytes-differ"),
        (Hazard.PAYLOAD, Action.DISCARD, "payload"),
        (Hazard.IMPLANT, Action.DISCARD, "graph-implant"),
        (Hazard.DENIED, Action.DISCARD, "denied"),
        (Hazard.SUSPICIOUS, Action.ESCALATE, "suspicious"),
        (Hazard.UNPROVEN, Action.AUDIT, "adapter-unproven"),
        (Hazard.UNVERIFIED, Action.AUDIT, "unverified"),
        (Hazard.NONE, Action.AUDIT, "otherwise"),
    ],
)
def test_each_hazard_has_its_row(hazard: Hazard, action: Action, row: str) -> None:
    decision = _decide(_good(_result("x/y", _finding("x/y/z", hazard))))
    assert (decision.action, decision.row) == (action, row)


def test_derived_facts_describe_open_findings() -> None:
    findings = (
        _finding("x/y/b", Hazard.SUSPICIOUS, Severity.HIGH),
        _finding("x/y/a", Hazard.NONE, Severity.LOW),
        _finding("x/y/a", Hazard.NONE, Severity.INFO),
    )
    policy = _with_waivers(_waiver("x/y/b"))
    facts = _decide(_good(_result("x/y", *findings)), policy).facts
    assert facts["findings.ids"] == ("x/y/a",)
    assert facts["findings.waived"] == ("x/y/b",)
    assert facts["findings.hazards"] == ()
    assert facts["findings.severity"] == 2


@pytest.mark.parametrize(
    ("facts", "declared", "missing"),
    [
        ({"bytes.hub": "mismach"}, None, "bytes.hub"),
        ({"bytes.hub": 3}, None, "bytes.hub"),
        ({"source.pinned": 1}, None, "source.pinned"),
        ({"source.pinned": True}, (), "source.pinned"),
        ({"publisher.trusted": float("nan")}, None, "publisher.trusted"),
        ({"findings.severity": 0}, None, "findings.severity"),
        ({"checks.required_unknown": ()}, None, "checks.required_unknown"),
        ({"lineage.bases": ("\ud800",)}, None, "lineage.bases"),
        ({"source.pinned": False}, None, "source.pinned"),
    ],
)
def test_a_check_that_breaks_its_contract_leaves_the_fact_missing(
    facts: dict[str, FactValue], declared: tuple[str, ...] | None, missing: str
) -> None:
    """The last case is two checks that disagree."""
    decision = _decide(_good(_result("x/y", facts=facts, declared=declared)))
    assert missing not in decision.facts
    assert "x/y" in decision.facts["checks.unknown"]  # type: ignore[operator]
    mentioned = [row for row in decision.rows if missing in row.when]
    assert all(row.state is RowState.INDETERMINATE for row in mentioned)
    assert all("x/y: " in row.because for row in mentioned)
    assert decision.action.rank >= (Action.ESCALATE if mentioned else Action.AUDIT).rank


def test_a_fact_outside_the_vocabulary_makes_its_check_unknown() -> None:
    decision = _decide(_good(_result("files/structure", facts={"my.fact": True}), without="files/structure"))
    assert decision.row == "required-unknown"
    assert "my.fact" not in decision.facts


def test_checks_may_agree() -> None:
    assert _decide(_good(_result("x/y", facts={"source.pinned": True}))).action is Action.ALLOW


def test_an_indeterminate_row_below_the_one_that_holds_counts_too(write: Callable[..., Path]) -> None:
    policy = load(
        write(
            "required: [x/y]\nrows:\n  - {row: a, when: source.pinned, action: audit}\n"
            "  - {row: b, when: 'repo.age_days > 3', action: audit}\n  - {row: c, when: true, action: audit}\n"
        )
    )
    facts = complete({"source.pinned": True})
    assert decide_facts(facts, policy).row == "a"
    del facts["repo.age_days"]
    decision = decide_facts(facts, policy)
    assert (decision.action, decision.row) == (Action.ESCALATE, "law:indeterminate")
    assert "repo.age_days is missing" in decision.because
    assert len(decision.laws) == 1


def test_a_stricter_row_stands_though_another_is_indeterminate() -> None:
    facts = complete({"findings.hazards": ["payload"]})
    del facts["remedy.exists"]
    decision = decide_facts(facts, load())
    assert (decision.action, decision.row) == (Action.DISCARD, "payload")


class TestWaivers:
    """What a waiver can lift, and for whom."""

    EVIDENCE = _good(
        _result("provenance/history", _finding("provenance/revision/unpinned", Hazard.UNVERIFIED)),
        facts={**GOOD_FACTS, "source.pinned": False},
    )

    def test_without_it_the_finding_counts(self) -> None:
        assert _decide(self.EVIDENCE).row == "unverified"

    @pytest.mark.parametrize("subject", [f"hf://acme/model@{COMMIT}", "sha256:" + "d" * 64])
    def test_it_lifts_the_finding_from_its_subject(self, subject: str) -> None:
        decision = _decide(self.EVIDENCE, _with_waivers(_waiver("provenance/revision/unpinned", subject=subject)))
        assert (decision.action, decision.row) == (Action.ALLOW, "known-good")
        assert [(use.state, use.note) for use in decision.waivers] == [(WaiverState.USED, "")]

    @pytest.mark.parametrize(
        "subject",
        [
            f"hf://acme/model@{'e' * 40}",
            f"hf://acme/other@{COMMIT}",
            f"hf://Acme/model@{COMMIT}",
            "sha256:" + "e" * 64,
        ],
    )
    def test_it_concerns_no_other_subject(self, subject: str) -> None:
        decision = _decide(self.EVIDENCE, _with_waivers(_waiver("provenance/revision/unpinned", subject=subject)))
        assert decision.row == "unverified"
        assert decision.waivers == ()

    def test_an_artifact_without_commit_or_digest_has_no_waivers(self) -> None:
        waivers = (_waiver("provenance/revision/unpinned", subject="sha256:" + "d" * 64),)
        decision = decide(
            self.EVIDENCE, _with_waivers(*waivers), subject=SubjectKey(reference="hf://acme/model"), now=NOW
        )
        assert decision.row == "unverified"

    @pytest.mark.parametrize(
        ("created", "expires", "state", "note", "row"),
        [
            (date(2026, 9, 1), date(2026, 11, 22), WaiverState.EXPIRED, "EXPIRED 1 day ago", "unverified"),
            (date(2026, 9, 1), date(2026, 11, 23), WaiverState.USED, "expires today", "known-good"),
            (date(2026, 9, 1), date(2026, 11, 24), WaiverState.USED, "expires in 1 day", "known-good"),
            (date(2026, 9, 1), date(2026, 12, 7), WaiverState.USED, "expires in 14 days", "known-good"),
            (date(2026, 9, 1), date(2026, 12, 8), WaiverState.USED, "", "known-good"),
            (date(2026, 11, 24), date(2026, 12, 8), WaiverState.UNUSED, "counts only from 2026-11-24", "unverified"),
            (date(2026, 11, 23), date(2026, 12, 8), WaiverState.USED, "", "known-good"),
        ],
    )
    def test_it_counts_from_its_first_day_to_its_last(
        self, created: date, expires: date, state: WaiverState, note: str, row: str
    ) -> None:
        waiver = _waiver("provenance/revision/unpinned", created=created, expires=expires)
        decision = _decide(self.EVIDENCE, _with_waivers(waiver))
        assert decision.row == row
        assert [(use.state, use.note) for use in decision.waivers] == [(state, note)]

    def test_days_are_counted_in_utc(self) -> None:
        from datetime import timedelta, timezone

        waiver = _waiver("provenance/revision/unpinned", expires=date(2026, 11, 22))
        late_there = datetime(2026, 11, 22, 20, tzinfo=timezone(-timedelta(hours=5)))
        decision = decide(self.EVIDENCE, _with_waivers(waiver), subject=SUBJECT, now=late_there)
        assert decision.waivers[0].state is WaiverState.EXPIRED
        with pytest.raises(ValueError, match="time zone"):
            decide(self.EVIDENCE, load(), subject=SUBJECT, now=datetime(2026, 11, 22))

    def test_one_that_matches_no_finding_is_printed_as_unused(self) -> None:
        decision = _decide(_good(), _with_waivers(_waiver("provenance/revision/unpinned")))
        assert decision.waivers[0].state is WaiverState.UNUSED
        assert decision.facts["findings.waived"] == ()

    def test_it_lifts_the_exact_id_alone(self) -> None:
        decision = _decide(self.EVIDENCE, _with_waivers(_waiver("provenance/revision/unpinne")))
        assert decision.row == "unverified"

    @pytest.mark.parametrize("hazard", [Hazard.TAMPERED, Hazard.PAYLOAD])
    def test_tampering_and_payloads_cannot_be_waived(self, hazard: Hazard) -> None:
        decision = _decide(_good(_result("x/y", _finding("x/y/z", hazard))), _with_waivers(_waiver("x/y/z")))
        assert decision.action is Action.DISCARD
        assert decision.waivers[0].state is WaiverState.REFUSED
        assert hazard.value in decision.waivers[0].note
        assert decision.facts["findings.ids"] == ("x/y/z",)


@pytest.mark.parametrize("given_facts", [{"byts.hub": "match"}, {"bytes.hub": "mis"}, {"source.pinned": None}])
def test_hand_written_facts_are_checked(given_facts: dict[str, object]) -> None:
    with pytest.raises(FactError):
        explain(load(), given_facts)


def test_hand_written_lists_are_taken() -> None:
    assert explain(load(), {"findings.hazards": ["payload"]}).row == "payload"


def test_a_table_made_by_hand_in_which_no_row_holds_is_escalated() -> None:
    from dataclasses import replace

    assert decide_facts(complete({}), replace(load(), rows=())).action is Action.ESCALATE
    decision = decide_facts(complete({}), replace(load(), rows=load().rows[:3]))
    assert (decision.action, decision.row) == (Action.ESCALATE, "law:no-row")
