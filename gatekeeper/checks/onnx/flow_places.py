"""Operators that rearrange raw data: what becomes of its axes, and when single places or one sum are left."""

from __future__ import annotations

from collections.abc import Callable

from gatekeeper.checks.onnx import axes as ax
from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.axes import Axes
from gatekeeper.checks.onnx.graph import Attribute, Node
from gatekeeper.checks.onnx.taint import Taint

_END = 2**31
_MANY_PLACES = 64
"""An index that lists more places than this is an order of them, not a choice."""


def settle(marks: int, axes: Axes) -> int:
    """Note that one answer for the whole input is left, once no axis of positions is.

    A choice among decisions is a decision; a sum of decisions is a count. The mark stays when the answer is spread
    over positions again.
    """
    if not marks & m.RAW:
        return marks
    if axes is None:
        now = (m.PICKED if marks & m.PART_PICKED else 0) | (m.SUMMED if marks & m.PART_SUMMED else 0)
    elif "P" in axes:
        return marks
    else:
        now = m.PICKED if marks & m.PART_PICKED else m.SUMMED
    if not now or marks & m.ALONE:
        return marks | now
    if marks & m.ELEMENT:
        marks |= m.DECIDED if now & m.PICKED else m.COUNT
    return marks | now


def integers(node: Node, taint: Taint, attribute: str, operand: int) -> list[int] | None:
    """Give integers that are an attribute in old opsets and an operand in new ones; None when not known."""
    given: Attribute | None = node.attributes.get(attribute)
    if isinstance(given, int):
        return [given]
    if isinstance(given, tuple):
        return [number for number in given if isinstance(number, int)]
    if operand < len(node.inputs) and node.inputs[operand] >= 0:
        return taint.constants.whole(node.inputs[operand])
    return None


def axis_of(node: Node, default: int = 0) -> int:
    """Give the axis attribute of a node."""
    axis = node.attributes.get("axis", default)
    return axis if isinstance(axis, int) else default


def sliced(taint: Taint, node: Node, axes: Axes) -> tuple[Axes, int]:
    """Slices: a few fixed places are picked out, or positions are moved against each other, cropped, cut short.

    A slice from a size on, as the last position is found, picks.
    """
    starts, ends = integers(node, taint, "starts", 1), integers(node, taint, "ends", 2)
    which = integers(node, taint, "axes", 3)
    steps = integers(node, taint, "steps", 4)
    known = len(node.inputs) > 1 or starts is not None
    if which is None:
        count = len(starts) if starts is not None else len(ends) if ends is not None else 0
        which = list(range(count)) if len(node.inputs) < 4 or node.inputs[3] < 0 else None
    if which is None or not known:
        return axes, m.PART_PICKED
    marks = 0
    for at, axis in enumerate(which):
        if ax.at_axis(axes, axis) != "P":
            continue
        step = steps[at] if steps is not None and at < len(steps) else 1
        if abs(step) > 1 and abs(step) <= 8:
            continue  # every second pixel, as focus layers take them
        if starts is None or ends is None or at >= len(starts) or at >= len(ends):
            picked = starts is None or at >= len(starts)
        else:
            picked = step > 0 and ax.selected_share(starts[at], ends[at], _size(taint, node, axis, axes))
        if picked:
            marks |= m.PART_PICKED
            axes = ax.replaced(axes, axis, "F")
    return axes, marks


def _size(taint: Taint, node: Node, axis: int, axes: Axes) -> int | None:
    shape = taint.graph.values[node.inputs[0]].shape
    if shape is None or not -len(shape) <= axis < len(shape):
        return None
    return shape[axis]


