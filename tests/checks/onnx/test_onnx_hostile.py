"""Whatever a model file says, the reader ends soon: with a graph, or with one sentence on why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, parser

from gatekeeper.checks.onnx import GraphError, read_graph
from gatekeeper.checks.onnx.graph import CONTROL, MISSING, Graph, Kind
from gatekeeper.checks.onnx.reader import parse
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support.onnx_texts import models

HEAD = '<ir_version: 8, opset_import: ["" : 18, "mine" : 1]>\n'
SIMPLE = "m (float[2] x) => (float[2] y) { a = Neg(x)  y = Abs(a) }"


def model(text: str = SIMPLE) -> ModelProto:
    return parser.parse_model(HEAD + text)


def read(made: ModelProto) -> Graph:
    return read_graph(made.SerializeToString())


def refused(made: ModelProto | bytes) -> str:
    with pytest.raises(GraphError) as caught:
        read_graph(made if isinstance(made, bytes) else made.SerializeToString())
    message = str(caught.value)
    assert message.isprintable()
    assert 0 < len(message) < 300
    return message


def function(
    name: str, *nodes: NodeProto, inputs: tuple[str, ...] = ("p",), outputs: tuple[str, ...] = ("q",)
) -> FunctionProto:
    return helper.make_function("mine", name, inputs, outputs, nodes, [helper.make_opsetid("", 18)])


def calling(*functions: FunctionProto) -> ModelProto:
    made = model("m (float[2] x) => (float[2] y) { y = mine.f (x) }")
    made.functions.extend(functions)
    return made


def mine(op: str, inputs: list[str], outputs: list[str]) -> NodeProto:
    return helper.make_node(op, inputs, outputs, domain="mine")


HEADER = "m (bool b, int64 n, float[2] x) => (float[2] y) "
BRANCH = "h () => (float[2] t) { t = Abs(x) }"
BROKEN: dict[str, tuple[str, str]] = {
    "cycle": ("{ c = Add(x, d)  d = Neg(c)  y = Abs(d) }", "circle"),
    "own-output": ("{ y = Add(x, y) }", "circle"),
    "made-twice": ("{ y = Neg(x)  y = Abs(x) }", "made twice"),
    "made-as-input": ("{ x = Neg(x)  y = Abs(x) }", "made twice"),
    "stored-and-made": ("<float[2] y = {1, 2}> { y = Neg(x) }", "made twice"),
    "undefined": ("{ y = Neg(nowhere) }", "nothing makes the value 'nowhere'"),
    "no-output": ("{ z = Neg(x) }", "nothing makes the value 'y'"),
    "if-one-branch": ("{ y = If (b) <then_branch = " + BRANCH + "> }", "has no else_branch"),
    "if-inputs": (
        "{ y = If (b) <then_branch = g (float[2] q) => (float[2] t) { t = Neg(q) }, else_branch = " + BRANCH + "> }",
        "does not fit",
    ),
    "if-cycle": (
        "{ y = If (b) <then_branch = g () => (float[2] t) { t = Neg(y) }, else_branch = " + BRANCH + "> }",
        "circle",
    ),
    "constant-of-another-kind": ("{ y = Constant <value_int = 1.5> () }", "of another kind than its name says"),
    "constant-that-is-none": ("{ y = Constant <value = 1> () }", "of another kind than its name says"),
    "constant-of-a-list": ("{ y = Constant <value_int = [1, 2]> () }", "of another kind than its name says"),
    "loop-arity": (
        "{ y = Loop (n, , x) <body = g (int64 i) => (bool c) { c = Constant <value_int = 1> () }> }",
        "does not fit its body",
    ),
    "scan-count": (
        "{ y = Scan <num_scan_inputs = 9, body = g (float[2] a) => (float[2] t) { t = Neg(a) }> (x) }",
        "does not say what it walks over",
    ),
    "out-of-a-body": (
        "{ z = If (b) <then_branch = " + BRANCH + ", else_branch = " + BRANCH + ">  y = Neg(t) }",
        "nothing makes the value 't'",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_graph_is_refused_in_words(case: str) -> None:
    text, words = BROKEN[case]
    assert words in refused(model(HEADER + text))


def test_bytes_that_are_no_model_are_refused() -> None:
    whole = model().SerializeToString()
    assert refused(b"") == "it holds no graph"
    for data in (b"\xff" * 40, b"PK\x03\x04" + bytes(60), whole[:-1], whole + b"\x0c", SIMPLE.encode()):
        refused(data)


def test_every_cut_of_a_model_is_refused_or_reads_as_a_graph() -> None:
    whole = model().SerializeToString()
    for length in range(len(whole)):
        try:
            graph = read_graph(whole[:length])
        except GraphError:
            continue
        assert graph.outputs


@pytest.mark.parametrize("levels", [10, 40, 400, 4000])
def test_messages_deep_in_each_other_are_refused(levels: int) -> None:
    data = b""
    for _ in range(levels):  # graph → node → attribute → graph
        for number in (6, 5, 1):
            data = bytes([number << 3 | 2]) + varint(len(data)) + data
    refused(b"\x08\x08\x3a" + varint(len(data)) + data)


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def test_bodies_deep_in_each_other_are_refused() -> None:
    inner = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["t"])], "g", [], [helper.make_empty_tensor_value_info("t")]
    )
    for _ in range(12):
        node = helper.make_node("If", ["b"], ["t"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "g", [], [helper.make_empty_tensor_value_info("t")])
        # Twice as large each time, so this alone is kept small.
    made = model("m (bool b, float[2] x) => (float[2] t) { t = Neg(x) }")
    del made.graph.node[:]
    made.graph.node.extend(inner.node)
    assert len(read(made).scopes) == 2**13 - 1
    with pytest.raises(GraphError, match="onnx_depth"):
        read_graph(made.SerializeToString(), replace(DEFAULT_LIMITS, onnx_depth=8))


def test_functions_that_call_themselves_are_refused() -> None:
    assert "calls itself" in refused(calling(function("f", mine("f", ["p"], ["q"]))))
    circle = calling(function("f", mine("g", ["p"], ["q"])), function("g", mine("f", ["p"], ["q"])))
    assert "calls itself" in refused(circle)


def doubling(levels: int, leaf: FunctionProto) -> ModelProto:
    """Functions each of which calls the next one twice: 2^levels calls of the last."""
    made = [function(f"f{n}", mine(f"f{n + 1}", ["p"], ["a"]), mine(f"f{n + 1}", ["a"], ["q"])) for n in range(levels)]
    made[0].name = "f"
    leaf.name = f"f{levels}"
    return calling(*made, leaf)


def test_work_that_doubles_with_each_function_is_bounded() -> None:
    assert len(read(doubling(5, function("", helper.make_node("Neg", ["p"], ["q"])))).nodes) == 2**5
    for leaf in (
        function("", helper.make_node("Neg", ["p"], ["q"])),
        function("", inputs=("q",), outputs=("q",)),  # nothing that would make the graph larger
    ):
        with pytest.raises(GraphError, match="onnx_nodes"):
            read_graph(doubling(60, leaf).SerializeToString(), replace(DEFAULT_LIMITS, onnx_nodes=5_000))


def test_functions_deep_in_each_other_are_refused() -> None:
    made = [function(f"f{n}", mine(f"f{n + 1}", ["p"], ["q"])) for n in range(100)]
    made[0].name = "f"
    assert "onnx_depth" in refused(calling(*made, function("f100", helper.make_node("Neg", ["p"], ["q"]))))


def test_two_functions_of_one_name_are_refused() -> None:
    one = function("f", helper.make_node("Neg", ["p"], ["q"]))
    assert "stands twice" in refused(calling(one, one))


def test_a_call_that_does_not_fit_its_function_is_refused() -> None:
    made = calling(function("f", helper.make_node("Neg", ["p"], ["q"])))
    made.graph.node[0].input.append("x")
    assert "does not fit" in refused(made)


def test_attributes_that_stand_twice_are_refused() -> None:
    made = model()
    made.graph.node[0].attribute.extend([helper.make_attribute("axis", 1), helper.make_attribute("axis", 2)])
    assert "stands twice" in refused(made)


def test_initializers_that_stand_twice_are_refused() -> None:
    made = model()
    made.graph.initializer.extend([helper.make_tensor("w", TensorProto.FLOAT, [1], [n]) for n in (1.0, 2.0)])
    assert "stands twice" in refused(made)


def wide(made: ModelProto) -> None:
    made.graph.node[0].input.extend(["x"] * 50)


def named(made: ModelProto) -> None:
    made.graph.node[0].output[0] = made.graph.node[1].input[0] = "n" * 50


def labelled(made: ModelProto) -> None:
    made.graph.node[0].name = "n" * 50


def attributed(made: ModelProto) -> None:
    made.graph.node[0].attribute.extend(helper.make_attribute(f"a{n}", 1) for n in range(50))


def filled(made: ModelProto) -> None:
    made.graph.initializer.extend(helper.make_tensor(f"w{n}", TensorProto.FLOAT, [], [1.0]) for n in range(50))


def typed(made: ModelProto) -> None:
    made.graph.value_info.extend(helper.make_tensor_value_info(f"w{n}", 1, [1]) for n in range(50))


def functional(made: ModelProto) -> None:
    made.functions.extend(function(f"g{n}") for n in range(50))


@pytest.mark.parametrize(
    ("limit", "excess"),
    [
        ("onnx_edges", wide), ("onnx_name_characters", named), ("onnx_name_characters", labelled),
        ("onnx_attributes", attributed), ("tensors", filled), ("onnx_nodes", filled), ("onnx_nodes", typed),
        ("onnx_functions", functional),
    ],
)  # fmt: skip
def test_every_limit_is_named_when_it_is_exceeded(limit: str, excess: Callable[[ModelProto], None]) -> None:
    limits = replace(DEFAULT_LIMITS, **{limit: 20})
    made = model()
    read_graph(made.SerializeToString(), limits)
    excess(made)
    with pytest.raises(GraphError, match=f"{limit}( |$)"):
        read_graph(made.SerializeToString(), limits)


@pytest.mark.parametrize("dims", [[-1], [2**62, 2**62, 2**62], [3], [0], []])
@pytest.mark.parametrize("dtype", [0, 1, 8, 16, 23, 99])
def test_tensors_that_lie_about_themselves_are_never_decoded_wrongly(dims: list[int], dtype: int) -> None:
    made = model()
    made.graph.initializer.append(TensorProto(name="w", dims=dims, data_type=dtype, raw_data=b"12345"))
    if dims == [-1]:
        assert "negative" in refused(made)
        return
    graph = read(made)
    constant = next(value.constant for value in graph.values if value.name == "w")
    assert constant is not None
    assert constant.data is None or constant.data.shape == constant.shape


def test_sparse_tensors_that_lie_are_not_laid_out() -> None:
    for indices, dims in (([-1], [4]), ([9], [4]), ([0, 1], [4]), ([0], [2**40])):
        sparse = helper.make_sparse_tensor(
            helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0]),
            helper.make_tensor("i", TensorProto.INT64, [len(indices)], indices),
            dims,
        )
        made = model()
        made.graph.sparse_initializer.append(sparse)
        constant = next(value.constant for value in read(made).values if value.name == "w")
        assert constant is not None
        assert constant.data is None
        assert constant.shape == tuple(dims)


def test_names_that_are_no_text_are_refused() -> None:
    whole = model("m (float[2] x) => (float[2] yyy) { aaa = Neg <bbb = 1> (x)  yyy = mine.Abs(aaa) }")
    whole.graph.node[0].name = "ccc"
    data = whole.SerializeToString()
    for name in (b"Neg", b"aaa", b"bbb", b"ccc", b"yyy", b"mine"):
        assert name in data
        assert "UTF-8" in refused(data.replace(name, b"\xff\xfe\xfd\xfc"[: len(name)]))


def test_texts_beside_the_graph_may_be_anything() -> None:
    made = model()
    made.producer_name = made.producer_version = "aaa"
    helper.set_model_props(made, {"aaa": "aaa"})
    made.opset_import.add(domain="aaa", version=1)
    made.functions.append(function("aaa"))
    graph = read_graph(made.SerializeToString().replace(b"aaa", b"\xff\xff\xff"))
    assert graph.producer.isprintable()
    assert set(graph.metadata) == {"\ufffd" * 3}


def test_what_nobody_knows_is_kept_and_told() -> None:
    made = model("m (float[2] x) => (float[2] y) { y = mine.Thing <k = 3> (x) }")
    made.opset_import.add(domain="later", version=2**40)
    made.graph.node[0].attribute.append(
        AttributeProto.FromString(AttributeProto(name="odd").SerializeToString() + b"\xa0\x01\x4d")
    )
    graph = read(made)
    assert (graph.nodes[0].op, graph.nodes[0].domain, graph.nodes[0].attributes) == ("Thing", "mine", {"k": 3})
    assert graph.opsets == {"": 18, "mine": 1, "later": 2**40}


def test_unknown_fields_and_fields_in_two_parts_are_read_as_parsers_do() -> None:
    whole = model()
    first = ModelProto(graph=GraphProto(node=whole.graph.node[:1]))
    rest = model()
    del rest.graph.node[0]
    odd = b"\xfa\x7f\x03abc"  # field 2047
    graph = read_graph(first.SerializeToString() + odd + rest.SerializeToString())
    assert [node.op for node in graph.nodes] == ["Neg", "Abs"]


def test_long_lists_in_attributes_are_tables() -> None:
    made = model()
    made.graph.node[0].attribute.append(helper.make_attribute("tree", np.arange(5000).tolist()))
    table = read(made).nodes[0].attributes["tree"]
    assert not isinstance(table, tuple)
    assert read(made).nodes[0].attributes.keys() == {"tree"}


def test_order_does_not_depend_on_the_order_of_the_file() -> None:
    forward = "".join(f"v{n + 1} = Neg(v{n})\n" for n in range(300))
    made = model("m (float[2] v0) => (float[2] v300) {" + forward + "}")
    straight = read(made)
    nodes = list(made.graph.node)[::-1]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    turned = read(made)
    assert [turned.values[node.outputs[0]].name for node in turned.nodes] == [
        straight.values[node.outputs[0]].name for node in straight.nodes
    ]


def test_a_missing_operand_is_no_value_called_nothing() -> None:
    made = model()
    made.graph.node[0].input.append("")
    assert read(made).nodes[0].inputs[1] == MISSING
    made.graph.input.append(helper.make_tensor_value_info("", 1, [1]))
    assert "no name" in refused(made)
    assert all(value.kind in Kind for value in read(model()).values)


def test_an_output_without_a_name_is_refused_in_every_graph() -> None:
    scan = parse(models()["scan"])
    (inner,) = [attribute.g for attribute in scan.graph.node[0].attribute if attribute.name == "body"]
    for graph in (inner, scan.graph):
        kept = graph.output[0].name
        graph.output[0].name = ""
        assert "no name" in refused(scan)
        graph.output[0].name = kept
    read(scan)


def test_nobody_can_pose_as_our_own_nodes() -> None:
    made = model()
    made.graph.node[0].domain = CONTROL
    assert CONTROL in refused(made)
