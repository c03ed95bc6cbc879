"""What one node does to marks: constants, control flow, learned layers; the rest goes to `flow_raw`."""

from __future__ import annotations

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.axes import broadcast
from gatekeeper.checks.onnx.constants import WIDTH
from gatekeeper.checks.onnx.flow_later import later
from gatekeeper.checks.onnx.flow_operands import plain
from gatekeeper.checks.onnx.flow_places import settle
from gatekeeper.checks.onnx.flow_raw import FLOATS, raw_step
from gatekeeper.checks.onnx.graph import CONTROL, Node
from gatekeeper.checks.onnx.meetings import meetings_of, weights_meeting
from gatekeeper.checks.onnx.suspicion import SuspicionKind
from gatekeeper.checks.onnx.taint import Taint

Carried = dict[int, tuple[int, int, int]]

_PLAIN = ops.LINEAR | ops.MOVE | ops.COMPARE | ops.LOGIC | ops.BOUND | ops.CURVED | ops.SUM | ops.EXTREME | ops.NORM
_NO_LAYER = _PLAIN | ops.VIEW | ops.SCATTER | ops.FIND | ops.POOL | ops.MEASURE | {
    "Slice", "Split", "CumSum", "OneHot", "ConstantOfShape", "Range", "NonZero", "Softmax", "LogSoftmax",
}  # fmt: skip
"""Operators that hold no trained weights, whatever constants they are given."""


def step(taint: Taint, index: int, node: Node, carried: Carried) -> None:
    """Mark the outputs of one node."""
    joined = 0
    for value in node.inputs:
        if value >= 0:
            joined |= taint.marks[value]
    if node.domain == CONTROL:
        _control(taint, index, node, carried, joined)
    elif node.op in ops.CHANCE:
        shape = node.attributes.get("shape")
        single = isinstance(shape, tuple) and all(size == 1 for size in shape)
        taint.give(node, m.RAW | m.CHANCE | (joined & m.LEARNED) | (m.PICKED if single else 0), 0, 0, None)
    elif not joined & m.LEVELS:
        _constant(taint, node)
    elif node.op in ops.MEASURE:
        _measure(taint, node, joined)
    else:
        _compute(taint, index, node, joined)


def _constant(taint: Taint, node: Node) -> None:
    taint.constants.compute(node)
    shape = taint.constants.shape(node.outputs[0]) if node.outputs else None
    floats = node.op == "Cast" and node.attributes.get("to") in FLOATS
    whole = m.WHOLE if not floats and any(value >= 0 and taint.marks[value] & m.WHOLE for value in node.inputs) else 0
    axes = None if shape is None else "".join("1" if size == 1 else "F" for size in shape)
    taint.give(node, whole, 0, 0, axes)


def _measure(taint: Taint, node: Node, joined: int) -> None:
    """Mark the size of a value; where its data decide how large it is, the size is data."""
    source = node.inputs[0]
    inputs = taint.inputs[source]
    if joined & m.LEARNED:
        taint.give(node, (m.LEARNED if joined & m.SIZED else m.SHAPE) | m.WHOLE, 0, 0, "F")
    elif joined & m.SIZED:
        marks = m.RAW | m.WHOLE | m.COUNT | m.SUMMED | (joined & m.DECIDED)
        taint.give(node, marks, inputs, inputs, "F")
    elif joined & m.SIZES:
        taint.give(node, m.WHOLE, 0, 0, "F")  # the rank: the same for every input
    else:
        taint.give(node, m.SHAPE | m.WHOLE | (m.SIZES if node.op == "Shape" else 0), inputs, 0, "F")


def _compute(taint: Taint, index: int, node: Node, joined: int) -> None:
    data = _data(taint, node)
    if _is_layer(taint, node, joined, data):
        _layer(taint, index, node, data)
    elif any(taint.marks[value] & m.LEARNED for value in data):
        meetings_of(taint, index, node, data)
        later(taint, index, node, data)
    else:
        raw_step(taint, index, node, data)


def _data(taint: Taint, node: Node) -> list[int]:
    """Give the operands that carry data: sizes and places do so only when a decision stands in them."""
    shaped = ops.shaped_operands(node.op)
    found = []
    for at, value in enumerate(node.inputs):
        if value < 0:
            continue
        if at in shaped and not (taint.marks[value] & m.DECIDED and taint.marks[value] & m.RAW):
            continue
        found.append(value)
    return found


def _is_layer(taint: Taint, node: Node, joined: int, data: list[int]) -> bool:
    if node.op in _NO_LAYER and node.domain in ops.STANDARD:
        return False
    if node.op in ops.TREES:
        return not joined & m.TOKEN  # tokens have no order that trees could split
    for at, value in enumerate(node.inputs):
        if value < 0:
            continue
        chosen = taint.marks[value] & m.WEIGHT
        if chosen or (not taint.marks[value] & m.LEVELS and taint.constants.trained(value)):
            shape = None if chosen else taint.constants.shape(value)
            if _wide(node, at, shape) and _reads_data(taint, node, value):
                return True
    return False


