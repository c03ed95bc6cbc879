"""What happens to learned data, as far as the rule on activations needs it.

A trigger that reads the model's own activations has to come down to one number, decide on it by a comparison or a
function that saturates, and bring a pattern of constants in. Gates of honest models multiply what the model computed.
"""

from __future__ import annotations

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.graph import Node
from gatekeeper.checks.onnx.suspicion import SuspicionKind
from gatekeeper.checks.onnx.taint import Taint

_WIDE = 8


def later(taint: Taint, node: Node, data: list[int]) -> None:
    """Mark the outputs of a node that reads learned data and holds no trained weights."""
    learned = [value for value in data if taint.marks[value] & m.LEARNED]
    joined = narrow = 0
    for value in learned:
        joined |= taint.marks[value]
    narrow = all(taint.marks[value] & (m.NARROW | m.COMPARED | m.BENT) for value in learned)
    marks = m.LEARNED | (joined & m.SIZED)
    if node.op in ("NonZero", "NonMaxSuppression", "Compress", "Unique"):
        marks |= m.SIZED
    root = taint.root[node.inputs[0]] if node.op in ops.VIEW and node.inputs[0] in learned else None
    taint.give(node, marks | (joined & m.LATER if root is not None else _later(taint, node, data, joined, narrow)), 0, 0, None, root)


def _later(taint: Taint, node: Node, data: list[int], joined: int, narrow: bool) -> int:
    op = node.op
    if _narrows(taint, node):
        return m.NARROW | (joined & (m.COMPARED | m.BENT))
    if not narrow:
        return 0
    here = joined & m.LATER
    if op in ("Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal"):
        limit = next((taint.constants.number(value) for value in data if not taint.level(value)), None)
        return m.NARROW | m.COMPARED if limit else m.NARROW
    if op in ops.SATURATING:
        return here | m.BENT
    return here


def _narrows(taint: Taint, node: Node) -> bool:
    """Tell whether an operator reads one number, or one for each position, off learned data."""
    op = node.op
    if op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceProd"):
        return True
    if op == "Gather" and len(node.inputs) > 1:
        places = taint.constants.array(node.inputs[1])
        return places is not None and places.size == 1
    return False


__all__ = ["SuspicionKind", "later"]
