"""What a graph is like as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gatekeeper.checks.onnx.graph import CONTROL, Graph
from gatekeeper.text import printable

_MOST = 200
_SHOWN = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A graph in a few numbers and words; texts from the file are printable."""

    producer: str
    """What the file says made it, name and version."""

    ir_version: int
    opsets: tuple[tuple[str, int], ...]
    """(domain, version), sorted."""

    nodes: int
    """With local functions written out at each of their calls."""

    scopes: int
    """Bodies of control flow, and calls of local functions."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    operators: tuple[tuple[str, int], ...]
    """(operator with its domain, how often), the most frequent first."""


def outline(graph: Graph) -> Outline:
    """Sum a graph up; long lists are cut."""
    counts = Counter((node.domain, node.op) for node in graph.nodes if node.domain != CONTROL)
    return Outline(
        producer=_shown(graph.producer),
        ir_version=graph.ir_version,
        opsets=tuple(sorted((_shown(domain), version) for domain, version in graph.opsets.items())[:_MOST]),
        nodes=len(graph.nodes),
        scopes=len(graph.scopes) - 1,
        inputs=tuple(_shown(graph.values[number].name) for number in graph.inputs[:_MOST]),
        outputs=tuple(_shown(graph.values[number].name) for number in graph.outputs[:_MOST]),
        operators=tuple(
            (_shown(f"{domain}.{op}" if domain else op), count) for (domain, op), count in counts.most_common(_MOST)
        ),
    )


def _shown(text: str) -> str:
    return printable(text, _SHOWN)
