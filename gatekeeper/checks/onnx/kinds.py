"""What a graph does beside its trained layers, by kind: what is the same whichever exporter or optimiser wrote it.

Nodes differ from one exporter to the next, and from one version to the next. What data flows into what does not:
a detector needs a decision that meets learned data, a number that is read off activations, or a further table, however
it is written; an architecture has none of these, or has them whoever exports it.
"""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.deed import Deed
from gatekeeper.checks.onnx.graph import Graph, Node
from gatekeeper.checks.onnx.operators import PICK
from gatekeeper.checks.onnx.suspicion import SuspicionKind
from gatekeeper.checks.onnx.taint import Taint
from gatekeeper.checks.onnx.tracing import trace
from gatekeeper.text import printable

_FRESH = {
    m.NARROW: "reads one number off learned data",
    m.COMPARED: "holds one number read off learned data against a constant",
    m.BENT: "saturates one number read off learned data",
    m.ADDED: "adds a pattern times such a number",
    m.BELL: "measures how far learned data are from a constant vector",
}
_JOIN = frozenset({"Add", "Sub", "Mul", "Div", "Where", "Pow", "Max", "Min"})
_TABLE = "looks token numbers up in a table"
_FRONT = (SuspicionKind.POSITION, "rewrite")
"""Where padding is cut off or filled in before the first layer: what many put in front of an export."""

_NAME = 80


def deeds(graph: Graph) -> tuple[Deed, ...]:
    """Give what a graph does beside its trained layers, each kind once.

    Args:
        graph: As `read_graph` gives it.
    """
    taint = trace(graph)
    found: dict[str, Deed] = {}
    for kind, node in (*_meetings(taint), *_of_nodes(taint)):
        found.setdefault(kind, Deed(kind=kind, where=_told(graph, node)))
    return tuple(found.values())


def _meetings(taint: Taint) -> Iterator[tuple[str, Node]]:
    for meeting in taint.meetings:
        if (meeting.kind, meeting.how) != _FRONT:
            yield f"has a decision of the kind {meeting.kind} that does {meeting.how}", taint.graph.nodes[meeting.node]


def _of_nodes(taint: Taint) -> Iterator[tuple[str, Node]]:
    tables = 0
    for node in taint.graph.nodes:
        marks, before = 0, 0
        for value in node.outputs:
            marks |= taint.marks[value] if value >= 0 else 0
        for value in node.inputs:
            before |= taint.marks[value] if value >= 0 else 0
        for mark, words in _FRESH.items():
            if marks & ~before & mark:
                yield words, node
        if marks & m.LEARNED and node.op in _JOIN and _mixes(taint, node):
            yield f"joins raw and learned data by {node.op}", node
        if _looks_up(taint, node):
            tables += 1
            yield _TABLE if tables == 1 else f"{_TABLE}, the {tables}th", node


def _mixes(taint: Taint, node: Node) -> bool:
    levels = [taint.level(value) for value in node.inputs]
    return any(level & m.LEARNED for level in levels) and any(
        level & m.RAW and not level & m.LEARNED for level in levels
    )


def _looks_up(taint: Taint, node: Node) -> bool:
    if node.op not in PICK or len(node.inputs) < 2 or min(node.inputs[:2]) < 0:
        return False
    return not taint.level(node.inputs[0]) and bool(taint.level(node.inputs[1]) & m.RAW)


def _told(graph: Graph, node: Node) -> str:
    made = next((graph.values[value].name for value in node.outputs if value >= 0), node.name)
    return printable(f"{node.op} {made}".rstrip(), _NAME)
