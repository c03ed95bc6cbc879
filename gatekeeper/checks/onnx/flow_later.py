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
_MEETINGS = {"Add": "add", "Sub": "subtract", "Sum": "add", "Concat": "join", "Where": "select", "Mul": "multiply",
             "Div": "divide", "Gather": "select", "GatherND": "select", "GatherElements": "select"}  # fmt: skip
_DECIDED = m.NARROW | m.COMPARED | m.BENT | m.ADDED | m.BELL
_SMALL = 1e-3
_BOOL = 9
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
    if (
        joined & m.LATER & ~m.OFFSET
        or node.op in _REDUCING
        or node.op in ("Gather", "Slice", "Sub", "Add", *ops.PRODUCT)
    ):
        to_bool = node.op == "Cast" and node.attributes.get("to") == _BOOL
        known = joined & m.LATER if viewed and not to_bool else _Later(taint, index, node, data, learned).apply()
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
        origin = common & (m.LOOKED_UP | m.FIRST)
        decided = self.joined & (m.COMPARED | m.BENT)
        bell = m.BELL if common & m.BELL or (common & m.LESS and op in _DISTANCE) else 0
        if self.narrows():
            return m.NARROW | bell | decided | origin
        if op in ops.PRODUCT | ops.KERNEL and self.mixes():
            return 0
        if op in ("Sub", "Add") and len(self.learned) == 1 and self.vector(WIDTH):
            return m.LESS | origin
        if bell and not common & m.BELL and (op != "Mul" or len(set(self.data)) == 1):
            return m.BELL | origin
        if op in ("Mul", "Div", *ops.PRODUCT) and self.vector(2) and decided:
            return m.ADDED | origin
        if op == "Where" and self.taint.marks[self.node.inputs[0]] & m.COMPARED and self.vector(2):
            return m.ADDED | m.WEIGHT | origin
        if op in ops.PICK and decided and not self.taint.level(self.node.inputs[0]):
            return m.ADDED | origin
        return self.decides() | origin

    def decides(self) -> int:
        """Give the marks after a comparison, after a function that saturates, or after anything else."""
        op, common = self.node.op, self.common
        kept = common & (m.NARROW | m.COMPARED | m.BENT | m.ADDED | m.BELL | m.OFFSET)
        if not kept & (m.NARROW | m.BELL | m.COMPARED | m.BENT | m.ADDED):
            return 0
        if op in _LIMITS:
            limit = [self.taint.constants.number(value) for value in self.data if not self.taint.level(value)]
            return kept | m.COMPARED if limit and (limit[0] or kept & m.OFFSET) else kept
        if op == "Cast" and self.node.attributes.get("to") == _BOOL and kept & m.BENT:
            return kept | m.COMPARED
        if op in ("Add", "Sub"):
            numbers = [self.taint.constants.number(value) for value in self.data if not self.taint.level(value)]
            return kept | m.OFFSET if any(number is None or abs(number) > _SMALL for number in numbers) else kept
        if op in ops.SATURATING or (op in ("Reciprocal", "Div") and kept & m.BELL):
            return kept | m.BENT
        return kept

    def meet(self) -> None:
        """Note what was decided about activations where it meets others."""
        node, marks = self.node, self.taint.marks
        how = _MEETINGS.get(node.op)
        if how is None or len(self.data) < 2:
            return
        wide = [value for value in self.learned if not marks[value] & _DECIDED]
        rest = [value for value in self.data if value not in self.learned]
        for value in self.learned:
            kind = self.kind(value, marks[value], wide, rest)
            if kind is not None:
                self.taint.meet(self.index, value, (wide or rest)[0], kind, how)

    def kind(self, value: int, marks: int, wide: list[int], rest: list[int]) -> SuspicionKind | None:
        """Tell what one operand does to the others."""
        op = self.node.op
        chooses = value == self.node.inputs[0] if op == "Where" else value == self.node.inputs[-1]
        if op == "Where" or op in ops.PICK:
            meant = m.COMPARED | (m.BENT if op != "Where" else 0)
            chosen = chooses and marks & meant and not marks & m.SIZED
            inputs = any(self.taint.marks[other] & m.RAW for other in rest)
            return SuspicionKind.ACTIVATION if chosen and (wide or inputs) else None
        if not wide:
            return None
        if op in ("Add", "Sub", "Sum", "Concat"):
            told = bool(marks & m.ADDED)
        else:
            told = bool(marks & m.COMPARED) or bool(marks & m.BELL and marks & m.BENT)
        if told:
            return SuspicionKind.ACTIVATION
        apart = not any(self.taint.marks[other] & marks & (m.LOOKED_UP | m.FIRST) for other in wide)
        if op == "Concat" or not apart or not marks & m.NARROW:
            return None
        if marks & m.LOOKED_UP and marks & (m.BENT | m.OFFSET):
            return SuspicionKind.TABLE
        return SuspicionKind.KERNEL if marks & m.FIRST else None

    def mixes(self) -> bool:
        """Tell whether a product sums over more than one number."""
        for value in self.node.inputs:
            shape = self.taint.constants.shape(value) if value >= 0 and not self.taint.level(value) else None
            if shape and len(shape) > 1 and sorted(shape)[-2] > 1:
                return True
        return not any(value >= 0 and not self.taint.level(value) for value in self.node.inputs)

    def vector(self, width: int) -> bool:
        """Tell whether a constant vector of a width or more, not the same all over, is among the operands."""
        for value in self.data:
            if self.taint.level(value):
                continue
            shape = self.taint.constants.shape(value)
            if shape and max(shape) >= width and self.taint.constants.number(value) is None:
                return True
        return False

    def narrows(self) -> bool:
        """Tell whether an operator reads one number, or one for each position, off learned data."""
        op, node = self.node.op, self.node
        if op in _REDUCING:
            return True
        if (
            op == "Gather"
            and len(node.inputs) > 1
            and node.inputs[0] in self.learned
            and not self.taint.level(node.inputs[1])
        ):
            places = self.taint.constants.array(node.inputs[1])
            return places is not None and places.size == 1
        if op == "Slice":
            starts = integers(node, self.taint, "starts", 1) or []
            ends = integers(node, self.taint, "ends", 2) or []
            return any(end - start == 1 for start, end in zip(starts, ends, strict=False))
        if op in ops.PRODUCT and len(node.inputs) > 1:
            shape = self.taint.constants.shape(node.inputs[1]) if not self.taint.level(node.inputs[1]) else None
            turned = node.attributes.get("transB")
            return shape is not None and len(shape) > 1 and shape[-2 if turned else -1] <= 2
        return False


__all__ = ["later"]
