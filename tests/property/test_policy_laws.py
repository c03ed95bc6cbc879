"""The laws, tried to be broken: by arbitrary facts, tables, findings and waivers."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gatekeeper.decision import Action, RowState, WaiverState
from gatekeeper.errors import PolicyError
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
from gatekeeper.policy import Policy, SubjectKey, Waiver, decide, decide_facts, load
from gatekeeper.policy.expressions import compile_condition
from gatekeeper.policy.facts import DERIVED, VOCABULARY, Fact, FactType
from gatekeeper.policy.laws import UNWAIVABLE, check_table
from gatekeeper.policy.policy import Origin, Row

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
COMMIT, DIGEST = "c" * 40, "d" * 64
SUBJECT = SubjectKey(reference="hf://acme/model@main", commit=COMMIT, digest=DIGEST)
ORIGIN = Origin(source="made", line=1, column=1)
DEFAULT = load()
STRICT = load("strict")
IDS = (
    "provenance/revision/unpinned",
    "provenance/publisher/unlisted",
    "files/scanners/payload",
    "files/structure/broken",
    "onnx/taint/implant",
)
CHECKS = (*DEFAULT.required, "files/coverage", "provenance/licence")

CONDITIONS = [
    compile_condition(source)
    for source in (
        "true",
        "false",
        "source.pinned",
        "bytes.hub == 'match'",
        "bytes.hub != 'mismatch' || remedy.verified",
        "'payload' in findings.hazards",
        "!('tampered' in findings.hazards)",
        "findings.severity < 3",
        "1 / (findings.severity + 1) == 1",
        "repo.age_days > 30 && signature.trusted",
        "size(checks.required_unknown) > 0",
        "findings.waived.exists(id, id.startsWith('files/'))",
        "failure.reported && !remedy.exists",
    )
]


def _value(fact: Fact) -> st.SearchStrategy[Any]:
    if fact.type is FactType.BOOL:
        return st.booleans()
    if fact.type is FactType.INT:
        return st.integers(-5, 400)
    words = st.sampled_from(fact.values) if fact.values else st.sampled_from(IDS + CHECKS)
    return words if fact.type is FactType.STRING else st.lists(words, max_size=3, unique=True).map(sorted).map(tuple)


FACTS = st.fixed_dictionaries({}, optional={fact.name: _value(fact) for fact in VOCABULARY})
"""Facts of which some are missing."""

STRANGE = st.sampled_from([None, float("nan"), 2**70, "\ud800", b"x", ["tampered"], (1,), {}, "mismach", 1, True])
"""Values that fit no fact, or only some."""

ROWS = st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(list(Action))), max_size=6).map(
    lambda rows: tuple(
        Row(slug=f"r{index}", condition=condition, action=action, ask="", origin=ORIGIN)
        for index, (condition, action) in enumerate(rows)
    )
)
WAIVERS = st.lists(
    st.builds(
        Waiver,
        finding=st.sampled_from(IDS),
        subject=st.sampled_from([f"hf://acme/model@{COMMIT}", f"sha256:{DIGEST}", f"hf://acme/other@{COMMIT}"]),
        reason=st.just("r"),
        approver=st.just("a"),
        created=st.integers(-60, 5).map(lambda days: date(2026, 11, 23) + timedelta(days=days)),
        expires=st.integers(-5, 60).map(lambda days: date(2026, 11, 23) + timedelta(days=days)),
        ticket=st.just(""),
        origin=st.just(ORIGIN),
    ),
    max_size=4,
).map(tuple)
FINDINGS = st.builds(
    Finding,
    id=st.sampled_from(IDS),
    check=st.just("x/y"),
    title=st.just("t"),
    message=st.just("m"),
    severity=st.sampled_from(list(Severity)),
    confidence=st.just(Confidence.HIGH),
    strength=st.just(Strength.MEASURED),
    hazard=st.sampled_from(list(Hazard)),
    mend=st.just("m"),
)


def _result(check: str, status: Status, findings: list[Finding], facts: dict[str, Any]) -> CheckResult:
    description = CheckDescription(
        id=check, title="t", version=1, looks_at="l", why="w", cannot_see="c", mend="m", rules=(), facts=tuple(facts)
    )
    return CheckResult(check=description, status=status, findings=tuple(findings), facts=facts)


SET_BY_CHECKS = [fact for fact in VOCABULARY if fact.set_by != DERIVED]
RESULTS = st.builds(
    _result,
    st.sampled_from(CHECKS),
    st.sampled_from(list(Status)),
    st.lists(FINDINGS, max_size=2),
    st.fixed_dictionaries({}, optional={fact.name: _value(fact) for fact in SET_BY_CHECKS}),
)
GOOD = {"source.pinned": True, "bytes.hub": "match", "publisher.trusted": True, "source.scheme": "hf"}
WELL_KEPT = [_result(name, Status.PASS, [], GOOD if name == CHECKS[0] else {}) for name in DEFAULT.required]
EVIDENCE = st.one_of(
    st.lists(RESULTS, max_size=5),
    # Close to being allowed: that is where a law can be broken.
    st.lists(RESULTS.map(lambda result: replace(result, facts={})), max_size=2).map(lambda more: WELL_KEPT + more),
).map(lambda results: Evidence(results=tuple(results)))
POLICIES = st.one_of(
    st.sampled_from([DEFAULT, STRICT]),
    ROWS.map(lambda rows: replace(DEFAULT, rows=rows)),
    st.just(
        replace(DEFAULT, rows=(Row(slug="all", condition=CONDITIONS[0], action=Action.ALLOW, ask="", origin=ORIGIN),))
    ),
)
"""Built-in tables, tables that no file could bring in, and one that allows everything."""


def _decide(evidence: Evidence, policy: Policy) -> Any:
    return decide(evidence, policy, subject=SUBJECT, now=NOW)


@given(evidence=EVIDENCE, policy=POLICIES, waivers=WAIVERS)
def test_no_policy_and_no_waiver_breaks_a_law(evidence: Evidence, policy: Policy, waivers: tuple[Waiver, ...]) -> None:
    decision = _decide(evidence, replace(policy, waivers=waivers))
    hazards = {finding.hazard for finding in evidence.findings}
    facts = decision.facts
    if (
        hazards & UNWAIVABLE
        or facts.get("bytes.hub", "mismatch") == "mismatch"
        or facts.get("bytes.lock", "mismatch") == "mismatch"
        or facts.get("signature.status", "invalid") == "invalid"
        or any(row.state is RowState.INDETERMINATE for row in decision.rows)
    ):
        assert decision.action.rank >= Action.ESCALATE.rank
    ran = {result.check.id for result in evidence.results}
    unknown = {result.check.id for result in evidence.results if result.status is Status.UNKNOWN}
    if set(policy.required) - ran or set(policy.required) & unknown:
        assert decision.action is not Action.ALLOW
    if facts.get("remedy.exists", True) and not facts.get("remedy.verified", False):
        assert decision.action is not Action.ALLOW
    assert not {finding.hazard for finding in evidence.findings if finding.id in facts["findings.waived"]} & UNWAIVABLE


@given(evidence=EVIDENCE, policy=POLICIES, waivers=WAIVERS)
def test_every_evidence_gets_an_action_and_always_the_same(
    evidence: Evidence, policy: Policy, waivers: tuple[Waiver, ...]
) -> None:
    policy = replace(policy, waivers=waivers)
    decision = _decide(evidence, policy)
    assert decision.action in Action
    assert decision.because
    assert decision == _decide(evidence, policy)
    holding = [row for row in decision.rows if row.state is RowState.HOLDS]
    if decision.laws:
        assert decision.row.startswith("law:")
        assert decision.action is Action.ESCALATE
    elif holding:
        assert (decision.row, decision.action) == (holding[0].row, holding[0].action)


@given(facts=FACTS, policy=POLICIES)
def test_a_fact_that_is_missing_is_never_taken_for_good_news(facts: dict[str, Any], policy: Policy) -> None:
    decision = decide_facts(facts, policy)
    needed = {"bytes.hub", "bytes.lock", "signature.status", "findings.hazards"}
    if needed - set(facts):
        assert decision.action.rank >= Action.ESCALATE.rank
    if {"checks.required_unknown", "remedy.exists"} - set(facts):
        assert decision.action is not Action.ALLOW or facts.get("remedy.verified")
    if "checks.required_unknown" not in facts:
        assert decision.action is not Action.ALLOW


@given(
    facts=st.fixed_dictionaries({fact.name: _value(fact) for fact in VOCABULARY}),
    name=st.sampled_from([fact.name for fact in VOCABULARY]),
    value=STRANGE,
)
def test_a_strange_value_never_makes_the_default_milder_than_escalate(
    facts: dict[str, Any], name: str, value: Any
) -> None:
    from gatekeeper.policy.facts import BY_NAME, misfit

    assume(misfit(BY_NAME[name], value))
    mentioned = {fact for row in DEFAULT.rows for fact in row.condition.facts}
    decision = decide_facts({**facts, name: value}, DEFAULT)
    if name in mentioned:
        assert decision.action.rank >= Action.ESCALATE.rank


@given(evidence=EVIDENCE, waivers=WAIVERS, forbidden=FINDINGS, hazard=st.sampled_from(sorted(UNWAIVABLE)))
def test_waiving_tampering_or_a_payload_changes_nothing(
    evidence: Evidence, waivers: tuple[Waiver, ...], forbidden: Finding, hazard: Hazard
) -> None:
    bad = _result("x/y", Status.FAIL, [replace(forbidden, hazard=hazard)], {})
    evidence = Evidence(results=(*evidence.results, bad))
    waiver = Waiver(
        finding=forbidden.id,
        subject=f"sha256:{DIGEST}",
        reason="r",
        approver="a",
        created=date(2026, 11, 1),
        expires=date(2026, 12, 1),
        ticket="",
        origin=ORIGIN,
    )
    before = _decide(evidence, replace(DEFAULT, waivers=waivers))
    after = _decide(evidence, replace(DEFAULT, waivers=(*waivers, waiver)))
    assert (after.action, after.row, after.facts) == (before.action, before.row, before.facts)
    assert after.waivers[-1].state is WaiverState.REFUSED


@given(evidence=EVIDENCE, more=st.lists(FINDINGS, min_size=1, max_size=2), policy=st.sampled_from([DEFAULT, STRICT]))
def test_another_finding_never_makes_a_built_in_policy_milder(
    evidence: Evidence, more: list[Finding], policy: Policy
) -> None:
    worse = Evidence(results=(*evidence.results, _result("x/y", Status.FAIL, more, {})))
    assert _decide(worse, policy).action.rank >= _decide(evidence, policy).action.rank


@given(evidence=EVIDENCE, policy=st.sampled_from([DEFAULT, STRICT]), check=st.sampled_from(CHECKS))
def test_not_knowing_never_makes_a_built_in_policy_milder(evidence: Evidence, policy: Policy, check: str) -> None:
    worse = Evidence(results=(*evidence.results, _result(check, Status.UNKNOWN, [], {})))
    better = Evidence(results=(*evidence.results, _result(check, Status.PASS, [], {})))
    assert _decide(worse, policy).action.rank >= _decide(better, policy).action.rank


@given(rows=ROWS)
@settings(max_examples=300)
def test_a_table_that_loads_tries_every_other_row_before_it_allows(rows: tuple[Row, ...]) -> None:
    assume(rows)
    actions = [row.action for row in rows]
    orderly = (
        rows[-1].when == "true"
        and actions[-1] is not Action.ALLOW
        and all(above is not Action.ALLOW or below is Action.ALLOW for above, below in pairwise(actions[:-1]))
    )
    try:
        check_table(rows)
    except PolicyError:
        assert not orderly
    else:
        assert orderly
