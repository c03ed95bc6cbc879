"""What happens to learned data, as far as the rule on activations needs it.

A trigger that reads the model's own activations comes down to one number, or to the distance from a constant vector;
it decides on that by a comparison or a function that saturates, and brings a pattern of constants in. Gates of honest
models multiply what the model computed, and its norms divide by what they reduce.
"""

from __future__ import annotations

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.constants import WIDTH
from gatekeeper.checks.onnx.flow_places import integers
from gatekeeper.checks.onnx.graph import Node
from gatekeeper.checks.onnx.suspicion import SuspicionKind
from gatekeeper.checks.onnx.taint import Taint

_REDUCING = ops.SUM | ops.EXTREME
_LIMITS = frozenset({"Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal"})
_DISTANCE = frozenset({"Abs", "Pow", "Mul", "ReduceSumSquare", "ReduceL1", "ReduceL2"})
_BENDING = ops.SATURATING | {"Reciprocal", "Div"}
_SETS = frozenset({"NonZero", "NonMaxSuppression", "Compress", "Unique"})


def later(taint: Taint, index: int, node: Node, data: list[int]) -> None:
    """Mark the outputs of a node that reads learned data and holds no trained weights."""
    learned = [value for value in data if taint.marks[value] & m.LEARNED]
    joined = 0
    for value in learned:
        joined |= taint.marks[value]
    marks = m.LEARNED | (joined & m.SIZED) | (m.SIZED if node.op in _SETS else 0)
    viewed = node.op in ops.VIEW and node.inputs[0] in learned
    root = taint.root[node.inputs[0]] if viewed else None
    if joined & m.LATER or node.op in _REDUCING or node.op in ("Gather", "Slice", "Sub", "Add", *ops.PRODUCT):
        known = joined & m.LATER if viewed else _Later(taint, index, node, data, learned).apply()
        marks |= known
    taint.give(node, marks, 0, 0, None, root)


class _Later:
    """One node on learned data."""

    def __init__(self, taint: Taint, index: int, node: Node, data: list[int], learned: list[int]) -> None:
        self.taint = taint
        self.index = index
        self.node = node
        self.data = data
        self.learned = learned
        self.joined = 0
        self.common = m.LATER
        for value in learned:
            self.joined |= taint.marks[value]
            self.common &= taint.marks[value]

    def apply(self) -> int:
        """Give the marks of the outputs, and note where a pattern of constants comes in."""
        op, common = self.node.op, self.common
        self.meet()
        narrow = m.NARROW if self.narrows() else 0
        if narrow or op in _REDUCING:
            bell = m.BELL if common & m.BELL or (common & m.LESS and op in _DISTANCE) else 0
            return narrow | bell | (self.joined & (m.COMPARED | m.BENT))
        if op in ("Sub", "Add") and len(self.learned) == 1 and self.wide_constant():
            return m.LESS | (common & m.LOOKED_UP)
        if common & m.LESS and op in _DISTANCE and (op != "Mul" or len(set(self.data)) == 1):
            return m.BELL
        if op in ("Mul", "Div", *ops.PRODUCT) and self.wide_constant() and self.joined & (m.COMPARED | m.BENT):
            return m.ADDED
        if op in ops.PICK and self.joined & m.COMPARED and not self.taint.level(self.node.inputs[0]):
            return m.ADDED
        if not common & (m.NARROW | m.COMPARED | m.BENT | m.ADDED | m.BELL):
            return common & m.LOOKED_UP if op in ("Mul", "Concat") else 0
        return self.decides()

    def decides(self) -> int:
        """Give the marks after a comparison, after a function that saturates, or after anything else."""
        op, common = self.node.op, self.common
        kept = common & (m.NARROW | m.COMPARED | m.BENT | m.ADDED | m.BELL)
        if op in _LIMITS and common & (m.NARROW | m.BELL):
            limit = [self.taint.constants.number(value) for value in self.data if not self.taint.level(value)]
            return kept | m.COMPARED if limit and limit[0] else kept
        if op == "Where" and self.taint.marks[self.node.inputs[0]] & m.COMPARED and self.wide_constant():
            return m.ADDED
        if op in _BENDING and (common & m.BELL or op in ops.SATURATING):
            return kept | m.BENT
        return kept

    def meet(self) -> None:
        """Note what was decided about activations where it meets others."""
        op, marks = self.node.op, self.taint.marks
        if len(self.data) < 2:
            return
        wide = [value for value in self.learned if not marks[value] & (m.NARROW | m.COMPARED | m.BENT | m.ADDED | m.BELL)]
        for value in self.learned:
            added = marks[value] & m.ADDED and op in ("Add", "Sub", "Sum", "Concat") and wide
            chosen = marks[value] & m.COMPARED and op in ("Where", "Mul", "Div") and wide
            if added or (chosen and (op != "Where" or value == self.node.inputs[0])):
                how = {"Where": "select", "Mul": "multiply", "Div": "divide"}.get(op, "add")
                self.taint.meet(self.index, value, wide[0], SuspicionKind.ACTIVATION, how)

    def wide_constant(self) -> bool:
        """Tell whether a constant vector, not the same all over, is among the operands."""
        for value in self.data:
            if self.taint.level(value):
                continue
            shape = self.taint.constants.shape(value)
            if shape and max(shape) >= WIDTH and self.taint.constants.number(value) is None:
                return True
        return False

    def narrows(self) -> bool:
        """Tell whether an operator reads one number, or one for each position, off learned data."""
        op, node = self.node.op, self.node
        if op in _REDUCING:
            return True
        if op == "Gather" and len(node.inputs) > 1 and node.inputs[0] in self.learned:
            places = self.taint.constants.array(node.inputs[1])
            return places is not None and places.size == 1
        if op == "Slice":
            starts, ends = integers(node, self.taint, "starts", 1), integers(node, self.taint, "ends", 2)
            return bool(starts and ends) and any(e - s == 1 for s, e in zip(starts, ends, strict=False))  # type: ignore[arg-type]
        if op in ops.PRODUCT and len(node.inputs) > 1:
            shape = self.taint.constants.shape(node.inputs[1]) if not self.taint.level(node.inputs[1]) else None
            turned = node.attributes.get("transB")
            return bool(shape) and len(shape) > 1 and shape[-2 if turned else -1] <= 2  # type: ignore[index,arg-type]
        return False


__all__ = ["later"]
