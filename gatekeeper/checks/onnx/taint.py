"""What the taint rule knows of a graph: marks of every value, and where decisions meet learned data."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.axes import Axes
from gatekeeper.checks.onnx.constants import Constants
from gatekeeper.checks.onnx.graph import Graph, Node
from gatekeeper.checks.onnx.suspicion import SuspicionKind


@dataclass(kw_only=True, slots=True)
class Meeting:
    """A node where something decided meets something that it must not."""

    node: int
    """Index in `Graph.nodes`."""

    gate: int
    """The value that was decided."""

    target: int
    """What it meets."""

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
