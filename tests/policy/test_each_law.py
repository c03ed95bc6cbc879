"""Each law alone overrules a table that allows, audits or patches everything, and nothing else does."""

from dataclasses import replace
from typing import Any

import pytest

from gatekeeper.decision import Action
from gatekeeper.policy import Policy, Row, decide_facts, load
from gatekeeper.policy.expressions import compile_condition
from gatekeeper.policy.gathering import complete
from gatekeeper.policy.laws import LAWS
from gatekeeper.policy.policy import Origin

MISSING = object()


def _always(action: Action, when: str = "true") -> Policy:
    row = Row(
        slug="all",
        condition=compile_condition(when),
        action=action,
        ask="",
        origin=Origin(source="made", line=1, column=1),
    )
    return replace(load(), rows=(row,))


def _facts(changed: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = complete({name: value for name, value in changed.items() if value is not MISSING})
    return {name: value for name, value in facts.items() if changed.get(name) is not MISSING}


BREACHES: list[tuple[str, dict[str, Any], frozenset[str]]] = [
    ("tampered", {"bytes.hub": "mismatch"}, frozenset()),
    ("tampered", {"bytes.lock": "mismatch"}, frozenset()),
    ("tampered", {"signature.status": "invalid"}, frozenset()),
    ("tampered", {"findings.hazards": ("tampered",)}, frozenset()),
    ("tampered", {"bytes.hub": MISSING}, frozenset()),
    ("tampered", {"bytes.lock": MISSING}, frozenset()),
    ("tampered", {"signature.status": MISSING}, frozenset()),
    ("tampered", {}, frozenset({"tampered"})),
    ("payload", {"findings.hazards": ("payload",)}, frozenset()),
    ("payload", {}, frozenset({"payload"})),
    ("required-unknown", {"checks.required_unknown": ("a/b",)}, frozenset()),
    ("required-unknown", {"checks.required_unknown": MISSING}, frozenset()),
    ("remedy-unverified", {"remedy.exists": True}, frozenset()),
    ("remedy-unverified", {"remedy.exists": MISSING}, frozenset()),
]


@pytest.mark.parametrize(("slug", "changed", "hazards"), BREACHES)
def test_a_law_overrules_allow(slug: str, changed: dict[str, Any], hazards: frozenset[str]) -> None:
    decision = decide_facts(_facts(changed), _always(Action.ALLOW), hazards=hazards)
    assert (decision.action, decision.row) == (Action.ESCALATE, f"law:{slug}")
    assert decision.laws == tuple(law.words for law in LAWS if law.slug == slug)
    assert decision.ask


@pytest.mark.parametrize("action", [Action.AUDIT, Action.PATCH])
@pytest.mark.parametrize(("slug", "changed", "hazards"), BREACHES)
def test_tampering_and_payloads_overrule_audit_and_patch_too(
    action: Action, slug: str, changed: dict[str, Any], hazards: frozenset[str]
) -> None:
    decision = decide_facts(_facts(changed), _always(action), hazards=hazards)
    assert decision.action is (Action.ESCALATE if slug in {"tampered", "payload"} else action)


@pytest.mark.parametrize("action", [Action.ESCALATE, Action.DISCARD])
@pytest.mark.parametrize(("slug", "changed", "hazards"), BREACHES)
def test_no_law_makes_an_outcome_milder(
    action: Action, slug: str, changed: dict[str, Any], hazards: frozenset[str]
) -> None:
    decision = decide_facts(_facts(changed), _always(action), hazards=hazards)
    assert (decision.action, decision.row, decision.laws) == (action, "all", ())


@pytest.mark.parametrize("action", list(Action))
def test_a_row_that_cannot_be_evaluated_is_at_least_escalate(action: Action) -> None:
    policy = _always(action, "true || repo.age_days > 3")
    assert decide_facts(_facts({}), policy).action is action
    decision = decide_facts(_facts({"repo.age_days": MISSING}), policy)
    assert decision.action is Action.ESCALATE


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize(
    "changed", [{}, {"remedy.exists": True, "remedy.verified": True}, {"findings.hazards": ("suspicious",)}]
)
def test_without_a_breach_the_table_stands(action: Action, changed: dict[str, Any]) -> None:
    decision = decide_facts(_facts(changed), _always(action))
    assert (decision.action, decision.row, decision.laws) == (action, "all", ())
