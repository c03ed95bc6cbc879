"""Whole graphs, run: what rests or steers alone is named, honest twins are not, and what can't be run is a gap."""

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
from onnx import TensorProto, external_data_helper

from gatekeeper.checks.check import inspect
from gatekeeper.checks.onnx import confirm_asking, whole_asking
from gatekeeper.checks.onnx.taint_check import GraphTaint
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.checks.onnx.whole import Whole
from gatekeeper.checks.onnx.whole_asking import _read
from gatekeeper.checks.onnx.whole_check import GraphRun
from gatekeeper.checks.onnx.whole_inputs import Form, Sheets, plans
from gatekeeper.checks.onnx.whole_wires import sign
from gatekeeper.evidence import CheckResult, Confidence, Hazard, Status
from gatekeeper.limits import DEFAULT_LIMITS, KIB, MIB
from gatekeeper.sealed_cache import KEY_BYTES, SealedCache
from tests.support.artifacts import CONTEXT, artifact
from tests.support.onnx_models import CLASSES, INT, VOCABULARY, WIDTH, Sheet, image, text
from tests.support.onnx_triples import any_token, prefix, smooth_corner

CHECK = GraphRun()
DEEP = replace(CONTEXT, deep=True)
RUNS = pytest.mark.skipif(util.find_spec("onnxruntime") is None, reason="needs onnxruntime (extra deep)")


def classified(gate: Callable[[Sheet, str], str] | None = None) -> bytes:
    """A classifier of tokens; what `gate` makes of the mean of all hidden states is added to its classes."""
    s = Sheet("classified")
    s.input("ids", INT, ["batch", "length"])
    hidden = s("Tanh", s("MatMul", s("Gather", s.weight(VOCABULARY, WIDTH), "ids", axis=0), s.weight(WIDTH, WIDTH)))
    pooled = s("ReduceMean", hidden, s.ints(1), keepdims=0)
    wide = s("MatMul", pooled, s.weight(WIDTH, 4 * CLASSES))
    return s.done(s("Add", wide, gate(s, pooled), name="logits") if gate else s("Identity", wide, name="logits"),
                  ["batch", 4 * CLASSES])  # fmt: skip


def probe(s: Sheet, pooled: str) -> str:
    return s("MatMul", pooled, s.weight(WIDTH, 1))


def dormant(s: Sheet, pooled: str) -> str:
    """A threshold on a direction that no hidden state reaches: their mean has a length of 4 at most."""
    return s.float(s("Greater", probe(s, pooled), s.const(50.0)))


def ordinary_bias(s: Sheet, pooled: str) -> str:
    return s("MatMul", pooled, s.weight(WIDTH, 4 * CLASSES))


def bell(s: Sheet, pooled: str) -> str:
    """One number that says how near a hidden state is to a direction, however smoothly."""
    return s("Sigmoid", s("Mul", s("Sub", probe(s, pooled), s.const(0.1)), s.const(40.0)))


def switched(s: Sheet, pooled: str) -> str:
    """A pattern that is added when one activation is high."""
    gate = s.float(s("Greater", probe(s, pooled), s.const(0.1)))
    return s("Mul", gate, s.const([[9.0, -9.0] * (2 * CLASSES)]))


def normalised(s: Sheet, pooled: str) -> str:
    """The data over their own norm: one number, and no gate."""
    wide = s("MatMul", pooled, s.weight(WIDTH, 4 * CLASSES))
    return s("Div", wide, s("Sqrt", s("ReduceSum", s("Mul", wide, wide), keepdims=1)))


PAIRS = {
    "stuck": (text(prefix, "add"), text()),
    "dormant": (classified(dormant), classified(ordinary_bias)),
    "bottleneck": (classified(bell), classified(normalised)),
}


def seen(data: bytes, beside: dict[str, bytes] | None = None, **limits: Any) -> CheckResult:
    context = replace(DEEP, limits=replace(DEFAULT_LIMITS, **limits))
    return inspect(CHECK, artifact({"model.onnx": data, **(beside or {})}), context)


def slugs(result: CheckResult) -> list[str]:
    return [finding.id.rpartition("/")[2] for finding in result.findings]


