"""Two graphs → what one has that the other hasn't: nodes, connections, stored tensors.

Nodes are paired first (`reference_pairs`); what is said here is then read off the pairs operand by operand, so that a
pair which was chosen badly makes a difference larger and hides none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from gatekeeper.checks.onnx.difference import Change, Difference
from gatekeeper.checks.onnx.graph import CONTROL, Constant, Graph
from gatekeeper.checks.onnx.reference_labels import Detail, Ids, Side
from gatekeeper.checks.onnx.reference_pairs import Pairs
from gatekeeper.checks.onnx.sketch import sketch
from gatekeeper.checks.onnx.suspicion import Step, StepRole
from gatekeeper.checks.onnx.triggers import suspicions
from gatekeeper.evidence import Drawing
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_LISTED = 24
"""Nodes and tensors of one kind that are named; all are counted."""

_NAME = 80
_EDGES = 8
"""Old nodes at the edge of what was added that are drawn, on either side."""

_ADDED = 22


def compare(old: Graph, new: Graph, limits: Limits) -> Difference:
    """Say how a graph differs from its reference.

    Args:
        old: The reference, read with digests.
        new: What is held against it, read with digests.
        limits: In force.
    """
    return _Comparing(old, new, limits).difference()


class _Comparing:
    def __init__(self, old: Graph, new: Graph, limits: Limits) -> None:
        ids = Ids()
        self._old, self._new, self._limits = Side(old, ids), Side(new, ids), limits
        self._pairs = Pairs(self._old, self._new)
        unpaired = Ids()
        self._before = self._old.before(Detail.STORED, unpaired), self._new.before(Detail.STORED, unpaired)
        self._others: dict[int, None] = {}
        self._rewired = [at for at, pair in enumerate(self._pairs.of_new) if pair >= 0 and self._is_rewired(pair, at)]
        self._outputs = [
            place for place, (a, b) in enumerate(zip(old.outputs, new.outputs, strict=False)) if not self._is_same(a, b)
        ]

    def difference(self) -> Difference:
        old, new, pairs = self._old.graph, self._new.graph, self._pairs
        added = [at for at, pair in enumerate(pairs.of_new) if pair < 0]
        removed = [at for at, pair in enumerate(pairs.of_old) if pair < 0]
        had, has = _stored(old), _stored(new)
        kept = (had & has).total()
        interface = tuple(_interface(old, new))
        rewired = len(self._rewired) + len(self._outputs)
        same = not (added or removed or rewired or interface)
        change = Change.CHANGED
        if same:
            change = Change.SAME if had == has and not self._others else Change.WEIGHTS_ONLY
        elif added and not removed and kept == had.total():
            change = Change.NODES_ADDED
        return Difference(
            change=change,
            nodes=len(old.nodes),
            added=len(added),
            removed=len(removed),
            rewired=rewired,
            tensors=had.total(),
            kept=kept,
            new=(has - had).total(),
            elsewhere=any(value.constant is not None and value.constant.external for value in new.values),
            added_nodes=tuple(_told(new, at) for at in added[:_LISTED]),
            removed_nodes=tuple(_told(old, at) for at in removed[:_LISTED]),
            rewired_nodes=tuple(self._told_rewired())[:_LISTED],
            changed_tensors=tuple(printable(new.values[each].name, _NAME) for each in list(self._others)[:_LISTED]),
            interface=interface[:_LISTED],
            decisions=tuple(self._decisions({*added, *self._rewired})) if added else (),
            drawing=self._drawing(added) if added else None,
        )

    def _is_rewired(self, old: int, new: int) -> bool:
        """Whether a node gets something from elsewhere than its pair; notes constants with other bytes."""
        before, after = self._old.graph.nodes[old], self._new.graph.nodes[new]
        rewired = len(before.inputs) != len(after.inputs)
        for a, b in zip(before.inputs, after.inputs, strict=False):
            if self._constant(self._old, a) is not None and self._constant(self._new, b) is not None:
                if not self._is_same(a, b):
                    self._others[b] = None
            elif not self._is_same(a, b):
                rewired = True
        if before.domain == CONTROL and before.op == "Carry":
            turns = self._old.turns.get(before.outputs[0], -1), self._new.turns.get(after.outputs[0], -1)
            rewired = rewired or not self._is_same(*turns)
        return rewired

    def _is_same(self, a: int, b: int) -> bool:
        """Whether two values are one: computed alike, by nodes that are a pair, stored alike, or the same input."""
        made_a, made_b = self._old.maker.get(a), self._new.maker.get(b)
        if made_a and made_b:
            alike = self._before[0][made_a[0]] == self._before[1][made_b[0]]
            return made_a[1] == made_b[1] and (alike or self._pairs.of_old[made_a[0]] == made_b[0])
        if made_a or made_b:
            return False
        stored_a, stored_b = self._constant(self._old, a), self._constant(self._new, b)
        if stored_a is not None and stored_b is not None:
            return stored_a.digest == stored_b.digest
        if stored_a is not None or stored_b is not None:
            return False
        return self._old.given.get(a, -1) == self._new.given.get(b, -1)

    def _constant(self, side: Side, value: int) -> Constant | None:
        return side.graph.values[value].constant if value >= 0 else None

    def _told_rewired(self) -> Iterator[str]:
        graph = self._new.graph
        for place in self._outputs:
            yield f"the output {printable(graph.values[graph.outputs[place]].name, _NAME)!r}"
        for at in self._rewired:
            yield _told(graph, at)

    def _decisions(self, changed: Collection[int]) -> Iterator[str]:
        """Give the suspicions whose gate the reference has not; names may stand twice, and then count twice."""
        graph = self._new.graph
        names = {_key(graph, at, value) for at in changed for value in (*graph.nodes[at].outputs, -1)}
        for suspicion in suspicions(graph, self._limits):
            gates = [step for step in suspicion.path if step.role is StepRole.GATE]
            if any(_key_of(step) in names for step in gates):
                yield suspicion.words

    def _drawing(self, added: list[int]) -> Drawing:
        """Draw what was added where it meets what there was; what lies nearest to the old nodes comes first."""
        graph, fresh = self._new.graph, set(added)
        ends = [at for at in self._rewired if any(self._makes(value) in fresh for value in graph.nodes[at].inputs)]
        begins = {self._makes(value) for at in added for value in graph.nodes[at].inputs} - fresh - {-1}
        drawn = dict.fromkeys(ends[:_EDGES], "rewired")
        drawn |= dict.fromkeys(added[-_ADDED:], "added")
        drawn |= {at: "as before" for at in sorted(begins)[-_EDGES:] if at not in drawn}
        words = f"Added: {', '.join(_told(graph, at) for at in added[:_LISTED])}"
        more = f" and {len(added) - _LISTED:,} more" if len(added) > _LISTED else ""
        return sketch(graph, drawn, fresh, f"{words}{more}. Now fed by what was added: {self._ends() or 'nothing'}.")

    def _ends(self) -> str:
        return ", ".join(list(self._told_rewired())[:_EDGES])

    def _makes(self, value: int) -> int:
        made = self._new.maker.get(value)
        return made[0] if made else -1


def _stored(graph: Graph) -> Counter[str]:
    return Counter(value.constant.digest for value in graph.values if value.constant is not None)


def _interface(old: Graph, new: Graph) -> Iterator[str]:
    for what, before, after in (("inputs", old.inputs, new.inputs), ("outputs", old.outputs, new.outputs)):
        had, has = ([_typed(graph, value) for value in values] for graph, values in ((old, before), (new, after)))
        if had != has:
            yield f"Its {what} were {_listed(had)}, and are {_listed(has)}."
    for domain in sorted(old.opsets.keys() & new.opsets.keys()):
        if old.opsets[domain] != new.opsets[domain]:
            versions = f"version {old.opsets[domain]}, and are of {new.opsets[domain]}"
            yield f"Its operators of {printable(domain or 'ai.onnx', _NAME)} were of {versions}."


def _typed(graph: Graph, number: int) -> str:
    value = graph.values[number]
    sizes = "?" if value.shape is None else ", ".join("?" if size is None else str(size) for size in value.shape)
    return f"{printable(value.name, _NAME)} ({sizes})"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _EDGES} more" if len(names) > _EDGES else ""
    return printable(", ".join(names[:_EDGES]), 400) + more if names else "none"


def _told(graph: Graph, at: int) -> str:
    node = graph.nodes[at]
    made = next((value for value in node.outputs if value >= 0), -1)
    name = graph.values[made].name if made >= 0 else node.name
    op = f"{node.domain}.{node.op}" if node.domain and node.domain != CONTROL else node.op
    return printable(f"{op} {name}".rstrip(), _NAME)


def _key(graph: Graph, at: int, value: int) -> tuple[str, str, str]:
    node = graph.nodes[at]
    return node.name, graph.values[value].name if value >= 0 else "", graph.scopes[node.scope].label


def _key_of(step: Step) -> tuple[str, str, str]:
    return step.node, step.value, step.scope
