"""Laws of reported failures in the table: each cause's row, and no remedy counts for bytes that it did not give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.decision import Action, Decision
from gatekeeper.evidence import CheckDescription, CheckResult, Evidence, Status
from gatekeeper.policy import VOCABULARY, SubjectKey, decide, load
from gatekeeper.policy.incidents import INCIDENT, facts_of
from gatekeeper.remedy import Cause, Remedy
from tests.support import remedies
from tests.support.attestation_strategy import of

POLICY = load()
NOW = datetime(2026, 11, 23, tzinfo=UTC)
GOOD: dict[str, Any] = {"source.pinned": True, "bytes.hub": "match", "publisher.trusted": True}


def result(check: str, **facts: Any) -> CheckResult:
    described = CheckDescription(
        id=check, title="", version=1, looks_at="", why="", cannot_see="", mend="", rules=(), facts=tuple(facts)
    )
    return CheckResult(check=described, status=Status.PASS, facts=facts)


SEEN = Evidence(results=(*(result(name) for name in POLICY.required), result("more", **GOOD)))


def decided(remedy: Remedy | None, digest: str = remedies.PARENT, seen: Evidence = SEEN) -> Decision:
    return decide(seen, POLICY, subject=SubjectKey(reference="x", digest=digest), now=NOW, remedy=remedy)


@pytest.mark.parametrize(
    ("remedy", "digest", "action", "row"),
    [
        (None, remedies.PARENT, Action.ALLOW, "known-good"),
        (remedies.diagnosed(), remedies.PARENT, Action.PATCH, "failure-content"),
        (remedies.failed(passes_left=2), remedies.PARENT, Action.PATCH, "remedy-again"),
        (remedies.failed(), remedies.PARENT, Action.ESCALATE, "remedy-exhausted"),
        (remedies.verified(), remedies.PATCHED, Action.ALLOW, "remedy-verified"),
        *(
            (remedies.other(cause), remedies.PARENT, Action.ESCALATE, "failure-other")
            for cause in Cause
        ),
    ],
)  # fmt: skip
def test_every_state_has_its_row(remedy: Remedy | None, digest: str, action: Action, row: str) -> None:
    decision = decided(remedy, digest)
    assert (decision.action, decision.row) == (action, row)


@pytest.mark.parametrize("digest", [remedies.PARENT, "0" * 64, ""])
def test_a_verified_remedy_counts_for_the_patched_bytes_alone(digest: str) -> None:
    decision = decided(remedies.verified(), digest)
    assert decision.facts["remedy.verified"] is False
    assert decision.action is not Action.ALLOW


@given(of(Remedy), st.sampled_from([remedies.PARENT, remedies.PATCHED, ""]))
def test_nothing_that_a_remedy_says_gets_past_the_law(remedy: Remedy, digest: str) -> None:
    decision = decided(remedy, digest)
    if decision.action is Action.ALLOW:
        assert remedy.passes
        assert remedy.verified
        assert remedy.patched_digest == digest != ""


@pytest.mark.parametrize("name", [fact.name for fact in VOCABULARY if fact.set_by == INCIDENT])
def test_no_check_may_speak_of_failures(name: str) -> None:
    defaults = {fact.name: fact.default for fact in VOCABULARY}
    seen = Evidence(results=(*SEEN.results, result("liar", **{name: defaults[name]})))
    decision = decided(None, seen=seen)
    assert name not in decision.facts
    assert decision.action is Action.ESCALATE


def test_the_facts_are_those_of_the_vocabulary() -> None:
    assert set(facts_of(remedies.verified(), "")) == {fact.name for fact in VOCABULARY if fact.set_by == INCIDENT}
    assert facts_of(None, "") == {}
