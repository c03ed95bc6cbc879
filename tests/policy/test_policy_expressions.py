"""Conditions: what loads is typed and meaningful, and what can't be evaluated never counts as an answer."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.decision import RowState
from gatekeeper.policy.engine import compile_source
from gatekeeper.policy.expressions import ExpressionError, compile_condition
from gatekeeper.policy.facts import BY_NAME, VOCABULARY, Fact, FactType
from gatekeeper.policy.syntax import SyntaxTreeError, read

FACTS: dict[str, Any] = {fact.name: fact.default for fact in VOCABULARY}


@pytest.mark.parametrize(
    ("source", "offset", "message", "hint"),
    [
        ("byts.hub == 'match'", 0, "unknown fact `byts.hub`", "`bytes.hub`"),
        ("source.pinned && bytes.hbu == 'match'", 17, "unknown fact `bytes.hbu`", "`bytes.hub`"),
        ("true ||\n  source.pined", 10, "unknown fact `source.pined`", "`source.pinned`"),
        ("'é😀' == 'é' && zzz", 15, "unknown fact `zzz`", "policy facts"),
        ("publisher.name.startswith('a')", 15, "unknown function `startswith`", ""),
        ("nope(source.pinned)", 0, "unknown function `nope`", ""),
        ("findings.severity == 'high'", 18, "no matching overload", ""),
        ("bytes.hub > 3", 10, "no matching overload", ""),
        ("findings.hazards.exists(h, h == 3)", 29, "no matching overload", ""),
        ("findings.severity", 0, "gives int where bool is needed", ""),
        ("dyn(true)", 0, "bool is needed", ""),
        ("dyn(bytes.hub) == 3", 3, "`dyn`", ""),
        ("source.pinned && has(bytes.hub)", 17, "`has`", ""),
        ("source.pinned ||", 16, "Syntax error", ""),
        ("", 0, "Syntax error", ""),
        ("\x00", 0, "Syntax error", ""),
        ("\ud800", 0, "not valid text", ""),
        ("bytes.hub == 'mismach'", 13, "can never be", "`mismatch`"),
        ("bytes.hub != 'mismach'", 13, "can never be", "`mismatch`"),
        ("'mismach' == bytes.hub", 0, "can never be", "`mismatch`"),
        ("bytes.hub in ['match', 'unlised']", 23, "can never be", "`unlisted`"),
        ("source.pinned && !('tamperd' in findings.hazards)", 19, "can never be", "`tampered`"),
        ("publisher.name.matches('(')", 0, "fails when nothing is known", ""),
        ("1 / findings.severity == 1", 0, "divide by zero", ""),
        ("findings.ids[0] == 'x'", 0, "fails when nothing is known", ""),
        ("(" * 200 + "true" + ")" * 200, 0, "recursion", ""),
        ("1" + "+1" * 900 + " == 1", 0, "recursion", ""),
    ],
)
def test_mistakes_are_found_when_it_loads(source: str, offset: int, message: str, hint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_condition(source)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.offset == offset


def test_ids_are_compared_with_those_that_are_known() -> None:
    known = {"findings.waived": frozenset({"provenance/revision/unpinned"})}
    compile_condition("'provenance/revision/unpinned' in findings.waived", known)
    compile_condition("'any/thing/goes' in findings.waived")
    with pytest.raises(ExpressionError, match="can never be") as caught:
        compile_condition("'provenance/revision/unpined' in findings.waived", known)
    assert "unpinned" in caught.value.hint


@pytest.mark.parametrize(
    "source",
    [
        "'has(x)' == publisher.name",
        'publisher.name == "it\'s // no comment, dyn(1)"',
        "source.pinned // has(x)",
        ".bytes.hub == 'match'",
        "findings.ids.exists(id, id.startsWith('a/'))",
        "[1, 2].all(findings, findings > 0) && findings.severity > 2",
        "bytes.hub == 'match' ? source.pinned : false",
        "publisher.name.matches('^a+$')",
    ],
)
def test_honest_expressions_load(source: str) -> None:
    compile_condition(source)


def test_a_missing_fact_is_not_hidden_by_the_rest() -> None:
    condition = compile_condition("source.pinned || bytes.hub == 'match'")
    facts = {"source.pinned": True}
    state, because = condition.evaluate(facts, {"bytes.hub": "two checks disagree"})
    assert state is RowState.INDETERMINATE
    assert because == "bytes.hub is missing: two checks disagree"
    state, _ = condition.evaluate({**FACTS, **facts})
    assert state is RowState.HOLDS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source.pinned", 1),
        ("source.pinned", "true"),
        ("source.pinned", None),
        ("findings.severity", True),
        ("findings.severity", 1.0),
        ("findings.severity", math.nan),
        ("findings.severity", 2**63),
        ("bytes.hub", "mismach"),
        ("bytes.hub", ("match",)),
        ("publisher.name", b"x"),
        ("publisher.name", "\ud800"),
        ("findings.hazards", ["tampered"]),
        ("findings.hazards", "tampered"),
        ("findings.hazards", ("invented",)),
        ("findings.ids", (1,)),
        ("findings.ids", ("\udfff",)),
    ],
)
def test_a_value_that_does_not_fit_is_indeterminate(name: str, value: object) -> None:
    comparison = {
        FactType.BOOL: name,
        FactType.INT: f"{name} > 0",
        FactType.STRING: f"{name} == ''",
        FactType.LIST: f"size({name}) > 0",
    }[BY_NAME[name].type]
    if BY_NAME[name].values and BY_NAME[name].type is FactType.STRING:
        comparison = f"{name} == '{BY_NAME[name].values[0]}'"
    state, because = compile_condition(f"true || {comparison}").evaluate({**FACTS, name: value})  # type: ignore[dict-item]
    assert state is RowState.INDETERMINATE
    assert name in because


def test_errors_and_runaways_of_the_engine_are_indeterminate() -> None:
    division = compile_condition("findings.severity == 3 && 1 / (findings.severity - 3) == 1")
    state, because = division.evaluate({**FACTS, "findings.severity": 3})
    assert state is RowState.INDETERMINATE
    assert "divide by zero" in because
    ids = tuple(f"a/b/{number}" for number in range(1000))
    nested = compile_condition("findings.ids.all(a, findings.ids.all(b, findings.ids.all(c, a != 'x')))")
    state, because = nested.evaluate({**FACTS, "findings.ids": ids})
    assert state is RowState.INDETERMINATE
    assert "budget" in because


def test_an_error_of_the_engine_is_a_truthy_value_which_is_why_its_type_is_tested() -> None:
    from cel_expr_python import cel

    environment = cel.NewEnv(variables={"x": cel.Type.INT})
    result = environment.compile("1 / x == 1").eval(data={"x": 0})
    assert result.type() == cel.Type.ERROR
    assert result.value()


@pytest.mark.parametrize(
    ("source", "facts", "because"),
    [
        ("true", {}, "always"),
        ("1 > 2", {}, "never"),
        ("bytes.hub == 'match' && 'tampered' in findings.hazards", {"bytes.hub": "match"},
         "no `tampered` in findings.hazards"),
        ("bytes.hub == 'match' || 'tampered' in findings.hazards", {},
         "bytes.hub is unknown; no `tampered` in findings.hazards"),
        ("source.pinned || bytes.hub == 'match'", {"bytes.hub": "match"}, "bytes.hub is match"),
        ("!(source.pinned && publisher.trusted)", {"source.pinned": True}, "publisher.trusted is false"),
        ("!('unverified' in findings.hazards)", {"findings.hazards": ("unverified",)},
         "`unverified` in findings.hazards"),
        ("size(checks.unknown) > 0", {"checks.unknown": ("a/b", "c/d")}, "checks.unknown is a/b, c/d"),
        ("publisher.name == 'x'", {"publisher.name": "\x1b[31mevil\u202e"},
         "publisher.name is \\u001b[31mevil\\u202e"),
        ("source.pinned || (findings.severity > 0 && 1 / findings.severity > 0)", {"source.pinned": True},
         "source.pinned is true"),
    ],
)  # fmt: skip
def test_the_reason_names_the_facts_that_decided(source: str, facts: dict[str, Any], because: str) -> None:
    assert compile_condition(source).evaluate({**FACTS, **facts})[1] == because


def test_reasons_are_bounded() -> None:
    condition = compile_condition("size(findings.ids) > 0")
    _, because = condition.evaluate({**FACTS, "findings.ids": tuple(f"a/b/{n}" for n in range(10_000))})
    assert len(because) < 200


def _fitting(fact: Fact) -> st.SearchStrategy[Any]:
    if fact.type is FactType.BOOL:
        return st.booleans()
    if fact.type is FactType.INT:
        return st.integers(-(2**63), 2**63 - 1)
    words = st.sampled_from(fact.values) if fact.values else st.text(max_size=10).filter(str.isprintable)
    return words if fact.type is FactType.STRING else st.lists(words, max_size=3).map(tuple)


ATOMS = st.sampled_from(
    [
        "source.pinned",
        "bytes.hub == 'match'",
        "bytes.lock != 'none'",
        "findings.severity >= 3",
        "'payload' in findings.hazards",
        "size(checks.unknown) > 0",
        "true",
    ]
)
CONDITIONS = st.recursive(
    ATOMS,
    lambda below: st.one_of(
        st.tuples(below, st.sampled_from(["&&", "||"]), below).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        below.map(lambda source: f"!({source})"),
    ),
    max_leaves=8,
)


@given(source=CONDITIONS, data=st.data())
def test_with_all_facts_there_is_an_answer_and_its_reason_agrees(source: str, data: st.DataObject) -> None:
    condition = compile_condition(source)
    facts = {**FACTS, **{name: data.draw(_fitting(BY_NAME[name])) for name in condition.facts}}
    state, because = condition.evaluate(facts)
    assert state in {RowState.HOLDS, RowState.FAILS}
    assert because
    names = {name for name in condition.facts if name in because}
    # Changing a fact that the reason does not name can't change the answer.
    for name in set(condition.facts) - names:
        other = {**facts, name: data.draw(_fitting(BY_NAME[name]))}
        assert condition.evaluate(other)[0] is state


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_an_expression_error(source: str) -> None:
    problem = None
    try:
        compile_condition(source)
    except ExpressionError as error:
        problem = error
    assert problem is None or 0 <= problem.offset <= len(source)


def test_the_tree_names_facts_inside_loops_and_branches() -> None:
    source = "findings.ids.exists(id, id in findings.waived) ? source.pinned : publisher.trusted"
    condition = compile_condition(source)
    assert condition.facts == ("findings.ids", "findings.waived", "publisher.trusted", "source.pinned")


@given(st.binary(max_size=80))
def test_bytes_that_are_no_tree_are_refused(data: bytes) -> None:
    with pytest.raises(SyntaxTreeError):
        read(data)


def test_a_tree_that_is_cut_short_is_refused() -> None:
    from gatekeeper.policy.engine import _environment

    whole = _environment().compile("source.pinned && bytes.hub == 'match'").serialize()
    assert read(whole).root.function == compile_source("source.pinned && true").tree.root.function
    for length in range(0, len(whole), 7):
        with pytest.raises(SyntaxTreeError):
            read(whole[:length])
