"""The reader writes models out as the graph's docstring says; `onnx.parser`'s text form keeps them readable here."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser

from gatekeeper.checks.onnx import read_graph
from gatekeeper.checks.onnx.graph import CONTROL, MISSING, Constant, Graph, Kind, Node

HEAD = '<ir_version: 8, opset_import: ["" : 18, "mine" : 1]>\n'


def read(text: str, *functions: str) -> Graph:
    return read_graph(parser.parse_model(HEAD + text + "\n".join(functions)).SerializeToString())


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def only(graph: Graph, op: str) -> Node:
    (found,) = [node for node in graph.nodes if node.op == op]
    return found


def named(graph: Graph, name: str) -> int:
    (found,) = [number for number, value in enumerate(graph.values) if value.name == name]
    return found


def maker(graph: Graph, number: int) -> Node:
    (found,) = [node for node in graph.nodes if number in node.outputs]
    return found


def names(graph: Graph, numbers: tuple[int, ...]) -> list[str]:
    return ["" if number == MISSING else graph.values[number].name for number in numbers]


PLAIN = """
m (float[2,N] x) => (float[2,N] y)
<float[1] w = {3.0}>
{ a = Mul(x, w)
  c = Constant <value_ints = [1, 2]> ()
  y = Clip(a, , w) }
"""


def test_a_plain_graph_keeps_its_nodes_names_and_types() -> None:
    graph = read(PLAIN)
    assert ops(graph) == ["Mul", "Clip"]
    assert names(graph, graph.inputs) == ["x"]
    assert names(graph, graph.outputs) == ["y"]
    assert names(graph, graph.nodes[1].inputs) == ["a", "", "w"]
    x = graph.values[graph.inputs[0]]
    assert (x.kind, x.dtype, x.shape) == (Kind.INPUT, TensorProto.FLOAT, (2, None))
    assert graph.opsets[""] == 18


def test_initializers_and_constant_nodes_are_values() -> None:
    graph = read(PLAIN)
    w, c = graph.values[named(graph, "w")], graph.values[named(graph, "c")]
    assert w.kind is c.kind is Kind.CONSTANT
    assert w.constant is not None
    assert w.constant.data is not None
    assert w.constant.data.tolist() == [3.0]
    assert c.constant is not None
    assert c.constant.data is not None
    assert c.constant.data.tolist() == [1, 2]


def constant_model(**value: object) -> bytes:
    node = helper.make_node("Constant", [], ["y"], **value)
    graph = helper.make_graph([node], "g", [], [helper.make_empty_tensor_value_info("y")])
    return helper.make_model(graph).SerializeToString()


SPARSE = helper.make_sparse_tensor(
    numpy_helper.from_array(np.array([5.0, 7.0], np.float32)), numpy_helper.from_array(np.array([1, 3])), [2, 2]
)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        ({"value": numpy_helper.from_array(np.array([[1, 2]], np.int16))}, [[1, 2]]),
        ({"value": helper.make_tensor("t", TensorProto.FLOAT16, [1], [1.5])}, [1.5]),
        ({"value": helper.make_tensor("t", TensorProto.BFLOAT16, [1], [1.5])}, [1.5]),
        ({"value": helper.make_tensor("t", TensorProto.INT4, [3], [1, -2, 3])}, [1, -2, 3]),
        ({"value": helper.make_tensor("t", TensorProto.BOOL, [2], [True, False])}, [True, False]),
        ({"value": helper.make_tensor("t", TensorProto.STRING, [1], [b"a\xff"])}, ["a\ufffd"]),
        ({"value_float": 2.5}, 2.5),
        ({"value_floats": [2.5]}, [2.5]),
        ({"value_int": 7}, 7),
        ({"value_ints": [7, 8]}, [7, 8]),
        ({"value_string": "word"}, "word"),
        ({"value_strings": ["a", "b"]}, ["a", "b"]),
        ({"sparse_value": SPARSE}, [[0, 5], [0, 7]]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_every_form_of_constant_is_decoded(value: dict[str, object], data: object) -> None:
    constant = read_graph(constant_model(**value)).values[0].constant
    assert constant is not None
    assert constant.data is not None
    assert constant.data.tolist() == data
    assert constant.data.shape == constant.shape


def test_sparse_coordinates_are_laid_out_as_linear_ones() -> None:
    coordinates = helper.make_sparse_tensor(
        SPARSE.values, numpy_helper.from_array(np.array([[0, 1], [1, 1]])), list(SPARSE.dims)
    )
    found = read_graph(constant_model(sparse_value=coordinates)).values[0].constant
    assert found is not None
    assert found.data is not None
    assert found.data.tolist() == [[0, 5], [0, 7]]


def test_external_data_is_named_and_not_opened() -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 40], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/dev/zero")
    model = helper.make_model(helper.make_graph(
        [helper.make_node("Identity", ["w"], ["y"])], "g", [], [helper.make_empty_tensor_value_info("y")], [tensor]
    ))  # fmt: skip
    constant = read_graph(model.SerializeToString()).values[0].constant
    assert constant == Constant(dtype=TensorProto.FLOAT, shape=(1 << 40,), external=True)
    places = []
    for offset in ("0", "4096"):
        del model.graph.initializer[0].external_data[1:]
        model.graph.initializer[0].external_data.add(key="offset", value=offset)
        digested = read_graph(model.SerializeToString(), digests=True).values[0].constant
        assert digested is not None
        places.append(digested.digest)
    assert places[0] != places[1]
    assert all(places)


BRANCHES = """
m (bool b, float[2] x) => (float[2] y)
{ y = If (b) <
    then_branch = g1 () => (float[2] t) { t = Neg(x) },
    else_branch = g2 () => (float[2] t) { t = Abs(x) }
  > }
