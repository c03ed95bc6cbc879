"""What operators do to data that no learned layer has read yet, and to sizes."""

from __future__ import annotations

from gatekeeper.checks.onnx import axes as ax
from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.axes import Axes, broadcast
from gatekeeper.checks.onnx.flow_operands import plain
from gatekeeper.checks.onnx.flow_places import PLACES, moved, reduce, settle
from gatekeeper.checks.onnx.flow_products import Products
from gatekeeper.checks.onnx.graph import Node
from gatekeeper.checks.onnx.taint import Taint

_SMALL = 1e-3
"""A constant of at most this size, added, keeps a divisor from zero."""

_SIZE_DECISIONS = ops.COMPARE | ops.LOGIC | {"Sign", "Relu", "Exp", "Softmax", "Sigmoid", "Tanh", "Hardmax", "Erf"}
FLOATS = frozenset({1, 10, 11, 16, 17, 18, 19, 20})
_SHORT = frozenset({2, 3, 4, 5, 21, 22})
"""Integers of 16 bits and less, into which larger ones don't fit: they begin again at zero."""

_BOOL = 9


def raw_step(taint: Taint, index: int, node: Node, data: list[int]) -> None:
    """Mark the outputs of a node that reads sizes and raw data only."""
    joined = inputs = decided = 0
    for value in data:
        joined |= taint.marks[value]
        inputs |= taint.inputs[value]
        decided |= taint.decided[value]
    if not joined & m.RAW:
        _sizes(taint, node, data, joined, inputs)
        return
    flow = _Flow(taint, node, data, joined)
    marks, axes = flow.apply()
    if inputs & ~taint.singles:
        marks = settle(marks, axes)
    if marks & m.DECISION & ~joined:
        decided |= inputs
    if marks & (m.DECIDED | m.LENGTH):
        marks |= flow.rewritten()
    root = taint.root[node.inputs[0]] if node.op in ops.VIEW and node.inputs[0] in data else None
    taint.give(node, marks & ~m.LEARNED, inputs, decided, axes, root)
    if node.op == "TopK" and node.outputs[0] >= 0:
        taint.marks[node.outputs[0]] &= ~m.INDEX  # the values; the second output says where they stood


def _sizes(taint: Taint, node: Node, data: list[int], joined: int, inputs: int) -> None:
    """Mark what is made of sizes: positions, masks over positions, and decisions about the size itself."""
    everything = 0
    for value in node.inputs:
        if value >= 0:
            everything |= taint.marks[value]
            inputs |= taint.inputs[value]
    marks = (joined | (everything & m.LEVELS)) & ~(m.LENGTH | m.SIZES)
    sized_by_data = bool(everything & m.RAW)
    if node.op == "Cast" and node.attributes.get("to") in FLOATS:
        marks &= ~m.WHOLE
    if everything & (m.SIZED | m.COUNT) and sized_by_data:
        marks |= m.SIZED
    if sized_by_data and not joined & m.RAW:
        marks &= ~m.RAW
        marks |= m.SHAPE
    if node.op in ops.POSITIONAL or node.op in ("CumSum", "Trilu", "NonZero"):
        marks |= m.POSITIONS
    elif joined & m.LENGTH and not (joined & m.POSITIONS and node.op in _OF_POSITIONS):
        marks |= m.LENGTH
    if node.op in _SIZE_DECISIONS and not joined & m.POSITIONS:
        marks |= m.LENGTH
    if node.op in ("Cos", "Sin") and joined & m.POSITIONS:
        marks = (marks | m.ANGLE) & ~m.LENGTH
    first = node.inputs[0] if node.inputs else -1
    same = first >= 0 and (node.op in ops.VIEW or (node.op in ("Slice", "Gather") and _uniform(taint, first)))
    root = taint.root[first] if same else None
    taint.give(
        node, marks | m.SHAPE, inputs, inputs if marks & m.LENGTH else 0, "P" if marks & m.POSITIONS else "F", root
    )


def _uniform(taint: Taint, value: int) -> bool:
    return taint.constants.number(taint.root[value]) is not None


_OF_POSITIONS = ops.PICK | {"Mul", "MatMul", "Cos", "Sin"}
"""What makes angles of positions; a factor that was chosen by length is then one of them."""


