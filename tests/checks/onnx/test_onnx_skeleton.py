"""A skeleton is the same graph without its weights, and nobody can forge what was left out."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from gatekeeper.checks.onnx import GraphError
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.left_out import left_out
from gatekeeper.checks.onnx.reader import graph_of, parse
from gatekeeper.checks.onnx.skeleton import Skeleton, skeleton
from gatekeeper.limits import DEFAULT_LIMITS, KIB, MIB, Limits

LARGE = np.arange(MIB // 2, dtype=np.float32)
SMALL = np.arange(30, dtype=np.float32)


def tensor(values: np.ndarray, name: str, *, raw: bool = True) -> TensorProto:
    if raw:
        return numpy_helper.from_array(values, name)
    return helper.make_tensor(name, TensorProto.FLOAT, list(values.shape), values.tolist())


def large_model() -> ModelProto:
    """Large tensors in every place that a tensor may stand in, small ones beside them."""
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["t"], value=tensor(LARGE, ""))],
        "g", [], [helper.make_empty_tensor_value_info("t")],
    )  # fmt: skip
    nodes = [
        helper.make_node("If", ["b"], ["c"], then_branch=inner, else_branch=inner),
        helper.make_node("Add", ["w", "v"], ["d"], name="sum"),
        helper.make_node("F", ["s"], ["e"], domain="mine"),
        helper.make_node("Concat", ["c", "d", "e"], ["y"], axis=0),
    ]
    graph = helper.make_graph(
        nodes, "m", [helper.make_tensor_value_info("b", TensorProto.BOOL, [])],
        [helper.make_empty_tensor_value_info("y")],
        [tensor(LARGE, "w"), tensor(LARGE, "v", raw=False), tensor(SMALL, "s")],
    )  # fmt: skip
    function = helper.make_function(
        "mine", "F", ["p"], ["q"],
        [helper.make_node("Constant", [], ["k"], value=tensor(LARGE, "")), helper.make_node("Add", ["p", "k"], ["q"])],
        [helper.make_opsetid("", 18)],
    )  # fmt: skip
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(LARGE, "z"), numpy_helper.from_array(np.arange(MIB // 2)), [MIB]
    )
    made: ModelProto = helper.make_model(graph, functions=[function])
    made.graph.sparse_initializer.append(sparse)
    return made


@pytest.fixture(scope="module")
def data() -> bytes:
    return large_model().SerializeToString()


def cut(data: bytes, limits: Limits = DEFAULT_LIMITS, *, digests: bool = False) -> Skeleton:
    return skeleton(io.BytesIO(data), len(data), limits, digests=digests)


def read(found: Skeleton, *, digests: bool = False) -> Graph:
    return graph_of(parse(found.data), digests=digests, mark=found.mark)


def shape(graph: Graph) -> object:
    return [
        (value.name, value.kind, value.dtype, value.shape, value.constant and value.constant.shape)
        for value in graph.values
    ], [(node.op, node.inputs, node.outputs, node.scope) for node in graph.nodes]


def test_a_skeleton_is_the_same_graph_without_large_tensors(data: bytes) -> None:
    found = cut(data)
    assert len(data) > 12 * MIB
    assert len(found.data) < 64 * KIB
    assert shape(read(found)) == shape(graph_of(parse(data)))
    small = next(value.constant for value in read(found).values if value.name == "s")
    assert small is not None
    assert small.data is not None
    assert small.data.tolist() == SMALL.tolist()


def test_what_was_left_out_lies_in_the_file_and_is_not_external(data: bytes) -> None:
    constants = [value.constant for value in read(cut(data)).values if value.constant]
    assert not any(constant.external for constant in constants)
    assert {constant.data is None for constant in constants if constant.elements > 30} == {True}


def test_digests_of_a_skeleton_are_those_of_the_file(data: bytes) -> None:
    with_all = graph_of(parse(data), digests=True)
    without = read(cut(data, digests=True), digests=True)
    names = [(value.name, value.constant.digest) for value in with_all.values if value.constant]
    assert names[:2] == [(value.name, value.constant.digest) for value in without.values if value.constant][:2]
    assert all(len(digest) == 64 for _, digest in names)


def test_small_files_are_given_as_they_are() -> None:
    made = bytes(DEFAULT_LIMITS.onnx_whole_bytes)
    assert cut(made) == Skeleton(data=made)


def test_a_file_can_not_forge_a_mark(data: bytes) -> None:
    first, second = cut(data), cut(data)
    assert first.mark != second.mark
    # The skeleton of a skeleton, as a file: its marks are files that are not there.
    again = graph_of(parse(first.data), mark=second.mark)
    assert all(value.constant.external for value in again.values if value.constant and value.constant.elements > 30)
    assert not left_out(parse(first.data).graph.initializer[0], "")


def test_what_was_left_out_is_told_by_field_and_length(data: bytes) -> None:
    found = cut(data)
    by_name = {each.name: left_out(each, found.mark) for each in parse(found.data).graph.initializer}
    assert [(each.field, each.length) for each in by_name["w"]] == [("raw_data", LARGE.nbytes)]
    assert [(each.field, each.length) for each in by_name["v"]] == [("float_data", LARGE.nbytes)]
    assert by_name["s"] == ()


def test_two_data_fields_of_a_large_tensor_are_both_told() -> None:
    made = large_model()
    made.graph.initializer[0].float_data.extend(LARGE.tolist())
    found = cut(made.SerializeToString())
    assert {each.field for each in left_out(parse(found.data).graph.initializer[0], found.mark)} == {
        "raw_data", "float_data"
    }  # fmt: skip
    made = large_model()
    again = TensorProto(raw_data=b"1234").SerializeToString()
    tensors = [
        made.graph.initializer[0].SerializeToString() * 5 + again,
        made.graph.initializer[0].SerializeToString() * 5,
    ]
    for twice in tensors:
        with pytest.raises(GraphError, match="twice"):
            cut(b"\x08\x08\x3a" + field(5, twice))


def field(number: int, content: bytes) -> bytes:
    """A graph with one field, as the bytes of a field of a model."""
    from gatekeeper.checks.onnx.left_out import field_head, varint

    inner = field_head(number, len(content)) + content
    return varint(len(inner)) + inner


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (replace(DEFAULT_LIMITS, onnx_bytes=100), "onnx_bytes"),
        (replace(DEFAULT_LIMITS, fields=10), "more fields"),
        (replace(DEFAULT_LIMITS, onnx_depth=0), "onnx_depth"),
    ],
)
def test_a_skeleton_is_bounded(data: bytes, limits: Limits, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        cut(data, limits)


def test_large_files_that_are_no_models_are_refused(data: bytes) -> None:
    for broken in (
        b"\xff" * (DEFAULT_LIMITS.onnx_whole_bytes + 1),
        data[: len(data) // 2],
        bytes(DEFAULT_LIMITS.onnx_whole_bytes + 1),
        data + b"\x3b",
    ):
        with pytest.raises(GraphError):
            read(cut(broken))


def test_tensors_are_cut_shorter_in_a_model_that_is_too_large() -> None:
    tensors = [tensor(np.zeros(20_000, np.float32), f"w{n}") for n in range(200)]
    nodes = [helper.make_node("Sum", [each.name for each in tensors], ["y"])]
    made = helper.make_model(
        helper.make_graph(nodes, "m", [], [helper.make_empty_tensor_value_info("y")], tensors)
    ).SerializeToString()
    assert len(cut(made).data) == pytest.approx(len(made), rel=0.01)
    tight = cut(made, replace(DEFAULT_LIMITS, onnx_bytes=12 * MIB))
    assert len(tight.data) < MIB
    assert shape(read(tight)) == shape(graph_of(parse(made)))
