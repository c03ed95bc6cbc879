"""What holds for every flat graph, whatever file it was read from."""

from __future__ import annotations

from gatekeeper.checks.onnx.graph import CONTROL, MISSING, Graph, Kind

_OURS = {"Branch": 3, "Carry": 1, "Leave": 4, "Element": 1, "Stack": 2, "Turn": 0}
"""Nodes of ours → how many operands they have; `Enter` has as many as its operator."""


def broken_law(graph: Graph) -> str:
    """Say what does not hold; empty when everything does."""
    return _values(graph) or _nodes(graph) or _surroundings(graph)


def _values(graph: Graph) -> str:
    for value in graph.values:
        if not value.name and value.scope == 0:
            return "a value of the main graph has no name"
        if (value.constant is not None) is not (value.kind is Kind.CONSTANT):
            return "a constant has no value, or something else has one"
        if value.constant is not None:
            data = value.constant.data
            if data is not None and data.shape != value.constant.shape:
                return "a constant has another shape than it says"
        if not 0 <= value.scope < len(graph.scopes):
            return "a value stands nowhere"
    return ""


def _nodes(graph: Graph) -> str:
    made = [value.kind is not Kind.COMPUTED for value in graph.values]
    for node in graph.nodes:
        for number in node.inputs:
            if number != MISSING and not (0 <= number < len(made) and made[number]):
                return "an operand is not made before it is used"
        for number in node.outputs:
            if number != MISSING and (not 0 <= number < len(made) or made[number]):
                return "a value is made twice"
            if number != MISSING:
                made[number] = True
        if node.domain == CONTROL and node.op != "Enter" and len(node.inputs) != _OURS.get(node.op, -1):
            return "a node of ours has other operands"
        if not 0 <= node.scope < len(graph.scopes):
            return "a node stands nowhere"
    return "" if all(made) else "a value is made by nothing"


def _surroundings(graph: Graph) -> str:
    starts = {node.outputs[0] for node in graph.nodes if node.domain == CONTROL and node.op == "Carry"}
    if any(start not in starts or not 0 <= last < len(graph.values) for last, start in graph.turns):
        return "a turn leads elsewhere than to a carried value"
    if {start for _, start in graph.turns} != starts or len(graph.turns) != len(starts):
        return "a carried value has no turn, or several"
    if any(graph.values[number].kind is not Kind.INPUT for number in graph.inputs):
        return "an input is made by the graph"
    if not graph.outputs or any(not 0 <= number < len(graph.values) for number in graph.outputs):
        return "an output is none"
    for place, scope in enumerate(graph.scopes):
        if not -1 <= scope.parent < place or (scope.parent == -1) is not (place == 0):
            return "a scope lies in none, or in a later one"
        if scope.condition != MISSING and not 0 <= scope.condition < len(graph.values):
            return "a scope depends on no value"
    return ""