def _reads_data(taint: Taint, node: Node, weights: int) -> bool:
    """Tell whether anything but sizes goes through weights: tables of positions are constants as well."""
    marks = [taint.marks[value] for value in node.inputs if value >= 0 and value != weights]
    return any(mark & (m.RAW | m.LEARNED) for mark in marks) or bool(taint.marks[weights] & (m.RAW | m.LEARNED))


def _wide(node: Node, at: int, shape: tuple[int, ...] | None) -> bool:
    """Tell whether weights of this shape give a vector for each of several numbers that go in."""
    if shape is None:
        return True
    if node.op in ops.PICK:
        axis = node.attributes.get("axis", 0)
        rows = shape[axis] if isinstance(axis, int) and shape and -len(shape) <= axis < len(shape) else 1
        return at == 0 and rows > 0 and _elements(shape) // rows >= WIDTH
    if node.op in ops.KERNEL:
        channels = shape[1] if node.op == "ConvTranspose" and len(shape) > 1 else shape[0] if shape else 0
        return channels >= WIDTH
    if node.op in ops.PRODUCT and len(shape) >= 2:
        row, column = (shape[-2], shape[-1]) if at else (shape[-1], shape[-2])
        if node.op == "Gemm" and node.attributes.get("transB" if at else "transA"):
            row, column = column, row
        if node.op == "Einsum":
            row, column = max(row, column), max(row, column)
        return column >= WIDTH and row > 1
    return node.op not in ops.PRODUCT


