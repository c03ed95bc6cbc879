"""What is known of each node of a graph when it is held against those of another: labels of rising reach.

Labels are small numbers that both graphs share: equal numbers mean equal things, so nothing can collide, and each
kind of label has numbers of its own, so that none outlives its use. They are those of Weisfeiler and Lehman
(A reduction of a graph to a canonical form, 1968): a node's own label, then that with the labels around it, and so on.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from gatekeeper.checks.onnx.graph import Attribute, Constant, Graph, Kind, Node


class Detail(Enum):
    """How closely operands are looked at in a node's own label."""

    STORED = "stored"
    """Constants by what is stored for them."""

    SHAPES = "shapes"
    """Constants by type and shape: trained weights may be others."""

    BARE = "bare"
    """Operator and attributes alone."""


class Ids(dict[object, int]):
    """Gives equal things one number."""

    def __missing__(self, key: object) -> int:
        """Take the next number."""
        self[key] = number = len(self)
        return number


class Side:
    """One of two graphs, with who makes and who reads each value.

    Args:
        graph: Read with digests.
        ids: Shared with the other side.
    """

    def __init__(self, graph: Graph, ids: Ids) -> None:
        self.graph = graph
        self.maker: dict[int, tuple[int, int]] = {}
        """Value → the node that makes it, and the place among its outputs."""

        self.readers: list[list[tuple[int, int, int]]] = [[] for _ in graph.nodes]
        """Of each node: who reads it, as which operand, and which of its outputs; in the order of nodes."""

        self.given = {value: place for place, value in enumerate(graph.inputs)}
        self.turns = {start: last for last, start in graph.turns}
        self.own: dict[Detail, list[int]] = {}
        """Label of each node by itself."""

        for at, node in enumerate(graph.nodes):
            for place, value in enumerate(node.outputs):
                if value >= 0:
                    self.maker[value] = at, place
            for operand, value in enumerate(node.inputs):
                made = self.maker.get(value)
                if made:
                    self.readers[made[0]].append((at, operand, made[1]))
        for detail in Detail:
            self.own[detail] = [ids[self._label(node, detail)] for node in graph.nodes]

    def _label(self, node: Node, detail: Detail) -> object:
        attributes = tuple(sorted((name, _frozen(value, detail)) for name, value in node.attributes.items()))
        operands = () if detail is Detail.BARE else tuple(self._operand(value, detail) for value in node.inputs)
        return node.domain, node.op, attributes, operands, len(node.outputs)

    def _operand(self, value: int, detail: Detail) -> object:
        if value < 0:
            return "none"
        known = self.graph.values[value]
        if known.constant is not None:
            return _frozen(known.constant, detail)
        return self.given.get(value, -1) if known.kind is Kind.INPUT else "made"

    def before(self, detail: Detail, ids: Ids) -> list[int]:
        """Label each node with all that it is computed from; equal labels compute the same, but for loops' turns."""
        found: list[int] = []
        for node, own in zip(self.graph.nodes, self.own[detail], strict=True):
            found.append(ids[(own, *self._made(node, found))])
        return found

    def behind(self, detail: Detail, ids: Ids) -> list[int]:
        """Label each node with all that is computed from it, up to the graph's outputs."""
        own, found = self.own[detail], [0] * len(self.graph.nodes)
        ends: dict[int, list[tuple[int, int]]] = {}
        for place, value in enumerate(self.graph.outputs):
            if value in self.maker:
                at, output = self.maker[value]
                ends.setdefault(at, []).append((place, output))
        for at in range(len(found) - 1, -1, -1):
            readers = sorted((found[reader], operand, output) for reader, operand, output in self.readers[at])
            found[at] = ids[(own[at], tuple(readers), tuple(ends.get(at, ())))]
        return found

    def around(self, labels: list[int], ids: Ids) -> list[int]:
        """Label each node with the labels of those that it reads and that read it."""
        return [
            ids[
                (
                    labels[at],
                    tuple(self._made(node, labels)),
                    tuple(sorted((labels[reader], operand, output) for reader, operand, output in self.readers[at])),
                )
            ]
            for at, node in enumerate(self.graph.nodes)
        ]

    def _made(self, node: Node, labels: list[int]) -> Iterator[tuple[int, int]]:
        for value in node.inputs:
            made = self.maker.get(value)
            yield (labels[made[0]], made[1]) if made else (-1, 0)


def _frozen(value: Attribute, detail: Detail) -> str:
    if not isinstance(value, Constant):
        return repr(value)  # tells 1 from 1.0, and one NaN is like another
    stored = value.digest if detail is Detail.STORED else ""
    return f"{value.dtype} {value.shape} {stored}"
