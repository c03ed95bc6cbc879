"""Looking back from a value: what it was made of, which way leads to the input, what the input was held against."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx import operators as ops
from gatekeeper.checks.onnx.graph import CONTROL, Node
from gatekeeper.checks.onnx.sketch import sketch
from gatekeeper.checks.onnx.suspicion import Step, StepRole
from gatekeeper.checks.onnx.taint import Taint
from gatekeeper.evidence import Drawing

_NODES = 2_000
"""Nodes of one cone that are looked at."""

_CONSTANTS = 32
_ELEMENTS = 16
"""Elements of a constant that is told; a larger one is a table."""

_HELD_AGAINST = ops.COMPARE | ops.BOUND | ops.CURVED | frozenset(
    {"Add", "Sub", "Mul", "Div", "Mod", "BitwiseXor", "BitwiseAnd", "BitwiseOr", "BitShift", "Where", "MatMul", "Sum",
     "Gather", "OneHot", "ScatterElements", "ScatterND", "Xor", "Einsum", "Gemm", "Conv", "MatMulInteger"}
)  # fmt: skip
_BRINGING = frozenset({"Mul", "MatMul", "Gemm", "Einsum", "Where", "Gather"})
_STEPS = 10
_TEXT = 200
"""Characters of a string constant that are told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cone:
    """What a value was made of, up to learned layers."""

    nodes: tuple[int, ...]
    """Indices of nodes, nearest first."""

    constants: tuple[int | float | str, ...]
    exact: bool
    """The constants are all there are: no node is left out, and no table is too large to be told."""

    way: tuple[int, ...]
    """Nodes from the input to the value, one way of several."""

    source: int
    """The input that the way begins at; -1 when none was reached."""


