"""When something that is not learned meets something that is: which of these meetings are worth telling."""

from __future__ import annotations

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.graph import Node
from gatekeeper.checks.onnx.suspicion import SuspicionKind
from gatekeeper.checks.onnx.taint import Taint

_ADDING = frozenset({"Add", "Sub", "Sum", "Mean", "Max", "Min", "Concat"}) | ops.SCATTER
_WORDS = {
    "Add": "add", "Sub": "subtract", "Sum": "add", "Mul": "multiply", "Div": "divide", "Where": "select",
    "Concat": "join", "MatMul": "multiply", "Gemm": "multiply", "Max": "bound", "Min": "bound",
}  # fmt: skip

POSITIONS = "weights of positions"
_HIDING = 100.0
"""What is written over scores that shall not count, at least in size."""


def meetings_of(taint: Taint, index: int, node: Node, data: list[int]) -> None:
    """Note what meets learned data at one node."""
    target = next(value for value in data if taint.marks[value] & m.LEARNED)
    for value in data:
        marks = taint.marks[value]
        if marks & m.LEARNED or not marks & m.LEVELS:
            continue
        kind = _kind(taint, node, value, marks, target)
        if kind is not None:
            how = (
                "replace"
                if node.op in ops.SCATTER
                else "look up"
                if node.op in ops.PICK
                else _WORDS.get(node.op, node.op)
            )
            taint.meet(index, value, target, kind, how)


def weights_meeting(taint: Taint, index: int, value: int, *, positions: bool) -> None:
    """Note weights that a decision chose or changed.

    Args:
        taint: Takes the note.
        index: The layer.
        value: Its weights.
        positions: Whether it is read at positions, and not by data: the angles of a longer context are chosen so.
    """
    if taint.marks[value] & (m.DECIDED | m.COUNT):
        taint.meet(index, value, value, SuspicionKind.LOOKUP, POSITIONS if positions else "weights")


def _kind(taint: Taint, node: Node, value: int, marks: int, target: int) -> SuspicionKind | None:
    if not marks & m.RAW:
        return SuspicionKind.LENGTH if marks & m.LENGTH else None
    if marks & m.DECIDED:
        if node.op in ops.PICK | {"Slice"}:
            return None if marks & (m.INDEX | m.COUNT) else SuspicionKind.LOOKUP
        return SuspicionKind.PREDICATE
    if marks & m.COUNT and not marks & m.INDEX:
        if node.op in _ADDING - {"Concat"} or (node.op == "Mul" and not marks & m.RATIO):
            return SuspicionKind.PREDICATE
        return None
    if marks & m.LENGTH:
        return SuspicionKind.LENGTH
    if marks & m.WEIGHED and marks & m.PATTERN and node.op in _ADDING:
        return SuspicionKind.PREDICATE
    if marks & m.ELEMENT and _marks_positions(taint, node, marks, target):
        return SuspicionKind.POSITION
    if (
        marks & m.TOKEN
        and marks & m.ALONE
        and not marks & (m.INDEX | m.ANGLE)
        and node.op in ("Add", "Sub", "Mul", "Sum", "Where")
    ):
        return SuspicionKind.BYPASS
    return None


def _marks_positions(taint: Taint, node: Node, marks: int, target: int) -> bool:
    """Tell whether a mask over positions does more than hide them from attention or from the embedding."""
    if node.op in ("Add", "Sub", "Sum"):
        return bool(marks & m.PATTERN)
    if any(value >= 0 and taint.marks[value] & m.LOOKED_UP for value in node.inputs):
        return False  # it says what a token means, as the table does
    if node.op == "Where":
        sides = [taint.constants.number(taint.root[value]) for value in node.inputs[1:]]
        return all(number is None or abs(number) < _HIDING for number in sides)
    return node.op == "Mul"
