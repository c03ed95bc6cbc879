"""Which wires of a graph are watched while it runs, and what is said of those that were.

Wires that nothing ever moves are where hardware backdoors are looked for (unused circuits: Hicks et al., IEEE S&P 2010;
narrow functions: Waksman et al., FANCI, CCS 2013); a single number that steers something wide is the least that a
backdoor needs, whatever decides it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gatekeeper.checks.onnx import marks as m
from gatekeeper.checks.onnx.graph import CONTROL, Node
from gatekeeper.checks.onnx.operators import BOUND, COMPARE, EXTREME, LOGIC, SUM, VIEW
from gatekeeper.checks.onnx.taint import Taint
from gatekeeper.checks.onnx.whole import Rule, Sighting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

_MOST = 6_000
"""Wires that are watched; of larger graphs the operands of what joins two."""

_TOLD = 8
"""Sightings of one rule that are told."""

_WIDE = 16
"""Numbers from which on something is wide: narrower than a row of any trained layer that matters."""

_FEW = 4
"""Numbers of a decision behind trained layers: more of them are neurons that rest."""

_ELEMENTS = 100_000
"""Numbers of one wire that are looked at in each run."""

_STEPS = 200
"""Nodes that are looked back at from one wire."""

_ON = 3
_NAMED = 16
"""Nodes after a wire that are named, and how many steps on."""

_JOIN = frozenset({"Add", "Sub", "Mul", "Div", "Where", "Pow", "Max", "Min", "Sum", "Mod"})
_STEER = frozenset({"Add", "Sub", "Mul", "Div", "Where"})
_DECIDE = COMPARE | LOGIC | BOUND | EXTREME | frozenset(
    {"Sigmoid", "Sign", "Tanh", "Erf", "Exp", "Softmax", "Where", "Reciprocal", "Softplus", "Not", "ArgMax"}
)  # fmt: skip
_NORMALISE = SUM | EXTREME | VIEW | frozenset(
    {"Pow", "Mul", "Sqrt", "Add", "Sub", "Reciprocal", "Div", "Abs", "Max", "Min", "Clip", "Neg", "Log", "Exp",
     "DynamicQuantizeLinear", "Concat"}
)  # fmt: skip
"""What lies between data and a number that it is divided by: its own norm, range or mean."""

Sign = tuple[float, float, float]
"""Smallest, largest and mean number of a wire."""

_DIGITS = 6


def sign(array: Array) -> Sign:
    """Sum up a wire's numbers, so that runs of any length can be compared."""
    if not array.size:
        return (0.0, 0.0, -1.0)
    numbers = np.nan_to_num(array.astype(np.float64), nan=-1.25, posinf=1e300, neginf=-1e300)
    low, high = float(numbers.min()), float(numbers.max())
    mean = low if low == high else float(np.clip(numbers, -1e200, 1e200).mean())
    return (_rounded(low), _rounded(high), _rounded(mean))