"""


def test_both_branches_of_if_are_written_out() -> None:
    graph = read(BRANCHES)
    assert ops(graph) == ["Neg", "Abs", "Branch"]
    branch = graph.nodes[2]
    condition, then, other = branch.inputs
    assert branch.domain == CONTROL
    assert names(graph, branch.outputs) == ["y"]
    assert condition == graph.inputs[0]
    assert maker(graph, then).op == "Neg"
    assert maker(graph, other).op == "Abs"
    labels = [(scope.parent, scope.label.split(" ")[0], scope.condition) for scope in graph.scopes]
    assert labels == [(-1, "", MISSING), (0, "then_branch", condition), (0, "else_branch", condition)]
    assert [node.scope for node in graph.nodes] == [1, 2, 0]


def test_names_in_a_body_shadow_those_around_it() -> None:
    graph = read("""
m (bool b, float[2] x) => (float[2] y)
{ a = Exp(x)
  y = If (b) <
    then_branch = g1 () => (float[2] t) { t = Neg(a) },
    else_branch = g2 () => (float[2] a) { a = Abs(x) }
  > }
""")
    (outer, inner) = [number for number, value in enumerate(graph.values) if value.name == "a"]
    assert only(graph, "Neg").inputs == (outer,)
    assert only(graph, "Branch").inputs[2] == inner


LOOP = """
m (int64 n, bool go, float[2] x) => (float[2] last, float[K,2] all)
{ last, all = Loop (n, go, x) <
    body = g (int64 i, bool c, float[2] v) => (bool more, float[2] w, float[2] seen)
      { w = Neg(v)
        f = Cast <to = 1> (i)
        seen = Mul(w, f)
        more = Less(i, n) }
  > }
