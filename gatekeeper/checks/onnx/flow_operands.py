"""One node on raw data: what its operands are, and what deciding and bounding do to marks."""

from __future__ import annotations

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.axes import broadcast
from gatekeeper.checks.onnx.graph import Node
from gatekeeper.checks.onnx.taint import Taint

_VECTOR = 8
_SCALING = frozenset({"Mul", "Div", "Max", "Min", "Clip"})


class Operands:
    """One node on raw data.

    Args:
        taint: What is known of its operands.
        node: The node.
        data: Its operands that carry data.
        joined: Their marks.
    """

    def __init__(self, taint: Taint, node: Node, data: list[int], joined: int) -> None:
        self.taint = taint
        self.node = node
        self.data = data
        self.joined = joined
        self.raw = [value for value in data if taint.marks[value] & m.RAW]
        self.axes = broadcast([taint.axes[value] for value in data])

    def decide(self, marks: int) -> int:
        """Give the marks of a function that can tell values apart."""
        if marks & m.DECIDED:
            return marks & ~(m.TOKEN | m.INDEX | m.COUNT | m.GUARD)
        if marks & m.ALONE or (marks & m.RUNNING and not marks & m.GUARD):
            return (marks | m.DECIDED) & ~(m.TOKEN | m.INDEX | m.COUNT | m.GUARD)
        return (marks | m.ELEMENT) & ~m.TOKEN

    def rewritten(self) -> int:
        """Tell whether a decision met the input itself, and which kind of change it makes."""
        op = self.node.op
        if op in ops.COMPARE or op in ops.LOGIC or op in ops.VIEW or op in ops.PICK:
            return 0
        deciding = [value for value in self.data if self.taint.marks[value] & (m.DECIDED | m.LENGTH)]
        changed = [value for value in self.data if plain(self.taint.marks[value])]
        if not deciding or not changed:
            return 0
        if op == "Concat" and not self.joined & m.TOKEN:
            return 0
        return m.SCALED if op in _SCALING and not self.joined & m.TOKEN else m.REWRITTEN

    def whole(self, value: int) -> bool:
        """Tell whether a value holds integers, as far as is known."""
        return value >= 0 and bool(self.taint.marks[value] & m.WHOLE)

    def wide(self, value: int) -> bool:
        """Tell whether a constant is a vector that isn't the same number all over."""
        if value < 0 or self.taint.level(value):
            return False
        shape = self.taint.constants.shape(value)
        return shape is not None and shape[-1:] >= (_VECTOR,) and self.taint.constants.number(value) is None

    def matrix(self, value: int) -> bool:
        """Tell whether a constant is a matrix or larger."""
        shape = self.taint.constants.shape(value) if value >= 0 and not self.taint.level(value) else None
        return shape is not None and sum(size >= _VECTOR for size in shape) > 1

    def guards(self) -> bool:
        """Tell whether a bound only keeps a number from being zero or negative."""
        op, node = self.node.op, self.node
        if op == "Relu":
            return True
        if op == "Div":
            return bool(self.joined & m.COUNT)
        if op == "Clip":
            low = self.bound_of("min", 1)
            high = self.bound_of("max", 2)
            return low is not None and 0 <= low <= 1 and (high is None or high > 1e6)
        if op == "Max":
            others = [self.taint.constants.number(value) for value in node.inputs if value not in self.raw]
            return bool(others) and all(number is not None and 0 <= number <= 1 for number in others)
        return False

    def bound(self) -> int:
        """Give the marks of bounding and rounding."""
        joined = self.joined
        if joined & m.DECIDED:
            return joined
        if joined & (m.ALONE | m.RUNNING):
            if joined & (m.INDEX | m.POSITIONS) and not joined & m.OFFSET:
                return joined
            if self.guards() and not joined & (m.PICKED | m.OFFSET):
                return joined | m.GUARD
            return self.decide(joined & ~m.GUARD)
        return joined | m.ELEMENT if joined & (m.TOKEN | m.OFFSET) else joined

    def curve(self) -> int:
        """Give the marks of roots, powers and logarithms."""
        joined, op = self.joined, self.node.op
        if joined & m.ALONE:
            if not joined & m.DECIDED and joined & (m.PICKED | m.OFFSET):
                return self.decide(joined & ~m.GUARD)
        elif (joined & m.OFFSET and op in ("Reciprocal", "Pow", "Log")) or (joined & m.TOKEN and op != "Abs"):
            joined |= m.ELEMENT
        return (joined | m.RATIO) & ~m.GUARD if op == "Reciprocal" else joined

    def bound_of(self, attribute: str, operand: int) -> float | None:
        """Give a bound that is an attribute in old opsets and an operand in new ones."""
        given = self.node.attributes.get(attribute)
        if isinstance(given, int | float):
            return float(given)
        inputs = self.node.inputs
        return self.taint.constants.number(inputs[operand]) if operand < len(inputs) else None


def plain(marks: int) -> bool:
    """Tell whether marks are those of input data as they came, position by position."""
    settled = m.DECIDED | m.LENGTH | m.ALONE | m.COUNT | m.INDEX | m.POSITIONS | m.RUNNING
    return bool(marks & m.RAW) and not marks & settled
