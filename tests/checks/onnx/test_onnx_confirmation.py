"""Detectors run by themselves: what fires is the trigger, what can't be run is said, and findings stay as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from gatekeeper.checks.check import inspect
from gatekeeper.checks.onnx import confirm_asking, read_graph, suspicions
from gatekeeper.checks.onnx.cone import Cones
from gatekeeper.checks.onnx.confirm_asking import _read
from gatekeeper.checks.onnx.confirm_check import GraphConfirmation
from gatekeeper.checks.onnx.confirm_cut import Cut, cut, wire_name
from gatekeeper.checks.onnx.confirm_words import words_of
from gatekeeper.checks.onnx.taint import Taint
from gatekeeper.checks.onnx.taint_check import GraphTaint
from gatekeeper.checks.onnx.tracing import trace
from gatekeeper.checks.onnx.triggers import judged
from gatekeeper.evidence import CheckResult, Hazard, Severity, Status
from gatekeeper.limits import DEFAULT_LIMITS, MIB
from gatekeeper.sealed_cache import KEY_BYTES, SealedCache
from tests.support.artifacts import CONTEXT, artifact, look
from tests.support.onnx_models import INT, TRIGGER, VOCABULARY, WIDTH, Sheet, text
from tests.support.onnx_triples import NAMES, any_token, in_loop, narrow_table, prefix, triple

CHECK = GraphConfirmation()
RUNS = pytest.mark.skipif(util.find_spec("onnxruntime") is None, reason="needs onnxruntime (extra deep)")
LOOPS = {"loop"}


def detector(data: bytes) -> tuple[Taint, Cut]:
    taint = trace(read_graph(data))
    (meeting, _), *_ = judged(taint)
    found = cut(taint, Cones(taint), meeting)
    assert found is not None
    return taint, found


def counts_tokens() -> bytes:
    """The share of one token scales what the layers compute: a way that honest models have as well."""
    s = Sheet("share")
    s.input("ids", INT, ["batch", "length"])
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0)
    share = s("ReduceMean", s.float(s("Greater", "ids", s.ints(7))), s.ints(1))
    return s.done(s("Mul", hidden, s("Unsqueeze", share, s.ints(2)), name="logits"), ["batch", "length", WIDTH])


def hidden_hash(s: Sheet) -> str:
    """A condition that no constant of the graph leads to."""
    mixed = s("Mod", s("ReduceSum", s("Mul", s("Mul", "ids", "ids"), s.ints(48271)), s.ints(1)), s.ints(2147483647))
    return s.float(s("Equal", mixed, s.ints(1234567)))


PAIRS = {
    "fires": (text(prefix, "add"), text(hidden_hash, "add")),
    "unmoved": (text(hidden_hash, "add"), text(prefix, "add")),
    "not-run": (text(in_loop, "branch"), text(prefix, "branch")),
}


def slugs(result: CheckResult) -> list[str]:
    return [finding.id.rpartition("/")[2] for finding in result.findings]


def test_every_rule_has_a_pair_and_moves_no_row() -> None:
    assert set(PAIRS) == {rule.slug for rule in CHECK.rules}
    assert {(rule.severity, rule.hazard) for rule in CHECK.rules} == {(Severity.INFO, Hazard.NONE)}
    assert CHECK.facts == ()


@RUNS
@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_rules_hold_for_their_pairs(rule: str) -> None:
    subject, near = PAIRS[rule]
    assert rule in slugs(look(CHECK, {"model.onnx": subject}))
    assert rule not in slugs(look(CHECK, {"model.onnx": near}))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LOOPS])
def test_a_detector_computes_what_it_computes_in_its_graph(name: str) -> None:
    made = triple(name)
    taint, found = detector(made.implanted)
    names = [taint.graph.values[value].name for value in found.inputs]
    alone = ReferenceEvaluator(onnx.load_from_string(found.model))
    gate = found.wires.index(found.gates[0][0])
    feeds = (made.usual, made.triggered)
    usual, fired = (
        alone.run(None, {wire_name(value): feed[one] for value, one in zip(found.inputs, names, strict=True)})[gate]
        for feed in feeds
    )
    assert usual.shape != fired.shape or not np.allclose(usual, fired)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LOOPS])
def test_a_detector_holds_no_weights_and_no_name_of_the_file(name: str) -> None:
    taint, found = detector(triple(name).implanted)
    model = onnx.load_from_string(found.model)
    assert sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer) <= VOCABULARY + 64
    values = {value.name for value in taint.graph.values}
    told = {name for node in model.graph.node for name in (*node.input, *node.output) if name}
    assert not told & values


def test_rows_of_a_table_that_stand_out_are_words() -> None:
    taint, found = detector(text(narrow_table, "add"))
    assert set(TRIGGER) <= set(words_of(taint.graph, found.nodes).whole)


@RUNS
@pytest.mark.parametrize("name", [name for name in NAMES if name not in LOOPS])
def test_what_fires_in_the_graph_fires_by_itself_every_time_the_same(name: str) -> None:
    from gatekeeper.checks.onnx.confirm import confirmations

    graph = read_graph(triple(name).implanted)
    found = confirmations(graph)
    assert [one.suspicion for one in found] == list(range(len(suspicions(graph))))
    assert all(one.fires for one in found)
    assert confirmations(graph) == found


@RUNS
def test_the_input_that_is_named_has_the_trigger_and_nothing_else_of_it() -> None:
    from gatekeeper.checks.onnx.confirm import confirmations

    numbers = {}
    for mark in (any_token, prefix):
        (found,) = confirmations(read_graph(text(mark, "add")))
        numbers[mark] = [int(number) for number in found.witness.partition(": ")[2].split(", ")]
    assert numbers[prefix][:2] == list(TRIGGER)
    assert TRIGGER[0] in numbers[any_token]
    assert TRIGGER[1] not in numbers[any_token]
    assert all(0 < number < VOCABULARY for numbers in numbers.values() for number in numbers)


@RUNS
def test_a_gate_that_moves_with_every_input_is_not_said_to_rest() -> None:
    from gatekeeper.checks.onnx.confirm import confirmations

    found = confirmations(read_graph(counts_tokens()))
    assert not any(one.fires for one in found)


@RUNS
def test_the_search_ends_at_its_limit() -> None:
    from gatekeeper.checks.onnx.confirm import confirmations

    (found,) = confirmations(read_graph(PAIRS["unmoved"][0]), replace(DEFAULT_LIMITS, onnx_confirm_runs=40))
    assert not found.fires
    assert found.ordinary + found.tried <= 41


@RUNS
def test_a_child_that_is_stopped_is_a_gap_and_no_answer() -> None:
    result = look(CHECK, {"model.onnx": text(prefix, "add")}, onnx_confirm_memory_bytes=64 * MIB)
    assert result.status is Status.UNKNOWN
    assert not result.findings
    assert "the detectors' child" in result.reason


def huge(s: Sheet) -> str:
    """Asks for more memory than there is as soon as it runs."""
    many = s("ConstantOfShape", s.ints(1 << 34))
    mark = prefix(s)
    return s("Add", mark, s("ReduceSum", s("Mul", many, s("ReduceMax", mark, keepdims=0)), keepdims=0))


@RUNS
def test_a_detector_that_wants_too_much_memory_is_no_traceback() -> None:
    result = look(CHECK, {"model.onnx": text(huge, "add")})
    assert "fires" not in slugs(result)
    assert slugs(result) or result.gaps


@RUNS
def test_findings_of_the_taint_rule_stay_as_they_are() -> None:
    files = {"model.onnx": text(prefix, "add")}
    before = look(GraphTaint(), files)
    look(CHECK, files)
    assert look(GraphTaint(), files) == before


@RUNS
def test_answers_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SealedCache(tmp_path / "cache", bytes(KEY_BYTES)) as results:
        context = replace(CONTEXT, results=results)
        given = artifact({"model.onnx": text(prefix, "add")})
        first = inspect(CHECK, given, context)
        monkeypatch.setattr(confirm_asking.Server, "run", lambda *_: pytest.fail("asked again"))
        assert inspect(CHECK, given, context) == first


def test_without_onnxruntime_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm_asking.util, "find_spec", lambda _: None)
    result = look(CHECK, {"model.onnx": text(prefix, "add")})
    assert result.status is Status.NOT_APPLICABLE
    assert "onnxruntime is not installed" in result.reason


def test_it_has_nothing_to_do_where_nothing_was_found() -> None:
    result = look(CHECK, {"model.onnx": text()})
    assert (result.status, result.reason) == (Status.NOT_APPLICABLE, "onnx/taint found nothing that could be run")


ANSWER = {"suspicion": 0, "fires": True, "ordinary": 1, "tried": 1, "witness": "", "untried": ""}
Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    "change",
    [lambda one: [], lambda one: [one, one], lambda one: one, lambda one: [{**one, "suspicion": 1}],
     lambda one: [{**one, "fires": 1}], lambda one: [{**one, "witness": "w" * 10_000}], lambda one: [{"fires": True}]],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(change: Change) -> None:
    found = suspicions(read_graph(text(prefix, "add")))
    assert len(found) == 1
    assert _read("m", found, json.dumps([ANSWER]).encode()).answers
    with pytest.raises(ValueError, match=r"."):
        _read("m", found, json.dumps(change(ANSWER)).encode())


def computed_token(s: Sheet) -> str:
    """The number of the token stands nowhere in the file."""
    token = s("Add", s("Mul", s.ints(6), s.ints(10)), s.ints(1))
    return s("ReduceMax", s.float(s("Equal", "ids", token)), s.ints(1))


def in_half(s: Sheet) -> str:
    half = s("Cast", s("Equal", "ids", s.ints(TRIGGER[0])), to=onnx.TensorProto.FLOAT16)
    return s.float(s("ReduceMax", s("Mul", half, s.const(1.5, np.float16)), s.ints(1)))


@RUNS
@pytest.mark.parametrize("mark", [computed_token, in_half])
def test_words_that_are_computed_and_half_precision_are_run(mark: Callable[[Sheet], str]) -> None:
    from gatekeeper.checks.onnx.confirm import confirmations

    assert all(one.fires for one in confirmations(read_graph(text(mark, "add"))))
