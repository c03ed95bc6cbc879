"""A part of a graph, chosen to be looked at → the drawing that a finding carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gatekeeper.checks.onnx.graph import CONTROL, Graph, Node
from gatekeeper.evidence import Box, Drawing, Wire
from gatekeeper.text import printable

MOST = 36
"""Nodes of one drawing; more of them nobody reads."""

_ORIGINS = 6
"""Boxes that one wire over nodes which are not drawn may come from."""

_INPUTS = 4
_NUMBERS = 4
_NAME = 80


def sketch(graph: Graph, drawn: Mapping[int, str], within: Iterable[int] = (), words: str = "") -> Drawing:
    """Draw nodes of a graph with the inputs that reach them.

    Args:
        graph: As it was read.
        drawn: Node → what it does there, one word; those that matter most first, the others are left out beyond
            `MOST`.
        within: Further nodes that wires may lead through.
        words: The same for those who can't see it.
    """
    kept = dict(list(drawn.items())[:MOST])
    return _Sketch(graph, kept, {*within, *drawn}).drawing(words)


class _Sketch:
    def __init__(self, graph: Graph, drawn: Mapping[int, str], within: set[int]) -> None:
        self._graph = graph
        self._drawn = drawn
        self._within = sorted(within)
        self._inputs = frozenset(graph.inputs)
        self._boxes: list[Box] = []
        self._wires: dict[tuple[int, int], bool] = {}
        self._given: dict[int, int] = {}
        # Value → boxes that it comes from, and whether other nodes lie between.
        self._origins: dict[int, dict[int, bool]] = {}

    def drawing(self, words: str) -> Drawing:
        for at in self._within:
            node = self._graph.nodes[at]
            origins = self._origins_of(node)
            if at in self._drawn:
                here = len(self._boxes)
                self._boxes.append(self._box(node, self._drawn[at]))
                for origin, indirect in origins.items():
                    self._wires[origin, here] = indirect
                origins = {here: False}
            else:
                origins = dict.fromkeys(origins, True)
            self._origins.update(dict.fromkeys((value for value in node.outputs if value >= 0), origins))
        wires = tuple(Wire(source=a, target=b, indirect=indirect) for (a, b), indirect in self._wires.items())
        return Drawing(boxes=tuple(self._boxes), wires=wires, words=words)

    def _origins_of(self, node: Node) -> dict[int, bool]:
        found: dict[int, bool] = {}
        for value in node.inputs:
            if value in self._inputs:
                found.update(dict.fromkeys(self._input(value), False))
            for box, indirect in self._origins.get(value, {}).items():
                if len(found) < _ORIGINS or not indirect:
                    found[box] = indirect and found.get(box, True)
        return found

    def _input(self, value: int) -> Iterator[int]:
        if value not in self._given:
            if len(self._given) >= _INPUTS:
                return
            self._given[value] = len(self._boxes)
            name = printable(self._graph.values[value].name, _NAME)
            self._boxes.append(Box(label="input", name=name, role="input"))
        yield self._given[value]

    def _box(self, node: Node, role: str) -> Box:
        op = f"{node.domain}.{node.op}" if node.domain and node.domain != CONTROL else node.op
        numbers = ", ".join(self._numbers(node))
        made = next((value for value in node.outputs if value >= 0), -1)
        name = self._graph.values[made].name if made >= 0 else node.name
        return Box(
            label=printable(f"{op} ({numbers})" if numbers else op, _NAME), name=printable(name, _NAME), role=role
        )

    def _numbers(self, node: Node) -> Iterator[str]:
        """Give the few constants that a node works with; where many are, none."""
        for value in node.inputs:
            constant = self._graph.values[value].constant if value >= 0 else None
            if constant is None or constant.data is None or constant.elements > _NUMBERS:
                continue
            for element in constant.data.reshape(-1).tolist():
                yield f"{element:g}" if isinstance(element, float) else str(element)
