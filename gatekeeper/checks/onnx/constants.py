"""What the constants of a graph are: weights that were trained, or numbers that somebody wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekeeper.checks.onnx.graph import Attribute, Constant, Graph, Node

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

WIDTH = 8
"""Numbers that one row of trained weights gives at least."""

_WEIGHTS = 64
_UNREAD_WEIGHTS = 128
_DISTINCT = 24
_FOLDED = 1_024
_SAMPLE = 512

_NUMPY = {1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8", 12: "u4",
          13: "u8"}  # fmt: skip
"""`onnx.TensorProto.DataType` → how numpy writes it."""

_ACROSS = frozenset(
    {"Cast", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "DequantizeLinear", "Expand",
     "Concat", "Mul", "Div", "Add", "Sub", "Slice", "Split", "Pad", "Neg", "CastLike"}
)  # fmt: skip
"""Operators whose result is weights when an operand is: layouts, scales, storage types."""


class Constants:
    """Answers for the constants of one graph; small ones that are computed are reckoned out."""

    def __init__(self, graph: Graph) -> None:
        self._values = graph.values
        self._arrays: dict[int, Array] = {}
        self._trained: dict[int, bool] = {}
        self._by_identity: dict[int, bool] = {}

    def array(self, value: int) -> Array | None:
        """Give the elements of a small constant; None when they aren't known."""
        if value < 0:
            return None
        constant = self._values[value].constant
        if constant is not None:
            return constant.data if constant.elements <= _FOLDED else None
        return self._arrays.get(value)

    def whole(self, value: int) -> list[int] | None:
        """Give the elements of a small constant of integers, flattened."""
        array = self.array(value)
        if array is None or array.dtype.kind not in "iub":
            return None
        return [int(number) for number in array.reshape(-1)]

    def number(self, value: int) -> float | None:
        """Give the only element of a constant, or the one that all its elements equal."""
        array = self.array(value)
        if array is None or not array.size or array.dtype.kind not in "iubf":
            return None
        first = array.reshape(-1)[0]
        return float(first) if (array == first).all() else None

    def shape(self, value: int) -> tuple[int, ...] | None:
        """Give the shape of a constant, when it is known."""
        constant = self._values[value].constant
        if constant is not None:
            return constant.shape
        array = self._arrays.get(value)
        return None if array is None else array.shape

    def trained(self, value: int) -> bool:
        """Tell whether a constant is like trained weights: many numbers, hardly two of them the same.

        Kernels, tables and masks that are written by hand have few distinct values, however large they are.
        """
        constant = self._values[value].constant
        if constant is None:
            return self._trained.get(value, False)
        known = self._by_identity.get(id(constant))
        if known is None:
            known = self._by_identity[id(constant)] = _trained(constant)
        return known

    def compute(self, node: Node) -> None:
        """Take in a node whose operands are all constants."""
        operands = [value for value in node.inputs if value >= 0]
        if node.op in _ACROSS and any(self.trained(value) for value in operands):
            for output in node.outputs:
                self._trained[output] = True
        arrays = [self.array(value) if value >= 0 else None for value in node.inputs]
        fold = _FOLDS.get(node.op) if not node.domain else None
        if fold is None or not arrays or any(array is None for array in arrays) or len(node.outputs) != 1:
            return
        # Operands come from the file: whatever numpy says of them, the result is then simply not known.
        try:
            with np.errstate(all="ignore"):
                result = fold([array for array in arrays if array is not None], node.attributes)
        except (ValueError, TypeError, IndexError, KeyError, OverflowError, ZeroDivisionError, MemoryError):
            return
        if isinstance(result, np.ndarray | np.generic) and result.size <= _FOLDED:
            self._arrays[node.outputs[0]] = np.asarray(result)


def _trained(constant: Constant) -> bool:
    elements = constant.elements
    if elements < _WEIGHTS:
        return False
    if constant.data is None:
        return elements >= _UNREAD_WEIGHTS and constant.dtype != 8
    if constant.data.dtype.kind not in "iufV":
        return False
    return _distinct(constant.data) >= _DISTINCT


def _distinct(data: Array) -> int:
    """Count distinct numbers, of a sample when that says enough."""
    flat = data.reshape(-1)
    for most in (_SAMPLE, flat.size):
        found = np.unique(flat[:: max(1, flat.size // most)]).size
        if found >= _DISTINCT:
            break
    return int(found)


def _axes(arrays: Sequence[Array], attributes: Mapping[str, Attribute]) -> tuple[int, ...]:
    given = attributes.get("axes")
    if isinstance(given, tuple):
        return tuple(int(at) for at in given)
    return tuple(int(at) for at in arrays[1].reshape(-1)) if len(arrays) > 1 else ()


def _unsqueeze(arrays: Sequence[Array], attributes: Mapping[str, Attribute]) -> Any:
    return np.expand_dims(arrays[0], _axes(arrays, attributes))


def _squeeze(arrays: Sequence[Array], attributes: Mapping[str, Attribute]) -> Any:
    return np.squeeze(arrays[0], axis=_axes(arrays, attributes) or None)


def _cast(arrays: Sequence[Array], attributes: Mapping[str, Attribute]) -> Any:
    to = attributes["to"]
    if not isinstance(to, int):
        raise TypeError("the type to cast to is no number")
    return arrays[0].astype(_NUMPY[to])


def _slice(arrays: Sequence[Array], attributes: Mapping[str, Attribute]) -> Any:
    data, starts, ends, *rest = arrays
    axes = rest[0].reshape(-1) if rest else range(starts.size)
    steps = rest[1].reshape(-1) if len(rest) > 1 else [1] * starts.size
    spans = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes, starts.reshape(-1), ends.reshape(-1), steps, strict=True):
        spans[int(axis)] = slice(int(start), int(end), int(step))
    return data[tuple(spans)]


def _gather(arrays: Sequence[Array], attributes: Mapping[str, Attribute]) -> Any:
    axis = attributes.get("axis", 0)
    return np.take(arrays[0], arrays[1].astype("i8"), axis=axis if isinstance(axis, int) else 0)


def _concat(arrays: Sequence[Array], attributes: Mapping[str, Attribute]) -> Any:
    axis = attributes.get("axis", 0)
    return np.concatenate(arrays, axis=axis if isinstance(axis, int) else 0)


_FOLDS: dict[str, Callable[[Sequence[Array], Mapping[str, Attribute]], Any]] = {
    "Identity": lambda arrays, _: arrays[0],
    "Cast": _cast,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Neg": lambda arrays, _: -arrays[0],
    "Add": lambda arrays, _: arrays[0] + arrays[1],
    "Sub": lambda arrays, _: arrays[0] - arrays[1],
    "Mul": lambda arrays, _: arrays[0] * arrays[1],
    "Reshape": lambda arrays, _: arrays[0].reshape([int(size) for size in arrays[1].reshape(-1)]),
    "Shape": lambda arrays, _: np.asarray(arrays[0].shape, dtype="i8"),
}