class _Flow(Products):
    """One node on raw data."""

    def apply(self) -> tuple[int, Axes]:
        """Give the marks and axes of the outputs."""
        op, joined = self.node.op, self.joined
        if self.node.domain not in ops.STANDARD:
            return joined | m.ELEMENT | m.COUNT | m.SUMMED, None  # nobody knows: it may have counted anything
        if op == "TfIdfVectorizer":
            return joined & ~(m.TOKEN | m.TEXT) | m.COUNT | m.SUMMED, ax.replaced(self.axes, -1, "F")
        if op in ops.COMPARE:
            return self.compare(), self.axes
        if op in PLACES:
            return self.places()
        if op in ops.SUM or op in ops.EXTREME or op in ops.FIND:
            return self.reduce()
        if op in ("Add", "Sub", "Sum", "Mean"):
            return self.add(), self.axes
        if op in ("Mul", "Div", "Pow"):
            return self.multiply(), self.axes
        if op in ops.PRODUCT:
            return self.product()
        if op in ops.KERNEL or op in ops.POOL:
            return self.window()
        if op in ops.BOUND:
            return self.bound(), self.axes
        if op in ops.CURVED:
            return self.curve(), self.axes
        return self.other()

    def other(self) -> tuple[int, Axes]:
        """Handle operators of their own kind, and all others as decisions."""
        op, joined, first = self.node.op, self.joined, self.node.inputs[0]
        if op == "Cast":
            return self.cast(), self.axes
        if op in ops.VIEW and op not in ("Identity", "Expand", "CastLike"):
            return joined, moved(self.taint, self.node, self.taint.axes[first])
        if op == "Where":
            return self.where(), self.axes
        if op in ("CumSum", "Range"):
            return joined | m.POSITIONS | m.RUNNING, "P" if op == "Range" else self.axes
        if op in ("NonZero", "Unique", "Compress"):
            index = m.INDEX if op == "NonZero" else 0
            return (joined & ~m.ELEMENT if index else joined) | m.SIZED | index, "FP" if index else None
        if op == "OneHot":
            return self.compare(), None if self.axes is None else self.axes + "F"
        if op in ops.SCATTER:
            return self.scatter()
        if op == "Concat":
            whole = any(plain(self.taint.marks[value]) for value in self.data)
            if whole and not joined & m.DECISION:  # all positions again, however they were cut
                joined &= ~(m.PICKED | m.PART_PICKED)
            return joined, self.concat_axes()
        if op == "SpaceToDepth":
            return joined, ax.replaced(self.axes, 1, "P")
        if op in ops.MOVE or op in ops.LINEAR:
            return joined, self.axes
        if op in ops.NORM:
            return (self.decide(joined) if joined & (m.OFFSET | m.ELEMENT | m.PICKED) else joined), self.axes
        if op in ("Cos", "Sin"):
            return self.decide(joined) | m.ANGLE if joined & m.ALONE else joined | m.ANGLE, self.axes
        if op in ("Split", "Tokenizer"):
            return joined, None
        if op in ops.ENTIRE_TEXT and joined & m.TEXT:
            return (joined | m.DECIDED) & ~m.TEXT, self.axes
        if op in ops.LOGIC:
            return self.decide(joined), self.axes
        if op in ops.TREES:
            return settle(joined | m.PART_SUMMED | m.ELEMENT, None) | m.DECIDED, None
        return self.decide(joined), self.axes

    def scatter(self) -> tuple[int, Axes]:
        """Give the marks of data written to places that data say: a histogram of tokens tells them apart."""
        first, *others = self.node.inputs
        index, written = others[0] if others else -1, others[1:]
        marks = self.taint.marks[first]
        for value in written:
            marks |= self.taint.marks[value] if value >= 0 else 0
        if self.taint.level(index) & m.RAW:
            marks |= (self.taint.marks[index] & ~(m.TOKEN | m.WHOLE | m.INDEX)) | m.ELEMENT
        axes = self.taint.axes[first]
        known = axes if axes is not None and "P" in axes else None if axes is None else axes[:-1] + "P" if axes else "P"
        return marks, known

    def concat_axes(self) -> Axes:
        """Give the axes after joining: what is joined along becomes positions when any of it is."""
        known = [self.taint.axes[value] for value in self.data]
        return broadcast(known) if None not in known and len({len(axes or "") for axes in known}) == 1 else None

    def compare(self) -> int:
        """Give the marks of a comparison; held against positions, a place or a count gives a mask over them."""
        joined = self.joined & ~(m.WHOLE | m.OFFSET | m.RATIO | m.TEXT)
        positions = any(
            self.taint.marks[value] & m.POSITIONS and not self.taint.marks[value] & m.RUNNING for value in self.data
        ) or (self.node.op == "OneHot")
        running = [value for value in self.data if self.taint.marks[value] & m.RUNNING]
        plain = joined & ~(m.ALONE | m.COUNT | m.INDEX | m.RUNNING | m.TOKEN | m.PART_PICKED | m.PART_SUMMED)
        if positions and not joined & m.DECIDED and (joined & (m.COUNT | m.INDEX) or not joined & m.TOKEN):
            return (plain | m.ELEMENT) & ~m.POSITIONS
        if len(running) > 1 and not joined & (m.DECIDED | m.ALONE):
            return plain | m.ELEMENT
        return self.decide(joined) & ~m.POSITIONS

    def places(self) -> tuple[int, Axes]:
        """Give the marks of what is picked; a table without trained weights may be any function of its index."""
        first, index = self.node.inputs[0], self.node.inputs[1] if len(self.node.inputs) > 1 else -1
        lookup = self.node.op in ops.PICK and not self.taint.marks[first] & m.RAW
        if lookup:
            marks = self.taint.marks[index]
            if self.taint.constants.number(self.taint.root[first]) is not None:
                return m.SHAPE, self.taint.axes[index]  # whatever the index, the same number comes out
            if self.taint.constants.trained(first) and not marks & m.DECISION:
                kept = marks & ~(m.WHOLE | m.TOKEN | m.PICKED | m.PART_PICKED)
                return kept | m.WEIGHED, self.taint.axes[index]
            found = self.decide(marks & ~m.INDEX if marks & m.ALONE else marks) & ~(m.WHOLE | m.TOKEN)
            if not self.taint.level(first) and self.taint.constants.trained(first):
                found |= m.WEIGHT
            return found | (m.PATTERN if self.wide(first) else 0), self.taint.axes[index]
        axes, marks = PLACES[self.node.op](self.taint, self.node, self.taint.axes[first])
        joined = self.joined
        if self.node.op in ops.PICK and index >= 0:
            joined = self.taint.marks[first] | (self.taint.marks[index] & (m.RAW | m.DECIDED | m.SIZED))
        return joined | marks, axes

    def reduce(self) -> tuple[int, Axes]:
        """Give the marks of a reduction."""
        node, joined = self.node, self.joined
        axes, marks = reduce(self.taint, node, self.taint.axes[node.inputs[0]])
        if node.op in ops.FIND:
            if joined & m.PICKED or not marks:
                return self.decide(joined) | marks, axes
            found = joined & ~(m.ELEMENT | m.TOKEN | m.OFFSET)
            return found | marks | m.INDEX | m.SUMMED | m.WHOLE, axes
        curved = node.op in ("ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")
        if joined & m.PICKED and (node.op in ops.EXTREME or curved):
            return self.decide(joined) | marks, axes
        before = joined & ~m.POSITIONS & ~m.RUNNING
        after = settle(before | marks, axes)
        if node.op in ops.EXTREME and not joined & m.ALONE and after & m.ALONE and joined & (m.ELEMENT | m.RUNNING):
            after = (after | m.DECIDED) & ~m.COUNT
        elif node.op in ops.EXTREME and after & m.ALONE and joined & m.OFFSET and not joined & m.DECIDED:
            after |= m.COUNT
        if joined & m.SIZED and not joined & m.RAW:
            after |= m.COUNT
        return after, axes

    def add(self) -> int:
        """Give the marks of a sum; a constant in it, unless tiny, sets a point that the input is held against."""
        joined = self.joined
        most = 1.0 if joined & (m.COUNT | m.INDEX) else _SMALL
        for value in self.data:
            if self.taint.level(value) & m.RAW:
                continue
            if joined & (m.COUNT | m.INDEX) and self.taint.level(value):
                continue  # from the end: a size less a place
            number = self.taint.constants.number(value)
            if number is None or abs(number) > most:
                joined |= m.OFFSET
        if joined & m.GUARD and joined & m.OFFSET:
            joined = self.decide(joined & ~m.GUARD)
        return joined

    def cast(self) -> int:
        """Give the marks of a change of type: to bool it is a comparison with zero, to integers it rounds."""
        to = self.node.attributes.get("to")
        if to == _BOOL:
            source = self.taint.graph.values[self.node.inputs[0]].dtype
            return self.joined if source == _BOOL else self.compare()
        if to in FLOATS:
            return self.joined & ~m.WHOLE
        if to not in _SHORT and self.joined & (m.WHOLE | m.DECIDED | m.ELEMENT):
            return self.joined | m.WHOLE
        return self.bound() | m.WHOLE

    def where(self) -> int:
        """Give the marks of a choice: what is chosen keeps being a place or a count only when both sides are."""
        condition, *sides = self.node.inputs
        marks = self.taint.marks[condition]
        chosen = 0
        for value in sides:
            chosen |= self.taint.marks[value]
        result = chosen | (marks & ~(m.INDEX | m.COUNT | m.POSITIONS | m.RUNNING | m.TOKEN | m.PATTERN))
        if marks & m.ALONE and marks & m.RAW and not chosen & m.INDEX:
            result |= m.DECIDED
        if marks & m.RAW and marks & (m.ELEMENT | m.DECIDED):
            if any(self.wide(value) for value in sides):
                result |= m.PATTERN
            if marks & m.DECIDED and any(self.matrix(value) and self.taint.constants.trained(value) for value in sides):
                result |= m.WEIGHT
        return result
