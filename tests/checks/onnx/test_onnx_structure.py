"""Hygiene of ONNX files: what no exporter writes is told by its own rule, and what exporters write is not."""

from __future__ import annotations

import onnx
import pytest
from onnx import TensorProto, helper

from gatekeeper.checks.onnx.problems import MOST_OF_A_KIND, Structure, Tally
from gatekeeper.checks.onnx.structure import examine
from gatekeeper.checks.onnx.structure_external import escapes
from gatekeeper.checks.onnx.structure_rules import RULES
from tests.support.onnx_changes import CASES, Change, F, made_twice, metadata, model, node, overlapping, place, texts


def examined(change: Change | None = None) -> Structure:
    made = model()
    if change:
        change(made)
    data = made.SerializeToString()
    return examine(onnx.ModelProto.FromString(data), data)


def slugs(change: Change | None = None) -> set[str]:
    return {problem.slug for problem in examined(change).problems}


def test_what_an_exporter_writes_has_no_problem() -> None:
    structure = examined()
    assert structure == Structure(exporter="tests")


@pytest.mark.parametrize(("slug", "change"), CASES, ids=lambda case: case if isinstance(case, str) else "")
def test_each_deviation_has_its_rule(slug: str, change: Change) -> None:
    found = slugs(change)
    assert slug in found
    assert found <= {rule.slug for rule in RULES}


def all_rules_by_name() -> set[str]:
    of_neighbours = {"external-bounds", "external-missing", "external-itself", "external-checksum"}
    return {rule.slug for rule in RULES} - of_neighbours - {"name-text", "unnamed-fields"}


def test_every_rule_has_a_case() -> None:
    assert {slug for slug, _ in CASES} == all_rules_by_name()


HONEST: tuple[Change, ...] = (
    place(location="model.onnx_data", offset=4096, length=16),
    place(location="weights/w.bin"),
    place(location="..hidden/w..bin"),
    node("FastGelu", "com.microsoft"),
    node("SimplifiedLayerNormalization", inputs=("x", "w")),
    node("Conv", "com.microsoft.nchwc", inputs=("x", "w")),
    metadata("names", "{0: 'pole (wood)', 1: 'a for b in c', 2: \"lambda (greek)\"}"),
    metadata("imgsz", "(640, 640)"),
    metadata("licence", "call model.eval() first, then evaluate (see the paper)"),
    texts("an ordinary word"),
    lambda made: made.graph.input.append(helper.make_tensor_value_info("w", F, [4])),  # as before IR version 4
)


@pytest.mark.parametrize("change", HONEST)
def test_what_lies_near_is_no_problem(change: Change) -> None:
    assert slugs(change) <= {"checker"}


def test_tied_weights_share_all_their_bytes() -> None:
    def tied(made: onnx.ModelProto) -> None:
        overlapping(made)
        made.graph.initializer[2].external_data[1].value = "0"

    structure = examined(tied)
    assert not structure.problems
    assert [(loose.location, loose.end, loose.tensors) for loose in structure.loose] == [("w.bin", 16, 2)]


@pytest.mark.parametrize("dtype", sorted(set(TensorProto.DataType.values()) - {0, TensorProto.STRING}))
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_sizes_agree_with_the_helper_for_every_type(dtype: int, count: int) -> None:
    """What the `onnx` package itself writes for a type is of the right size, in `raw_data` as in the type's field."""
    import numpy as np
    from onnx import numpy_helper

    def change(made: onnx.ModelProto) -> None:
        values = np.zeros(count, dtype=helper.tensor_dtype_to_np_dtype(dtype))
        made.graph.initializer.append(numpy_helper.from_array(values, "raw"))
        made.graph.initializer.append(helper.make_tensor("listed", dtype, [count], values.tolist()))
        assert made.graph.initializer[2].data_type == dtype

    assert slugs(change) <= {"unused", "checker"}


def test_names_that_are_no_text_are_told() -> None:
    data = model().SerializeToString().replace(b"shifted", b"\xff\xfeifted")
    found = {problem.slug for problem in examine(onnx.ModelProto.FromString(data), data).problems}
    assert "name-text" in found


def test_bytes_that_no_field_holds_are_told() -> None:
    data = model().SerializeToString()
    hidden = b"\xfa\x07" + b"\x80\x40" + bytes(8192)  # field 127, 8192 bytes
    parsed = onnx.ModelProto.FromString(data + hidden)
    assert {problem.slug for problem in examine(parsed, data + hidden).problems} == {"unnamed-fields"}
    assert not examine(onnx.ModelProto.FromString(data), data).problems


def test_bytes_that_are_replaced_are_told() -> None:
    data = b"\x12\x80\x40" + b"x" * 8192 + model().SerializeToString()  # a name of the producer, before the last one
    parsed = onnx.ModelProto.FromString(data)
    assert parsed.producer_name == "tests"
    assert {problem.slug for problem in examine(parsed, data).problems} == {"unnamed-fields"}


def test_operators_from_the_future_are_not_judged() -> None:
    def change(made: onnx.ModelProto) -> None:
        made.opset_import[0].version = 10_000
        made.ir_version = 1_000

    assert len(examined(change).unjudged) == 2


def test_no_kind_crowds_out_another() -> None:
    def change(made: onnx.ModelProto) -> None:
        for number in range(50):
            made.graph.node.append(helper.make_node("Relu", [f"nobody{number}"], [f"out{number}"]))
        made_twice(made)

    problems = examined(change).problems
    assert sum(problem.slug == "unmade-value" for problem in problems) == MOST_OF_A_KIND
    assert any("(and 45 more like it)" in problem.message for problem in problems)
    assert any(problem.slug == "name-twice" for problem in problems)


def test_hostile_text_is_made_visible() -> None:
    def change(made: onnx.ModelProto) -> None:
        made.graph.node[1].input[1] = "\x1b[31m‮evil"

    message = next(problem.message for problem in examined(change).problems if problem.slug == "unmade-value")
    assert message.isprintable()


def test_a_tally_of_nothing_has_no_problems() -> None:
    assert Tally().problems() == ()


def test_a_plain_place_leads_nowhere_else() -> None:
    assert not escapes("model.onnx.data")
    assert not escapes("./part/onnx__MatMul_12")
