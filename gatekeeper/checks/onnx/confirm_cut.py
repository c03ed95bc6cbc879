"""A suspicion's detector, cut out as a small model of its own: what stands between the inputs and the gate.

It holds no weights, since the cone behind a gate ends where trained layers begin. Names of the file are not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import onnx
from onnx import helper, numpy_helper

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.cone import Cones
from gatekeeper.checks.onnx.graph import CONTROL, Attribute, Constant, Graph, Kind, Node
from gatekeeper.checks.onnx.taint import Meeting, Taint

_DOMAINS = frozenset({"", "ai.onnx.ml", "com.microsoft"})
"""Whose operators onnxruntime has."""

_OLDEST_IR, _NEWEST_IR = 8, 10
_ATTRIBUTES_OF_LISTS = onnx.AttributeProto.INTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """A detector that can run."""

    model: bytes
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    """Inputs of the graph that it reads; each is called by `wire_name`."""

    wires: tuple[int, ...]
    """What it gives: every value that it computes."""

    gates: tuple[tuple[int, ...], ...]
    """Values by how far they stand before the gate: the gate, or the decisions nearest to it that can be run."""


def wire_name(value: int) -> str:
    """Give the name of a value in a detector."""
    return f"v{value}"


def cut(taint: Taint, cones: Cones, meeting: Meeting) -> Cut | None:
    """Cut the detector of one meeting out of its graph.

    Args:
        taint: Of the graph.
        cones: Of the same.
        meeting: Whose gate.

    Returns:
        None when no decision behind the gate can be run without what is missing: loops, operators that nobody knows,
        constants that are large or lie elsewhere.
    """
    graph = taint.graph
    nodes: list[Node] = []
    made: set[int] = set()
    for at in sorted(cones.look(meeting.gate).nodes):
        node = graph.nodes[at]
        if _runs(graph, node, made):
            nodes.append(node)
            made.update(value for value in node.outputs if value >= 0)
    gates = tuple(_gates(taint, cones, meeting.gate, made))
    if not gates:
        return None
    inputs = tuple(value for value in graph.inputs if any(value in node.inputs for node in nodes))
    wires = tuple(value for node in nodes for value in node.outputs if value >= 0)
    return Cut(model=_model(graph, nodes, inputs, wires), nodes=tuple(nodes), inputs=inputs, wires=wires, gates=gates)


def _runs(graph: Graph, node: Node, made: set[int]) -> bool:
    branch = node.domain == CONTROL and node.op == "Branch"
    if node.domain not in _DOMAINS and not branch:
        return False
    if any(isinstance(given, Constant) and given.data is None for given in node.attributes.values()):
        return False
    return all(value < 0 or value in made or _given(graph, value) for value in node.inputs)


def _given(graph: Graph, value: int) -> bool:
    known = graph.values[value]
    if known.kind is Kind.INPUT:
        return value in graph.inputs and bool(known.dtype) and known.shape is not None
    return known.constant is not None and known.constant.data is not None


def _gates(taint: Taint, cones: Cones, gate: int, made: set[int]) -> Iterator[tuple[int, ...]]:
    """Give decisions that can be run, from the gate backwards.

    A gate may move with the input though the decision in it rests: an input that is rewritten by `Where`.
    """
    level, seen = [gate], {gate}
    while level:
        here = tuple(value for value in level if value in made)
        if here:
            yield here
        before = []
        for value in level:
            at = cones.maker(value)
            for operand in taint.graph.nodes[at].inputs if at >= 0 else ():
                if operand >= 0 and operand not in seen and taint.marks[operand] & m.DECISION:
                    seen.add(operand)
                    before.append(operand)
        level = before


def _model(graph: Graph, nodes: list[Node], inputs: tuple[int, ...], wires: tuple[int, ...]) -> bytes:
    used = {value for node in nodes for value in node.inputs if value >= 0}
    tensors = []
    for value in sorted(used):
        constant = graph.values[value].constant
        if constant is not None and constant.data is not None:
            tensors.append(_tensor(constant, wire_name(value)))
    made = helper.make_graph(
        [_node(node) for node in nodes],
        "detector",
        [helper.make_tensor_value_info(wire_name(i), graph.values[i].dtype, graph.values[i].shape) for i in inputs],
        [helper.make_empty_tensor_value_info(wire_name(value)) for value in wires],
        tensors,
    )
    opsets = [helper.make_opsetid(domain, graph.opsets.get(domain, 1)) for domain in {node.domain for node in nodes}]
    standard = helper.make_opsetid("", graph.opsets.get("", 1))
    model = helper.make_model(
        made, opset_imports=[standard, *(one for one in opsets if one.domain and one.domain != CONTROL)]
    )
    model.ir_version = min(max(graph.ir_version, _OLDEST_IR), _NEWEST_IR)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _node(node: Node) -> onnx.NodeProto:
    # Both branches of a detector are cheap, and have no effects: running both and picking one gives the same.
    op, domain = ("Where", "") if node.domain == CONTROL else (node.op, node.domain)
    made = onnx.NodeProto(op_type=op, domain=domain)
    made.input.extend(wire_name(value) if value >= 0 else "" for value in node.inputs)
    made.output.extend(wire_name(value) if value >= 0 else "" for value in node.outputs)
    made.attribute.extend(_attribute(name, value) for name, value in node.attributes.items())
    return made


def _tensor(constant: Constant, name: str) -> onnx.TensorProto:
    assert constant.data is not None  # noqa: S101 - for the type checker: `_runs` has asked
    data = constant.data
    if data.dtype.kind == "f":  # half precision is read as single
        data = data.astype(helper.tensor_dtype_to_np_dtype(constant.dtype))
    return numpy_helper.from_array(data, name)


def _attribute(name: str, value: Attribute) -> onnx.AttributeProto:
    if isinstance(value, Constant):
        return helper.make_attribute(name, _tensor(value, name))
    return helper.make_attribute(name, value, attr_type=None if value != () else _ATTRIBUTES_OF_LISTS)