def _rounded(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


@dataclass(kw_only=True, slots=True)
class Seen:
    """What was seen of the watched wires; by number of value."""

    sizes: dict[int, int] = field(default_factory=dict)
    """Numbers of a wire in the first run."""

    signs: dict[int, set[Sign]] = field(default_factory=dict)

    def moves(self, value: int) -> bool:
        """Whether a wire had more than one value."""
        return len(self.signs.get(value, ())) > 1


def watched(taint: Taint, made: Set[str]) -> tuple[dict[int, str], int]:
    """Choose the wires to watch, and say how many are left out.

    Args:
        taint: Of the graph.
        made: Names that nodes of the file's main graph give, each by one.

    Returns:
        Number of value → its name in the file.
    """
    graph = taint.graph
    names = Counter(value.name for value in graph.values if value.scope == 0)
    found = {
        output: graph.values[output].name
        for node in graph.nodes
        for output in node.outputs
        if output >= 0 and graph.values[output].scope == 0 and taint.level(output)
        and graph.values[output].name in made and names[graph.values[output].name] == 1
    }  # fmt: skip
    if len(found) <= _MOST:
        return found, 0
    joined = {value for node in graph.nodes if node.op in _JOIN for value in node.inputs}
    kept = dict([pair for pair in found.items() if pair[0] in joined][:_MOST])
    return kept, len(found) - len(kept)


def looked_at(sizes: Mapping[int, int]) -> list[int]:
    """Choose the wires that are looked at in every run, from their sizes in the first."""
    return [value for value, size in sizes.items() if 0 < size <= _ELEMENTS]


class Judge:
    """Says what the wires of one graph do.

    Args:
        taint: Of the graph.
        seen: What was seen of its wires.
    """

    def __init__(self, taint: Taint, seen: Seen) -> None:
        self._taint = taint
        self._seen = seen
        self._nodes = taint.graph.nodes
        self._maker = {output: node for node in self._nodes for output in node.outputs if output >= 0}
        self._users: dict[int, list[Node]] = {}
        for node in self._nodes:
            for value in dict.fromkeys(node.inputs):
                self._users.setdefault(value, []).append(node)

    def sightings(self) -> Iterator[Sighting]:
        """Give the first few of each rule."""
        rules: tuple[tuple[Rule, Callable[[int], bool]], ...] = (
            (Rule.STUCK, self._is_stuck),
            (Rule.DORMANT, self._is_dormant),
            (Rule.BOTTLENECK, self._is_bottleneck),
        )
        for rule, holds in rules:
            found = (value for value in self._seen.signs if self._is_about_content(value) and holds(value))
            for value, _ in zip(found, range(_TOLD), strict=False):
                node, name = self._maker[value], self._taint.graph.values[value].name
                size, after = self._seen.sizes[value], tuple(self._after(value))
                yield Sighting(rule=rule, op=node.op, node=node.name, value=name, elements=size, after=after)

    def _after(self, value: int) -> Iterator[str]:
        values, told = [value], 0
        for _ in range(_ON):
            nodes = [node for current in values for node in self._users.get(current, ())][: _NAMED - told]
            told += len(nodes)
            values = [output for node in nodes for output in node.outputs if output >= 0]
            yield from (node.name for node in nodes if node.name)
            yield from (self._taint.graph.values[each].name for each in values)

    def _is_about_content(self, value: int) -> bool:
        return self._taint.learned(value) or bool(self._taint.inputs[value] & self._taint.content)

    def _is_stuck(self, value: int) -> bool:
        return bool(self._taint.level(value) == m.RAW) and self._rests(value)

    def _is_dormant(self, value: int) -> bool:
        return self._taint.learned(value) and self._seen.sizes[value] <= _FEW and self._rests(value)

    def _rests(self, value: int) -> bool:
        """Whether a wire never moved though an operand of it did, and is computed with something that moves."""
        if len(self._seen.signs[value]) != 1 or not any(map(self._moves, self._maker[value].inputs)):
            return False
        todo, met = [value], {value}
        while todo:
            current = todo.pop()
            for node in self._users.get(current, ()):
                if self._is_branch_on(node, current) or self._joins(node, current):
                    return True
                for output in node.outputs if node.op not in ("Shape", "Size") else ():
                    if len(self._seen.signs.get(output, ())) == 1 and output not in met:
                        met.add(output)
                        todo.append(output)
        return False

    def _moves(self, value: int) -> bool:
        if value in self._seen.signs:
            return self._seen.moves(value)
        return value >= 0 and value not in self._maker and bool(self._taint.level(value))

    def _joins(self, node: Node, value: int) -> bool:
        others = any(self._moves(other) for other in node.inputs if other != value)
        return node.op in _JOIN and others and any(self._seen.sizes.get(output, 0) > 1 for output in node.outputs)

    @staticmethod
    def _is_branch_on(node: Node, value: int) -> bool:
        return node.domain == CONTROL and node.op == "Branch" and node.inputs[:1] == (value,)

    def _is_bottleneck(self, value: int) -> bool:
        if self._seen.sizes[value] != 1:
            return False
        steered = [node for node in self._users.get(value, ()) if self._steers(node, value)]
        return bool(steered) and self._is_decided(value)

    def _steers(self, node: Node, value: int) -> bool:
        if not (node.op in _STEER or self._is_branch_on(node, value)):
            return False
        wide = any(self._seen.sizes.get(output, 0) >= _WIDE for output in node.outputs)
        return wide and not self._normalises(value, {other for other in node.inputs if other not in (value, -1)})

    def _normalises(self, value: int, others: set[int]) -> bool:
        """Whether a number is a norm, mean or range of the very data that it meets."""
        return any(current in others for current in self._before(value, lambda node: node.op in _NORMALISE))

    def _is_decided(self, value: int) -> bool:
        """Whether something was decided among the single numbers that a number is made of."""

        def single(node: Node) -> bool:
            return all(self._seen.sizes.get(output, 1) == 1 for output in node.outputs)

        made = (self._maker.get(current) for current in self._before(value, single))
        return any(node is not None and node.op in _DECIDE and single(node) for node in made)

    def _before(self, value: int, through: Callable[[Node], bool]) -> Iterator[int]:
        """Give a value and those that it is made of, as long as the nodes between hold to something."""
        todo, met = [value], {value}
        while todo and len(met) < _STEPS:
            current = todo.pop()
            yield current
            node = self._maker.get(current)
            if node is not None and through(node):
                fresh = [operand for operand in node.inputs if operand >= 0 and operand not in met]
                met.update(fresh)
                todo += fresh
