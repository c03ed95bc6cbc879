"""What the axes of a raw value stand for, as far as can be told without running the graph.

One letter an axis: `P` positions (tokens, pixels, samples, nodes), `B` the batch, `F` a few features (colours,
coordinates) or fixed places, `1` a single one. None when the rank isn't known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

Axes: TypeAlias = "str | None"

_FEATURES = 4
"""Axes of this fixed size or less are colours or coordinates, no positions."""

_ORDER = "1FBP"


def axes_of_input(shape: tuple[int | None, ...] | None) -> Axes:
    """Give the axes of an input of the graph from its declared shape."""
    if shape is None:
        return None
    letters = []
    for at, size in enumerate(shape):
        if size == 1:
            letters.append("B" if at == 0 and len(shape) > 1 else "1")
        elif size is not None and size <= _FEATURES:
            letters.append("F")
        elif at == 0 and len(shape) > 1 and size is None:
            letters.append("B")
        else:
            letters.append("P")
    if "P" not in letters and "F" in letters and letters[0] == "B":
        letters[0] = "P"  # any number of points with their coordinates
    return "".join(letters)


def axes_of_constant(shape: tuple[int, ...]) -> str:
    """Give the axes of a constant: none of them holds positions of the input."""
    return "".join("1" if size == 1 else "F" for size in shape)


def broadcast(all_axes: Sequence[Axes]) -> Axes:
    """Give the axes of an elementwise result."""
    known = [axes for axes in all_axes if axes is not None]
    if len(known) < len(all_axes):
        return None
    if len(set(known)) == 1:
        return known[0]
    rank = max(map(len, known), default=0)
    padded = [axes.rjust(rank, "1") for axes in known]
    return "".join(max(column, key=_ORDER.index) for column in zip(*padded, strict=True))


def reduced(axes: Axes, over: Sequence[int] | None, keep: bool) -> tuple[Axes, bool]:
    """Take axes away.

    Args:
        axes: Before.
        over: Which; None for all, or when that isn't known.
        keep: Whether they stay with size 1.

    Returns:
        The axes after, and whether positions were among those taken away.
    """
    if axes is None:
        return None, True
    gone = set(range(len(axes))) if over is None else {at % len(axes) for at in over if axes}
    lost = any(axes[at] == "P" for at in gone)
    left = [("1" if at in gone else letter) for at, letter in enumerate(axes) if keep or at not in gone]
    return "".join(left), lost


def at_axis(axes: Axes, axis: int) -> str:
    """Give the letter of one axis; `P` when it isn't known."""
    if axes is None or not axes or not -len(axes) <= axis < len(axes):
        return "P"
    return axes[axis]


def replaced(axes: Axes, axis: int, by: str) -> Axes:
    """Put other axes in the place of one."""
    if axes is None or not axes or not -len(axes) <= axis < len(axes):
        return None
    axis %= len(axes)
    return axes[:axis] + by + axes[axis + 1 :]


def inserted(axes: Axes, where: Sequence[int] | None) -> Axes:
    """Insert axes of size 1, at places counted in the result."""
    if axes is None or where is None:
        return None
    rank = len(axes) + len(where)
    places = {at % rank for at in where}
    rest = iter(axes)
    return "".join("1" if at in places else next(rest, "1") for at in range(rank))


def removed(axes: Axes, where: Sequence[int] | None) -> Axes:
    """Remove axes of size 1; all that there are when it isn't said which."""
    if axes is None:
        return None
    if where is None:
        return axes.replace("1", "")
    gone = {at % len(axes) for at in where} if axes else set()
    return "".join(letter for at, letter in enumerate(axes) if at not in gone)


def reshaped(axes: Axes, shape: Sequence[int] | None) -> Axes:
    """Give the axes after a reshape, to a shape that is known or not: cut or merged, positions stay positions."""
    if axes is None or shape is None:
        return None if axes is None or "P" in axes else axes.replace("1", "") or "1"
    if list(shape) in ([-1], [0, -1]) and "P" not in axes:
        return "F" * len(shape)
    if "P" not in axes:
        return "".join("1" if size == 1 else "F" for size in shape)
    letters = []
    for at, size in enumerate(shape):
        same = size == 0 and at < len(axes)
        letters.append(axes[at] if same else "1" if size == 1 else "B" if at == 0 and axes[0] == "B" else "P")
    if "P" not in letters:
        letters = ["P" if letter == "B" else letter for letter in letters]
    return "".join(letters)


def permuted(axes: Axes, order: Sequence[int] | None) -> Axes:
    """Give the axes after a transpose; reversed when no order is given."""
    if axes is None:
        return None
    if order is None:
        return axes[::-1]
    return "".join(axes[at] for at in order) if sorted(order) == list(range(len(axes))) else None


def selected_share(start: int, end: int, size: int | None) -> bool:
    """Tell whether a slice picks a few fixed places rather than cropping or shifting.

    Args:
        start: First place; negative counts from the end.
        end: One after the last; negative counts from the end, beyond `2**31` is the end itself.
        size: Places there are; None when not fixed.
    """
    if size is not None:
        first, last = _clamp(start, size), _clamp(end, size)
        return 0 < max(last - first, 0) < size / 2
    open_end = end >= 2**31 - 1
    if start < 0:
        return True
    if open_end or end < 0:
        return False
    return not (start == 0 and end >= 64)


def _clamp(at: int, size: int) -> int:
    return min(max(at + size if at < 0 else at, 0), size)
