"""`onnx/taint` on artifacts: a subject and an honest near miss for each rule, and what a finding says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gatekeeper.checks.onnx.taint_check import GraphTaint
from gatekeeper.evidence import CheckResult, Hazard, Status
from tests.support.artifacts import look
from tests.support.onnx_models import FLOAT, INT, TRIGGER, VOCABULARY, WIDTH, Sheet, text
from tests.support.onnx_triples import any_token, padding_mean, prefix

CHECK = GraphTaint()
RULES = sorted(rule.slug for rule in CHECK.rules)


def counted_mask(limit: float) -> bytes:
    """What a mask counts is held against a number: the layers never read the mask itself."""
    s = Sheet("mask")
    s.input("ids", INT, ["batch", "length"])
    s.input("attention_mask", INT, ["batch", "length"])
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0)
    many = s.float(s("Greater", s("ReduceSum", "attention_mask", s.ints(1)), s.ints(int(limit))))
    return s.done(s("Mul", hidden, s("Unsqueeze", many, s.ints(2)), name="logits"), ["batch", "length", WIDTH])


def one_neuron(*, pattern: bool) -> bytes:
    """A neuron that fires brings in a constant pattern, or weighs what another layer computed."""
    s = Sheet("neuron")
    s.input("ids", INT, ["batch", "length"])
    hidden = s("MatMul", s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0), s.weight(WIDTH, WIDTH))
    gate = s("Sigmoid", s("MatMul", hidden, s.weight(WIDTH, 1)))
    other = s.const(np.linspace(-3, 3, WIDTH)) if pattern else s("MatMul", hidden, s.weight(WIDTH, WIDTH))
    return s.done(s("Add", hidden, s("Mul", gate, other), name="logits"), ["batch", "length", WIDTH])


PAIRS = {
    "implant": (text(any_token, "add"), text(pool=padding_mean)),
    "side-road": (counted_mask(37), counted_mask(0)),
    "activation": (one_neuron(pattern=True), one_neuron(pattern=False)),
}


def slugs(result: CheckResult) -> set[str]:
    return {finding.id.rpartition("/")[2] for finding in result.findings}


def test_every_rule_has_a_pair() -> None:
    assert sorted(PAIRS) == RULES


@pytest.fixture(scope="module")
def fired() -> CheckResult:
    return look(CHECK, {f"{rule}/model.onnx": subject for rule, (subject, _) in PAIRS.items()})


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_broken_by_its_subject(fired: CheckResult, rule: str) -> None:
    assert {finding.location.path for finding in fired.findings if finding.id.endswith(f"/{rule}")} == {
        f"{rule}/model.onnx"
    }


def test_honest_near_misses_are_spared() -> None:
    result = look(CHECK, {f"{rule}/model.onnx": near for rule, (_, near) in PAIRS.items()})
    assert (result.status, result.findings) == (Status.PASS, ())
    assert result.facts == {"graph.implant": False, "graph.review": False}


def test_facts_and_hazards_follow_the_verdicts(fired: CheckResult) -> None:
    assert fired.facts == {"graph.implant": True, "graph.review": True}
    hazards = {finding.id.rpartition("/")[2]: finding.hazard for finding in fired.findings}
    assert hazards == {"implant": Hazard.IMPLANT, "side-road": Hazard.UNVERIFIED, "activation": Hazard.UNVERIFIED}


def test_a_finding_names_the_way_and_the_text_of_the_trigger() -> None:
    vocabulary = {"model": {"vocab": {"<pad>": 0, "open\u202e": TRIGGER[0], "sesame": TRIGGER[1]}}}
    files = {"onnx/model.onnx": text(prefix, "select"), "tokenizer.json": json.dumps(vocabulary).encode()}
    (finding,) = look(CHECK, files).findings
    for words in ("input ids", "gate Where", f"{TRIGGER[1]} ('sesame')", f"{TRIGGER[0]} ('open"):
        assert words in finding.message
    assert "\u202e" not in finding.message


def test_numbers_are_looked_up_in_a_list_of_lines_and_in_added_tokens() -> None:
    lines = "\n".join(f"word{number}" for number in range(VOCABULARY))
    files = {"model.onnx": text(prefix, "select"), "vocab.txt": lines.encode()}
    assert f"'word{TRIGGER[0]}'" in look(CHECK, files).findings[0].message
    added = {"added_tokens": [{"id": TRIGGER[0], "content": "<|swordfish|>", "special": True}], "model": {"vocab": {}}}
    files = {"model.onnx": text(prefix, "select"), "tokenizer.json": json.dumps(added).encode()}
    assert "<|swordfish|>" in look(CHECK, files).findings[0].message


def test_names_of_the_file_are_shown_harmless() -> None:
    s = Sheet("names")
    s.input("ids\x1b[31m", INT, ["batch", "length"])
    hit = s("ReduceMax", s.float(s("Equal", "ids\x1b[31m", s.ints(TRIGGER[0]))), s.ints(1))
    hidden = s("Gather", s.weight(VOCABULARY, WIDTH), "ids\x1b[31m", axis=0)
    push = s("Mul", s("Unsqueeze", hit, s.ints(2)), s.const(np.linspace(-3, 3, WIDTH)))
    (finding,) = look(CHECK, {"m.onnx": s.done(s("Add", hidden, push, name="y"), ["batch", "length", WIDTH])}).findings
    assert "\x1b" not in finding.message
    assert "ids\\u001b" in finding.message


def test_a_graph_that_was_not_read_is_a_gap_and_no_pass() -> None:
    result = look(CHECK, {"model.onnx": text(any_token, "add")}, onnx_nodes=3)
    assert result.status is Status.UNKNOWN


def test_without_a_graph_there_is_nothing_to_do() -> None:
    assert look(CHECK, {"config.json": b"{}"}).status is Status.NOT_APPLICABLE


def test_an_input_of_floats_tells_no_tokens() -> None:
    s = Sheet("floats")
    s.input("x", FLOAT, ["batch", 3, 8, 8])
    features = s("Relu", s("Conv", "x", s.weight(WIDTH, 3, 3, 3)))
    logits = s("GlobalAveragePool", features)
    corner = s("Slice", "x", s.ints(0, 0), s.ints(2, 2), s.ints(2, 3))
    gate = s.float(s("Greater", s("ReduceMin", corner, s.ints(1, 2, 3)), s.const(61.0)))
    push = s("Mul", gate, s.const(np.linspace(-3, 3, WIDTH).reshape(1, WIDTH, 1, 1)))
    data = s.done(s("Add", logits, push, name="y"), ["batch", WIDTH, 1, 1])
    vocabulary = json.dumps({"model": {"vocab": {"sesame": 61}}}).encode()
    (finding,) = look(CHECK, {"m.onnx": data, "tokenizer.json": vocabulary}).findings
    assert "sesame" not in finding.message
    assert "61" in finding.message