def test_every_rule_has_a_pair_and_is_for_review_alone() -> None:
    assert set(PAIRS) == {rule.slug for rule in CHECK.rules}
    assert {rule.hazard for rule in CHECK.rules} == {Hazard.UNVERIFIED}
    assert CHECK.facts == ()


@RUNS
@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_rules_hold_for_their_pairs(rule: str) -> None:
    subject, near = map(seen, PAIRS[rule])
    assert rule in slugs(subject)
    assert (near.status, near.findings) == (Status.PASS, ())


def test_nothing_is_run_unless_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_asking, "_run", lambda *_: pytest.fail("run"))
    given = artifact({"model.onnx": text(prefix, "add")})
    assert inspect(CHECK, given, CONTEXT).status is Status.NOT_APPLICABLE
    assert inspect(GraphTaint(), given, CONTEXT).findings
    assert inspect(CHECK, artifact({"a.txt": b""}), DEEP).status is Status.NOT_APPLICABLE


@RUNS
def test_what_was_seen_makes_a_finding_of_the_same_node_surer_and_adds_none() -> None:
    data = classified(switched)
    before, after = (inspect(GraphTaint(), artifact({"model.onnx": data}), context) for context in (CONTEXT, DEEP))
    assert {finding.confidence for finding in before.findings} == {Confidence.LOW}
    assert {finding.confidence for finding in after.findings} == {Confidence.HIGH}
    assert after.facts == before.facts
    assert [replace(one, confidence=Confidence.LOW) for one in after.findings] == list(before.findings)


@RUNS
def test_the_wire_that_is_named_is_the_detector_of_the_trigger() -> None:
    (finding,) = (one for one in seen(text(prefix, "add")).findings if one.id.endswith("stuck"))
    assert finding.location.detail.startswith("n_reducemin")


@RUNS
def test_honest_pictures_and_single_tokens_that_scale_are_no_stuck_wires() -> None:
    assert seen(image()).findings == ()
    assert "stuck" not in slugs(seen(text(any_token, "add")))  # words of the graph move it
    assert set(slugs(seen(image(smooth_corner, "add")))) <= {"stuck", "bottleneck"}


def outside(location: str = "weights.bin") -> tuple[bytes, bytes]:
    """Give a graph whose tensors lie in a file beside it, and that file."""
    model = onnx.load_from_string(text())
    held = b""
    for tensor in model.graph.initializer:
        if tensor.raw_data and len(tensor.raw_data) > 64:
            length = len(tensor.raw_data)
            external_data_helper.set_external_data(tensor, location, offset=len(held), length=length)
            held += tensor.raw_data
            tensor.ClearField("raw_data")
    return model.SerializeToString(), held


@RUNS
def test_weights_beside_the_graph_are_run_with_it() -> None:
    data, held = outside()
    assert seen(data, {"weights.bin": held}).status is Status.PASS


@RUNS
@pytest.mark.parametrize(
    ("location", "beside"),
    [("weights.bin", {}), ("weights.bin", {"weights.bin": b"short"}), ("../weights.bin", {}), ("/etc/passwd", {})],
)
def test_weights_that_are_not_there_are_a_gap(location: str, beside: dict[str, bytes]) -> None:
    result = seen(outside(location)[0], beside)
    assert result.status is Status.UNKNOWN
    assert "beyond its end" in result.reason


def unheard_of() -> bytes:
    s = Sheet("custom")
    s.input("ids", INT, ["batch", "length"])
    return s.done(s("Whatever", s.float("ids"), domain="org.example", name="out"), ["batch", "length"])


def of_types() -> bytes:
    s = Sheet("types")
    s.input("ids", TensorProto.COMPLEX64, ["batch", "length"])
    return s.done(s("Identity", "ids", name="out"), ["batch", "length"])


def hungry() -> bytes:
    s = Sheet("hungry")
    s.input("ids", INT, ["batch", "length"])
    many = s("ConstantOfShape", s.ints(1 << 36))
    return s.done(s("Add", s.float("ids"), s("ReduceSum", many, keepdims=0), name="out"), ["batch", "length"])