def _elements(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _layer(taint: Taint, index: int, node: Node, data: list[int]) -> None:
    """Mark what a learned layer gives, and look at what it is given."""
    raw = [value for value in data if taint.marks[value] & m.RAW and not taint.marks[value] & m.LEARNED]
    learned = any(taint.marks[value] & m.LEARNED for value in data)
    for value in raw:
        marks = taint.marks[value]
        if marks & m.WEIGHT:
            others = [other for other in data if other != value]
            positions = bool(others) and not any(taint.marks[other] & (m.RAW | m.LEARNED) for other in others)
            weights_meeting(taint, index, value, positions=positions)
            continue
        if not learned or node.op in ops.PICK:
            taint.content |= taint.inputs[value]
        if marks & m.REWRITTEN and not marks & m.DECIDED:
            taint.meet(index, value, value, SuspicionKind.LENGTH, "rewrite")
        elif marks & (m.REWRITTEN | m.SCALED):
            taint.meet(index, value, value, SuspicionKind.REWRITE, "rewrite" if marks & m.REWRITTEN else "scale")
        elif marks & m.DECIDED and not marks & (m.INDEX | m.COUNT) and (marks & m.WHOLE or _about_tokens(taint, value)):
            taint.meet(index, value, value, SuspicionKind.LOOKUP, "look up" if node.op in ops.PICK else "project")
        elif node.op in ops.PICK and marks & m.ELEMENT and not marks & (m.POSITIONS | m.INDEX | m.COUNT):
            taint.meet(index, value, value, SuspicionKind.POSITION, "rewrite")
    if learned and len(raw) > 0:
        meetings_of(taint, index, node, data)
    extra = 0 if learned else m.LOOKED_UP if node.op in ops.PICK else m.FIRST if node.op in ops.KERNEL else 0
    for value in data:
        if taint.marks[value] & m.ADDED and taint.marks[value] & m.WEIGHT:
            taint.meet(index, value, value, SuspicionKind.ACTIVATION, "weights")
    if node.op in ops.TREES:
        extra |= m.NARROW | m.COMPARED
    taint.give(node, m.LEARNED | extra, 0, 0, None)


def _about_tokens(taint: Taint, value: int) -> bool:
    decided = taint.decided[value]
    return any(decided >> bit & 1 and taint.marks[number] & m.TOKEN for bit, number in enumerate(taint.graph.inputs))


def _control(taint: Taint, index: int, node: Node, carried: Carried, joined: int) -> None:
    if node.op == "Turn":
        taint.give(node, m.SHAPE | m.POSITIONS | m.WHOLE, 0, 0, "")
    elif node.op == "Carry":
        _carry(taint, node, carried)
    elif node.op == "Element":
        _element(taint, node)
    elif node.op == "Branch":
        _branch(taint, index, node)
    elif node.op == "Leave":
        _leave(taint, index, node)
    elif node.op == "Stack":
        _stack(taint, node)
    else:
        inputs, decided = _unite(taint, node.inputs)
        taint.give(node, joined, inputs, decided, None)


def _unite(taint: Taint, values: tuple[int, ...] | list[int]) -> tuple[int, int]:
    inputs = decided = 0
    for value in values:
        if value >= 0:
            inputs |= taint.inputs[value]
            decided |= taint.decided[value]
    return inputs, decided


def _carry(taint: Taint, node: Node, carried: Carried) -> None:
    start = node.inputs[0] if node.inputs else -1
    marks = taint.marks[start] if start >= 0 else 0
    inputs, decided = _unite(taint, node.inputs)
    axes = taint.axes[start] if start >= 0 else None
    extra = carried.get(node.outputs[0])
    if extra is not None:
        marks |= extra[0]
        if extra[0] & m.RAW and not extra[0] & m.LEARNED:
            marks |= m.SUMMED  # what goes round gathers what the turns saw of the input
            if extra[0] & m.ELEMENT:
                marks |= m.COUNT
        inputs, decided, axes = inputs | extra[1], decided | extra[2] | extra[1], None
    if not marks & m.LEVELS:
        marks |= m.SHAPE | m.POSITIONS  # a counter, or what is gathered before the first turn
    if marks & m.LEARNED:
        inputs = decided = 0
        marks &= m.LEARNED | m.WHOLE
    taint.give(node, marks, inputs, decided, axes)


def _element(taint: Taint, node: Node) -> None:
    source = node.inputs[0]
    marks = taint.marks[source]
    # One position a turn: what is decided about it is decided for every position on its own.
    taint.give(node, marks & ~m.LATER, taint.inputs[source], taint.decided[source], None)


def _branch(taint: Taint, index: int, node: Node) -> None:
    condition, *branches = node.inputs
    data = [value for value in branches if value >= 0]
    inputs, decided = _unite(taint, node.inputs)
    axes = broadcast([taint.axes[value] for value in data]) if data else None
    same_view = len({taint.root[value] for value in data}) == 1 and len(data) > 1
    joined = 0
    for value in data:
        joined |= taint.marks[value]
    if same_view:
        taint.give(node, joined, inputs, decided, None, taint.root[data[0]])
        return
    deciding = taint.marks[condition] if condition >= 0 else 0
    if joined & m.LEARNED:
        if deciding & (m.DECIDED | m.LENGTH | m.COUNT | m.SUMMED | m.PICKED):
            learned = next(value for value in data if taint.marks[value] & m.LEARNED)
            kind = SuspicionKind.LENGTH if not deciding & m.RAW else SuspicionKind.BRANCH
            taint.meet(index, condition, learned, kind, "branch")
        elif deciding & m.LEARNED and deciding & m.COMPARED:
            taint.meet(index, condition, data[0], SuspicionKind.ACTIVATION, "branch")
        taint.give(node, m.LEARNED, 0, 0, None)
        return
    marks = joined | (deciding & (m.RAW | m.SHAPE | m.DECIDED | m.LENGTH | m.CHANCE))
    if deciding & m.RAW:
        marks |= m.DECIDED
        if any(plain(taint.marks[value]) for value in data):
            marks |= m.REWRITTEN
        if any(not taint.level(value) and taint.constants.trained(value) for value in data):
            marks |= m.WEIGHT
    taint.give(node, marks & ~m.LEARNED, inputs, decided or inputs, axes)


def _leave(taint: Taint, index: int, node: Node) -> None:
    count, condition, *data = node.inputs
    present = [value for value in data if value >= 0]
    joined = 0
    for value in present:
        joined |= taint.marks[value]
    inputs, decided = _unite(taint, node.inputs)
    gates = [value for value in (count, condition) if value >= 0]
    deciding = 0
    for value in gates:
        deciding |= taint.marks[value]
    if joined & m.LEARNED:
        learned = next(value for value in present if taint.marks[value] & m.LEARNED)
        for gate in gates:
            marks = taint.marks[gate]
            if marks & m.LEARNED:
                if marks & m.COMPARED:
                    taint.meet(index, gate, learned, SuspicionKind.ACTIVATION, "loop")
            elif marks & m.RAW and marks & m.DECIDED:
                taint.meet(index, gate, learned, SuspicionKind.LOOP, "loop")
            elif marks & m.LENGTH:
                taint.meet(index, gate, learned, SuspicionKind.LENGTH, "loop")
        taint.give(node, joined & ~(m.LATER | m.RAW), 0, 0, None)
        return
    marks = joined | (deciding & (m.RAW | m.DECIDED))
    last = data[-1] if data else -1
    if last >= 0 and taint.marks[last] & m.RAW and taint.root[last] != taint.root[data[0]]:
        marks |= m.SUMMED
        if marks & m.ELEMENT:
            marks |= m.COUNT
    taint.give(node, settle(marks, None), inputs, decided, None)


def _stack(taint: Taint, node: Node) -> None:
    source = node.inputs[-1]
    inputs, decided = _unite(taint, [source])
    marks = taint.marks[source] if source >= 0 else 0
    taint.give(node, marks & ~m.LATER, inputs, decided, None)
