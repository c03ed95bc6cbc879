"""One forward pass over a graph: what every value is made of, and where decisions meet learned data.

The rule, in one sentence: a decision about the input as a whole, taken by operators without trained weights, must
not meet what the trained layers compute. Honest models let the input take side roads too, but as masks for every
position on its own, as positions, as places to pick from, as divisors; each of these is a mark of its own.
"""

from __future__ import annotations

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.axes import Axes, axes_of_constant, axes_of_input
from gatekeeper.checks.onnx.constants import Constants
from gatekeeper.checks.onnx.flow import step
from gatekeeper.checks.onnx.graph import Graph, Kind
from gatekeeper.checks.onnx.taint import Taint

_TOKEN_TYPES = frozenset({5, 6, 7, 12, 13})
"""16, 32 and 64 bits; tokens are never stored in less."""

_WHOLE_TYPES = frozenset({2, 3, 4, 5, 6, 7, 12, 13, 21, 22})
_STRING = 8
_TOKEN_RANK = 3
_ROUNDS = 4
"""Passes at most over a graph with loops; marks that come round more often than that change nothing that is told."""


def trace(graph: Graph) -> Taint:
    """Mark every value of a graph; loops are gone through until nothing new comes round."""
    constants = Constants(graph)
    carried: dict[int, tuple[int, int, int]] = {}
    for _ in range(_ROUNDS):
        taint = _start(graph, constants)
        for index, node in enumerate(graph.nodes):
            step(taint, index, node, carried)
        fresh = _come_round(taint, carried)
        if fresh == carried:
            break
        carried = fresh
    return taint


def _start(graph: Graph, constants: Constants) -> Taint:
    count = len(graph.values)
    taint = Taint(
        graph=graph,
        constants=constants,
        marks=[0] * count,
        inputs=[0] * count,
        decided=[0] * count,
        axes=[""] * count,
        root=list(range(count)),
    )
    for number, value in enumerate(graph.values):
        if value.constant is not None:
            taint.axes[number] = axes_of_constant(value.constant.shape)
            taint.marks[number] = m.WHOLE if value.constant.dtype in _WHOLE_TYPES else 0
        elif value.kind is Kind.CONSTANT:
            taint.axes[number] = None
    for bit, number in enumerate(graph.inputs):
        value = graph.values[number]
        taint.axes[number] = axes = axes_of_input(value.shape)
        taint.marks[number] = _input_marks(value.dtype, value.shape, axes)
        taint.inputs[number] = 1 << bit
        if value.shape is not None and value.shape in ((), (1,)):
            taint.singles |= 1 << bit
            taint.marks[number] &= ~m.PICKED
    return taint


def _input_marks(dtype: int, shape: tuple[int | None, ...] | None, axes: Axes) -> int:
    marks = m.RAW
    if dtype in _WHOLE_TYPES:
        marks |= m.WHOLE
    if dtype in _TOKEN_TYPES and (shape is None or len(shape) <= _TOKEN_RANK):
        marks |= m.TOKEN
    if dtype == _STRING:
        marks |= m.TEXT
    if axes is not None and "P" not in axes:
        marks |= m.PICKED  # all there is is one place
    return marks


def _come_round(taint: Taint, carried: dict[int, tuple[int, int, int]]) -> dict[int, tuple[int, int, int]]:
    """Give what each `Carry` gets at the end of a turn, beside what it started from."""
    fresh = {}
    for last, start in taint.graph.turns:
        if last < 0 or taint.root[last] == start or not taint.marks[last] & m.LEVELS:
            continue
        before = carried.get(start, (0, 0, 0))
        fresh[start] = (
            before[0] | taint.marks[last],
            before[1] | taint.inputs[last],
            before[2] | taint.decided[last],
        )
    return fresh
