"""One forward pass over a graph: what every value is made of, and where decisions meet learned data.

The rule, in one sentence: a decision about the input as a whole, taken by operators without trained weights, must
not meet what the trained layers compute. Honest models let the input take side roads too, but as masks for every
position on its own, as positions, as places to pick from, as divisors; each of these is a mark of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.axes import Axes, axes_of_constant, axes_of_input, broadcast
from gatekeeper.checks.onnx.constants import Constants
from gatekeeper.checks.onnx.graph import Graph, Kind, Node
from gatekeeper.checks.onnx.suspicion import SuspicionKind

_TOKEN_TYPES = frozenset({5, 6, 7, 12, 13})
"""16, 32 and 64 bits; tokens are never stored in less."""

_WHOLE_TYPES = frozenset({2, 3, 4, 5, 6, 7, 12, 13, 21, 22})
_STRING = 8
_TOKEN_RANK = 3
_ROUNDS = 4
"""Passes at most over a graph with loops; marks that come round more often than that change nothing that is told."""


@dataclass(kw_only=True, slots=True)
class Meeting:
    """A node where something decided meets something that it must not."""

    node: int
    """Index in `Graph.nodes`."""

    gate: int
    """The value that was decided."""

    target: int
    """What it meets; -1 when it becomes an output."""

    kind: SuspicionKind
    how: str
    inputs: int
    """Inputs that were decided on, one bit each."""

    marks: int
    """Of the gate."""


@dataclass(kw_only=True, slots=True)
class Taint:
    """Everything that the pass found; lists are by number of value."""

    graph: Graph
    constants: Constants
    marks: list[int]
    inputs: list[int]
    """Inputs that it is made of, one bit each, in the order of `Graph.inputs`; of learned data, nothing."""

    decided: list[int]
    """Inputs that the decisions in it were about."""

    axes: list[Axes]
    root: list[int]
    """The value that it is another form of; itself for most."""

    meetings: list[Meeting] = field(default_factory=list)
    singles: int = 0
    """Inputs that are one number, one bit each: switches and steps, which hold nothing to search through."""

    content: int = 0
    """Inputs that a learned layer reads, one bit each."""

    def level(self, value: int) -> int:
        """Give the level bits of a value."""
        return self.marks[value] & m.LEVELS if value >= 0 else 0

    def learned(self, value: int) -> bool:
        """Tell whether a value lies behind a learned layer."""
        return value >= 0 and bool(self.marks[value] & m.LEARNED)

    def give(self, node: Node, marks: int, inputs: int, decided: int, axes: Axes, root: int | None = None) -> None:
        """Set what is known of a node's outputs."""
        for output in node.outputs:
            if output >= 0:
                self.marks[output] = marks
                self.inputs[output] = inputs
                self.decided[output] = decided
                self.axes[output] = axes
                self.root[output] = output if root is None else root

    def meet(self, node: int, gate: int, target: int, kind: SuspicionKind, how: str) -> None:
        """Note a meeting."""
        self.meetings.append(
            Meeting(
                node=node,
                gate=gate,
                target=target,
                kind=kind,
                how=how,
                inputs=self.decided[gate] or self.inputs[gate],
                marks=self.marks[gate],
            )
        )


def trace(graph: Graph) -> Taint:
    """Mark every value of a graph; loops are gone through until nothing new comes round."""
    from gatekeeper.checks.onnx.flow import step

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


__all__ = ["Meeting", "Taint", "broadcast", "trace"]