"""


def test_a_loop_has_turns_carried_and_gathered_values() -> None:
    graph = read(LOOP)
    assert only(graph, "Turn").inputs == ()
    carried = {graph.values[node.inputs[0]].name: node.outputs[0] for node in graph.nodes if node.op == "Carry"}
    assert set(carried) == {"go", "x"}
    assert only(graph, "Neg").inputs == (carried["x"],)
    assert set(graph.turns) == {(named(graph, "w"), carried["x"]), (named(graph, "more"), carried["go"])}
    goes_on, last = [node for node in graph.nodes if node.op == "Leave"]
    n, go, x = graph.inputs
    assert goes_on.inputs == (n, MISSING, go, named(graph, "more"))
    assert last.inputs == (n, goes_on.outputs[0], x, named(graph, "w"))
    assert only(graph, "Stack").inputs == (goes_on.outputs[0], named(graph, "seen"))
    assert names(graph, (*last.outputs, *only(graph, "Stack").outputs)) == ["last", "all"]
    assert graph.scopes[1].loop


def test_a_loop_without_count_and_condition_has_missing_operands() -> None:
    graph = read(LOOP.replace("(n, go, x) <", "(, , x) <"))
    goes_on = next(node for node in graph.nodes if node.op == "Leave")
    assert goes_on.inputs == (MISSING, MISSING, MISSING, named(graph, "more"))


SCAN = """
m (float[2] s, float[T,2] xs) => (float[2] last, float[T,2] all)
{ last, all = Scan <num_scan_inputs = 1,
    body = g (float[2] a, float[2] e) => (float[2] b, float[2] o) { b = Add(a, e)  o = Neg(b) }
  > (s, xs) }
"""


def test_a_scan_walks_over_elements() -> None:
    graph = read(SCAN)
    s, xs = graph.inputs
    carry, element = only(graph, "Carry"), only(graph, "Element")
    assert carry.inputs == (s,)
    assert element.inputs == (xs,)
    assert only(graph, "Add").inputs == (*carry.outputs, *element.outputs)
    assert graph.turns == ((named(graph, "b"), carry.outputs[0]),)
    assert only(graph, "Leave").inputs == (MISSING, MISSING, s, named(graph, "b"))
    assert only(graph, "Stack").inputs == (MISSING, named(graph, "o"))


DOUBLE = """
<opset_import: ["" : 18], domain: "mine">
twice <k, alpha : float = 2.0> (p, q) => (r, s)
{ u = Mul(p, p)
  t = LeakyRelu <alpha : float = @alpha> (u)
  r = Gather <axis : int = @k> (t, q)
  s = Identity(p) }
"""


def test_local_functions_are_inlined_with_their_attributes() -> None:
    graph = read("m (float[2] x, int64 i) => (float[2] y, float[2] z) { y, z = mine.twice <k = 1> (x, i) }", DOUBLE)
    assert ops(graph) == ["Mul", "LeakyRelu", "Gather", "Identity"]
    assert only(graph, "LeakyRelu").attributes == {"alpha": 2.0}
    assert only(graph, "Gather").attributes == {"axis": 1}
    assert names(graph, graph.outputs) == ["y", "z"]
    assert maker(graph, graph.outputs[0]).op == "Gather"
    assert {node.scope for node in graph.nodes} == {1}
    assert graph.scopes[1].label.startswith("function twice")


def test_what_a_function_hands_through_and_what_its_caller_leaves_out() -> None:
    function = '<opset_import: ["" : 18], domain: "mine"> f (p, q) => (p, r) { r = Clip(p, q) }'
    graph = read("m (float[2] x) => (float[2] y, float[2] z) { y, z = mine.f (x) }", function)
    assert only(graph, "Identity").inputs == graph.inputs
    assert only(graph, "Clip").inputs == (graph.inputs[0], MISSING)
    assert names(graph, graph.outputs) == ["y", "z"]


def test_a_constant_that_the_caller_chooses_is_a_value() -> None:
    function = """<opset_import: ["" : 18], domain: "mine">
