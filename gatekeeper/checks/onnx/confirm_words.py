"""The dictionary of a detector: the numbers and texts that it holds, as they could stand in an input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekeeper.checks.onnx.graph import Constant, Graph, Node
from gatekeeper.checks.onnx.operators import PICK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_LISTED = 64
"""Elements of a constant that are words each; a larger one is a table."""

_ODD = 32
"""Rows of a table that differ from the usual one, at most: those that it was written for."""

_PATCH = 4_096
"""Elements of a constant that is tried as a part of an input."""

_WORDS = 48
_SEQUENCES = 16
_TEXT_ATTRIBUTES = ("pool_strings", "keys_strings", "keys_string", "pattern")
_NUMBER_ATTRIBUTES = ("pool_int64s", "keys_int64s", "min", "max", "threshold")


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a detector holds."""

    whole: tuple[int, ...]
    """Integers: constants, and the rows of a table that stand out."""

    real: tuple[float, ...]
    texts: tuple[str, ...]
    sequences: tuple[tuple[int, ...], ...]
    """Integers that stand in one constant, in their order; all integers in the order of the graph."""

    patches: tuple[Array, ...] = ()
    """Constants that could be a part of a picture or a recording."""


def words_of(graph: Graph, nodes: Iterable[Node], computed: Iterable[Array] = ()) -> Words:
    """Collect the words of a detector.

    Args:
        graph: Where its constants are.
        nodes: Of the detector, in their order.
        computed: What it makes of constants alone.
    """
    whole: list[int] = []
    real: list[float] = []
    texts: list[str] = []
    sequences: list[tuple[int, ...]] = []
    patches: list[Array] = []
    for array, table in (*((array, False) for array in computed), *_arrays(graph, nodes)):
        if array.dtype.kind in "OSU":
            texts.extend(str(item) for item in array.reshape(-1)[:_LISTED])
            continue
        if 1 < array.size <= _PATCH and array.dtype.kind in "fiu" and not table:
            patches.append(array)
        numbers = _numbers(array, table=table)
        integers = [int(number) for number in numbers if number == int(number)]
        real.extend(float(number) for number in numbers)
        whole.extend(integers)
        if len(integers) > 1:
            sequences.append(tuple(integers))
    whole = list(dict.fromkeys(whole))[:_WORDS]
    return Words(
        whole=tuple(whole),
        real=tuple(dict.fromkeys(real))[:_WORDS],
        texts=tuple(dict.fromkeys(texts))[:_WORDS],
        sequences=(tuple(whole), *sequences[:_SEQUENCES]) if whole else (),
        patches=tuple(patches[:_SEQUENCES]),
    )


def _arrays(graph: Graph, nodes: Iterable[Node]) -> Iterator[tuple[Array, bool]]:
    """Give constants, and whether each is a table that is looked up."""
    for node in nodes:
        for at, value in enumerate(node.inputs):
            constant = graph.values[value].constant if value >= 0 else None
            if constant is not None and constant.data is not None:
                yield np.asarray(constant.data), node.op in PICK and not at
        for name in (*_TEXT_ATTRIBUTES, *_NUMBER_ATTRIBUTES):
            given = node.attributes.get(name)
            if given is not None and not isinstance(given, Constant):
                yield np.atleast_1d(np.asarray(given, dtype=object if name in _TEXT_ATTRIBUTES else None)), False


def _numbers(array: Array, *, table: bool) -> list[float]:
    if array.dtype.kind not in "iufb" or not array.size:
        return []
    if array.size <= _LISTED and not (table and array.ndim):
        return [number for number in array.reshape(-1).tolist() if np.isfinite(number)]
    rows = array.reshape(len(array), -1)
    usual, counts = np.unique(rows, axis=0, return_counts=True)
    odd = np.flatnonzero((rows != usual[counts.argmax()]).any(axis=1))
    if len(odd) <= _ODD:
        return [int(row) for row in odd]
    return [number for number in array.reshape(-1).tolist() if np.isfinite(number)] if array.size <= _LISTED else []