class Cones:
    """Looks back in one graph."""

    def __init__(self, taint: Taint) -> None:
        self._taint = taint
        self._maker = {
            output: at for at, node in enumerate(taint.graph.nodes) for output in node.outputs if output >= 0
        }
        self._inputs = frozenset(taint.graph.inputs)
        self._known: dict[int, Cone] = {}
        self._turns: dict[int, list[int]] = {}
        for last, start in taint.graph.turns:
            self._turns.setdefault(start, []).append(last)

    def maker(self, value: int) -> int:
        """Give the node that makes a value; -1 for inputs and constants."""
        return self._maker.get(value, -1)

    def look(self, value: int) -> Cone:
        """Look back from a value."""
        if value not in self._known:
            self._known[value] = self._look(value)
        return self._known[value]

    def _look(self, value: int) -> Cone:
        before: dict[int, int] = {}
        queue, seen = deque([value]), {value}
        nodes: list[int] = []
        source = last = -1
        while queue and len(nodes) < _NODES:
            current = queue.popleft()
            if current in self._inputs and source < 0 and self._taint.marks[current] & m.RAW:
                source, last = current, current
            at = self.maker(current)
            if at < 0 or self._taint.learned(current):
                continue
            nodes.append(at)
            for operand in self._operands(self._taint.graph.nodes[at]):
                if operand not in seen:
                    seen.add(operand)
                    before[operand] = current
                    queue.append(operand)
        return Cone(
            nodes=tuple(dict.fromkeys(nodes)),
            constants=tuple(self._constants(nodes)),
            exact=not queue and not any(self._has_table(self._taint.graph.nodes[at]) for at in nodes),
            way=tuple(self._way(last, value, before)),
            source=source,
        )

    def _operands(self, node: Node) -> Iterator[int]:
        for operand in node.inputs:
            if operand >= 0:
                yield operand
        if node.domain == CONTROL and node.op == "Carry":
            yield from (last for last in self._turns.get(node.outputs[0], ()) if last >= 0)

    def _way(self, last: int, value: int, before: dict[int, int]) -> Iterator[int]:
        while last >= 0 and last != value:
            last = before[last]
            yield self.maker(last)

    def _constants(self, nodes: list[int]) -> Iterator[int | float | str]:
        told: set[int | float | str] = set()
        for at in nodes:
            for number in self._of_node(self._taint.graph.nodes[at]):
                if number not in told:
                    told.add(number)
                    yield number
                if len(told) >= _CONSTANTS:
                    return

    def _brings_payload(self, node: Node) -> bool:
        """Tell whether a node's constants belong to what is done after the decision."""
        marks = self._taint.marks
        decided = node.op in _BRINGING and any(value >= 0 and marks[value] & m.DECIDED for value in node.inputs)
        return decided or any(value >= 0 and marks[value] & m.PATTERN for value in node.outputs)

    def _has_table(self, node: Node) -> bool:
        if node.op in ops.TREES | ops.SCATTER or node.domain not in ops.STANDARD:
            return True
        if node.op not in _HELD_AGAINST:
            return False
        constants = [value for value in node.inputs if value >= 0 and not self._taint.level(value)]
        arrays = [self._taint.constants.array(value) for value in constants]
        return any(array is None or array.size > _ELEMENTS for array in arrays)

    def _of_node(self, node: Node) -> Iterator[int | float | str]:
        for name in ("pool_int64s", "pool_strings", "pattern"):
            listed = node.attributes.get(name)
            yield from listed if isinstance(listed, tuple) else (listed,) if isinstance(listed, str) else ()
        if node.op not in _HELD_AGAINST or self._brings_payload(node):
            return
        for value in node.inputs:
            if value < 0 or self._taint.level(value):
                continue
            array = self._taint.constants.array(value)
            if array is None or array.size > _ELEMENTS:
                continue
            for element in array.reshape(-1).tolist():
                yield (
                    int(element)
                    if isinstance(element, bool)
                    else element
                    if isinstance(element, int | float)
                    else str(element)[:_TEXT]
                )
        for name in ("min", "max"):
            bound = node.attributes.get(name)
            if isinstance(bound, int | float):
                yield bound

    def steps(self, cone: Cone) -> tuple[Step, ...]:
        """Give the way of a cone as steps: the input, then the nodes that sum up or decide, or some of them."""
        graph, steps = self._taint.graph, []
        if cone.source >= 0:
            steps.append(Step(role=StepRole.INPUT, op="input", value=graph.values[cone.source].name))
        steps += (self.step(at, role) for at, role in self._on_the_way(cone))
        return tuple(steps[:_STEPS])

    def _on_the_way(self, cone: Cone) -> Iterator[tuple[int, StepRole]]:
        """Give the nodes of a cone's way that sum up or decide."""
        had = self._taint.marks[cone.source] if cone.source >= 0 else 0
        for at in cone.way:
            node = self._taint.graph.nodes[at]
            now = self._taint.marks[node.outputs[0]] if node.outputs and node.outputs[0] >= 0 else 0
            fresh = now & ~had
            if fresh & m.ALONE and not fresh & m.DECIDED:
                yield at, StepRole.COLLAPSE
            elif fresh & (m.DECIDED | m.COUNT | m.ELEMENT | m.LENGTH | m.INDEX):
                yield at, StepRole.DECISION
            had |= now

    def draw(self, cone: Cone, gate: int, target: int) -> Drawing:
        """Draw a cone with the node at which it meets the model's data; what lies nearest to that comes first.

        Args:
            cone: What was decided.
            gate: Node.
            target: Value; -1 for none.
        """
        drawn: dict[int, str] = {gate: StepRole.GATE.value}
        if self.maker(target) >= 0:
            drawn.setdefault(self.maker(target), StepRole.TARGET.value)
        for at, role in self._on_the_way(cone):
            drawn.setdefault(at, role.value)
        for at in (*cone.way, *cone.nodes):
            drawn.setdefault(at, "")
        return sketch(self._taint.graph, drawn, cone.nodes)

    def step(self, at: int, role: StepRole, value: int = -1) -> Step:
        """Give one node as a step."""
        graph = self._taint.graph
        node = graph.nodes[at]
        shown = value if value >= 0 else next((output for output in node.outputs if output >= 0), -1)
        return Step(
            role=role,
            op=f"{node.domain}.{node.op}" if node.domain and node.domain != CONTROL else node.op,
            node=node.name,
            value=graph.values[shown].name if shown >= 0 else "",
            scope=graph.scopes[node.scope].label,
        )

    def of_value(self, value: int, role: StepRole) -> Step:
        """Give the maker of a value as a step, or the value itself."""
        at = self.maker(value)
        if at >= 0:
            return self.step(at, role, value)
        known = self._taint.graph.values[value]
        return Step(role=role, op=known.kind.value, value=known.name)