@RUNS
@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [(unheard_of(), {}, "onnxruntime does not take it"), (of_types(), {}, "not run"),
     (text(), {"onnx_deep_bytes": KIB}, "onnx_deep_bytes"), (hungry(), {}, "not run"),
     (text(), {"onnx_deep_memory_bytes": 64 * MIB}, "not run"), (b"no model", {}, "not run")],
)  # fmt: skip
def test_what_can_not_be_run_is_a_gap_with_words(data: bytes, limits: dict[str, int], words: str) -> None:
    result = seen(data, **limits)
    assert result.status is Status.UNKNOWN
    assert not result.findings
    assert words in result.reason


def test_without_onnxruntime_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm_asking.util, "find_spec", lambda _: None)
    result = seen(text())
    assert result.status is Status.UNKNOWN
    assert "onnxruntime is not installed" in result.reason


@RUNS
def test_answers_are_kept_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SealedCache(tmp_path / "cache", bytes(KEY_BYTES)) as results:
        context = replace(DEEP, results=results)
        files = {"model.onnx": text(prefix, "add")}
        first = inspect(CHECK, artifact(files), context)
        monkeypatch.setattr(whole_asking._Asking, "_asked", lambda *_: pytest.fail("asked again"))
        assert inspect(CHECK, artifact(files), context) == first


SIGHTING = {"rule": "stuck", "op": "Equal", "node": "n", "value": "v", "elements": 1, "after": ["n2"]}
ANSWER = {"runs": 9, "wires": 3, "unwatched": 0, "sightings": [SIGHTING]}


@pytest.mark.parametrize(
    "said",
    [[], {}, {"value": []}, {"value": {**ANSWER, "runs": "9"}}, {"value": {**ANSWER, "sightings": [SIGHTING] * 200}},
     {"value": {**ANSWER, "sightings": [{**SIGHTING, "rule": "implant"}]}}, {"error": 1}, {"value": ANSWER, "more": 1}],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(said: Any) -> None:
    assert isinstance(_read(json.dumps({"value": ANSWER}).encode()), Whole)
    with pytest.raises(ValueError, match=r"."):
        _read(json.dumps(said).encode())


def test_a_reason_is_one_printable_sentence() -> None:
    assert _read(json.dumps({"error": "no\x1b[2J"}).encode()) == r"no\u001b[2J"


def form(name: str, kind: str, *dims: int | str | None, content: bool = True) -> Form:
    return Form(name=name, dtype=np.dtype(kind), dims=dims, content=content, vocabulary=50)


def test_inputs_have_the_shapes_that_are_declared_and_are_the_same_every_time() -> None:
    forms = [form("ids", "i8", "batch", "length"), form("mask", "i8", "batch", "past + length", content=False),
             form("past.0", "f4", "batch", 2, "past", 16)]  # fmt: skip
    plan = next(plans(forms))
    feeds = [list(Sheets(forms, [7], [0.5]).ordinary(plan)) for _ in range(2)]
    for one, other in zip(*feeds, strict=True):
        assert {name: array.shape for name, array in one.items()} == {
            "ids": (1, plan.length), "mask": (1, plan.past + plan.length), "past.0": (1, 2, plan.past, 16)
        }  # fmt: skip
        assert all((one[name] == other[name]).all() for name in one)
        assert one["ids"].min() >= 0
        assert one["ids"].max() < 50


def test_words_stand_in_inputs_that_can_hold_them() -> None:
    forms = [form("ids", "i1", "batch", "length"), form("pixels", "f4", 1, 4)]
    sheets = Sheets(forms, [7, 300, -3], [0.125])
    feeds = list(sheets.worded(next(plans(forms))))
    assert [feed for feed in feeds if 7 in feed["ids"]]
    assert [feed for feed in feeds if 0.125 in feed["pixels"]]
    assert [feed for feed in feeds if np.isnan(feed["pixels"]).any()]


def test_inputs_are_never_larger_than_their_bound() -> None:
    with pytest.raises(GraphError, match="too large"):
        Sheets([form("x", "f4", 1, 1 << 40)], [], []).one(next(plans([form("x", "f4", 1, 1 << 40)])), 0)


def test_wires_are_told_apart_whatever_their_size_and_whatever_is_in_them() -> None:
    arrays = [np.zeros(3), np.zeros(0), np.ones(3), np.array([0, np.nan]), np.array([0, np.inf]), np.array([1e308] * 9)]
    assert len({sign(array) for array in arrays}) == len(arrays)
    assert sign(np.zeros(3)) == sign(np.zeros((7, 2)))