f <v> (p) => (r) { c = Constant <value_int : int = @v> ()  r = Add(p, c) }"""
    graph = read("m (int64 x) => (int64 y) { t = mine.f <v = 4> (x)  y = mine.f <v = 5> (t) }", function)
    found = [value.constant for value in graph.values if value.name == "c"]
    assert [constant.data.item() for constant in found if constant and constant.data is not None] == [4, 5]
    assert ops(graph) == ["Add", "Add"]


def test_a_function_does_not_see_the_graph_around_its_call() -> None:
    function = '<opset_import: ["" : 18], domain: "mine"> f (p) => (r) { x = Neg(p)  r = Abs(x) }'
    graph = read("m (float[2] x) => (float[2] y) { y = mine.f (x) }", function)
    assert only(graph, "Neg").inputs == graph.inputs
    assert only(graph, "Abs").inputs == only(graph, "Neg").outputs != graph.inputs


def test_nodes_are_put_in_order() -> None:
    graph = read("m (float[2] x) => (float[2] y) { y = Neg(b)  b = Abs(a)  a = Exp(x) }")
    assert ops(graph) == ["Exp", "Abs", "Neg"]


def test_order_holds_across_bodies() -> None:
    graph = read("""
m (bool b, float[2] x) => (float[2] y)
{ y = If (b) <then_branch = g1 () => (float[2] t) { t = Neg(a) }, else_branch = g2 () => (float[2] u) { u = Abs(x) }>
  a = Exp(x) }
""")
    assert ops(graph).index("Exp") < ops(graph).index("Neg") < ops(graph).index("Branch")


def test_an_unknown_operator_with_a_graph_stays_and_what_it_runs_is_seen() -> None:
    graph = read("""
m (float[2] x, float[2] z) => (float[2] y)
{ y = mine.Search <decoder = g (float[2] a) => (float[2] t) { t = Neg(a) }> (x, z) }
""")
    enter, search = only(graph, "Enter"), only(graph, "Search")
    assert enter.inputs == graph.inputs
    assert only(graph, "Neg").inputs == enter.outputs
    assert search.inputs == (*graph.inputs, named(graph, "t"))
    assert search.domain == "mine"


def test_an_initializer_that_may_be_overridden_is_a_constant() -> None:
    model = parser.parse_model(HEAD + PLAIN)
    model.graph.input.add().CopyFrom(helper.make_tensor_value_info("w", TensorProto.FLOAT, [1]))
    graph = read_graph(model.SerializeToString())
    assert names(graph, graph.inputs) == ["x"]
    assert graph.values[named(graph, "w")].kind is Kind.CONSTANT


def test_digests_tell_stored_values_apart_and_not_their_field() -> None:
    def digest(tensor: TensorProto) -> str:
        constant = read_graph(constant_model(value=tensor), digests=True).values[0].constant
        assert constant is not None
        return constant.digest

    typed = helper.make_tensor("a", TensorProto.FLOAT, [2], [1.0, 2.0])
    raw = numpy_helper.from_array(np.array([1.0, 2.0], np.float32), "b")
    other = numpy_helper.from_array(np.array([1.0, 3.0], np.float32), "b")
    assert digest(typed) == digest(raw) != digest(other)
    assert len(digest(numpy_helper.from_array(np.zeros((300, 300)), "big"))) == 64


def test_the_alias_of_the_standard_domain_is_no_other_domain() -> None:
    model = parser.parse_model(HEAD + PLAIN)
    for node in model.graph.node:
        node.domain = "ai.onnx"
    graph = read_graph(model.SerializeToString())
    assert {node.domain for node in graph.nodes} == {""}
    assert graph.values[named(graph, "c")].kind is Kind.CONSTANT


def test_metadata_and_producer_are_told() -> None:
    model = parser.parse_model(HEAD + PLAIN)
    model.producer_name, model.producer_version = "torch", "2.0"
    onnx.helper.set_model_props(model, {"a": "b"})
    graph = read_graph(model.SerializeToString())
    assert (graph.producer, dict(graph.metadata)) == ("torch 2.0", {"a": "b"})