def gathered(taint: Taint, node: Node, axes: Axes) -> tuple[Axes, int]:
    """Picks from raw data by an index that is no data: single places, or another order."""
    index = node.inputs[1] if len(node.inputs) > 1 else -1
    axis = axis_of(node)
    index_axes = taint.axes[index] if index >= 0 else None
    if taint.level(index) & m.RAW:
        marks = taint.marks[index]
        after = None
        if index_axes is not None and node.op == "Gather":
            after = ax.replaced(axes, axis, index_axes)
        elif index_axes is not None and _picks_rows(node, index_axes):
            after = ax.replaced(axes, 0, index_axes[:-1])
        if after is None and index_axes is not None and "P" in index_axes:
            after = "P"
        return after, m.PART_PICKED if marks & m.ALONE and ax.at_axis(axes, axis) == "P" else 0
    if node.op != "Gather":
        picked = taint.level(index) == 0
        return (None, m.PART_PICKED) if picked else (None if axes is None else "P", 0)
    letter = ax.at_axis(axes, axis)
    places = taint.constants.array(index)
    if taint.marks[index] & m.POSITIONS or (places is not None and places.size > _MANY_PLACES):
        return ax.replaced(axes, axis, letter), 0
    shape = taint.constants.shape(index)
    if letter != "P":
        return ax.replaced(axes, axis, "" if shape == () else "F" if index_axes is None else index_axes), 0
    by = "F" if shape is None else "".join("1" if size == 1 else "F" for size in shape)
    return ax.replaced(axes, axis, by), m.PART_PICKED


def _picks_rows(node: Node, index_axes: str) -> bool:
    """Tell whether a GatherND has indices of one number each, and so takes what a Gather of the first axis takes."""
    return node.op == "GatherND" and index_axes.endswith("1") and not node.attributes.get("batch_dims")


def split(taint: Taint, node: Node, axes: Axes) -> tuple[Axes, int]:
    """Parts of an axis: few fixed places each, or halves."""
    axis = axis_of(node)
    if ax.at_axis(axes, axis) != "P":
        return axes, 0
    size = _size(taint, node, axis, axes)
    parts = integers(node, taint, "split", 1)
    if parts is None:
        few = len(node.outputs) > 2
    else:
        few = any(part <= _MANY_PLACES and (size is None or part < size / 2) for part in parts)
    return (ax.replaced(axes, axis, "F"), m.PART_PICKED) if few else (axes, 0)


def reduce(taint: Taint, node: Node, axes: Axes) -> tuple[Axes, int]:
    """Reductions, global pools and finders of extremes: which axes go, and whether positions were among them."""
    if node.op.startswith("Global"):
        over: list[int] | None = None if axes is None else list(range(2, len(axes)))
        return _reduced(axes, over, keep=True)
    if node.op in ("ArgMax", "ArgMin"):
        keep = node.attributes.get("keepdims", 1) != 0
        return _reduced(axes, [axis_of(node)], keep=keep)
    if node.op == "TopK":
        return _reduced(axes, [axis_of(node, -1)], keep=True)
    over = integers(node, taint, "axes", 1)
    if over is None and len(node.inputs) > 1 and node.inputs[1] >= 0:
        return None, m.PART_SUMMED
    if not over and node.attributes.get("noop_with_empty_axes", 0):
        return axes, 0
    return _reduced(axes, over or None, keep=node.attributes.get("keepdims", 1) != 0)


def _reduced(axes: Axes, over: list[int] | None, *, keep: bool) -> tuple[Axes, int]:
    left, lost = ax.reduced(axes, over, keep)
    return left, m.PART_SUMMED if lost else 0


def moved(taint: Taint, node: Node, axes: Axes) -> Axes:
    """Changes of form."""
    first = node.inputs[0]
    if node.op == "Transpose":
        return ax.permuted(axes, integers(node, taint, "perm", 99))
    if node.op == "Unsqueeze":
        return ax.inserted(axes, integers(node, taint, "axes", 1))
    if node.op == "Squeeze":
        known = "axes" in node.attributes or len(node.inputs) > 1
        return ax.removed(axes, integers(node, taint, "axes", 1) if known else None)
    if node.op == "Flatten":
        return ax.reshaped(axes, [0, -1])
    if node.op == "Reshape":
        shape = integers(node, taint, "shape", 1)
        return _declared(taint, node, axes) if shape is None else ax.reshaped(axes, shape)
    return taint.axes[first]


def _declared(taint: Taint, node: Node, axes: Axes) -> Axes:
    """Take the rank that the file declares when a reshape's shape is computed."""
    shape = taint.graph.values[node.outputs[0]].shape if node.outputs else None
    if axes is None or shape is None or "P" not in axes:
        return ax.reshaped(axes, None)
    return ax.reshaped(axes, [-1 if size is None else size for size in shape])


Rearrange = Callable[[Taint, Node, Axes], tuple[Axes, int]]

PLACES: dict[str, Rearrange] = {"Slice": sliced, "Gather": gathered, "GatherND": gathered, "GatherElements": gathered,
                                "ArrayFeatureExtractor": gathered, "Split": split}  # fmt: skip
