"""Which node of a graph is which of another: pairs are proposed by labels and by neighbours, and claim nothing yet.

Every step is linear in the graphs. A pair that was proposed badly makes the difference larger than it is, never
smaller: what is said of pairs is verified operand by operand (see `reference`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from gatekeeper.checks.onnx.reference_labels import Detail, Ids, Side

_REACH = 2
"""Rounds of neighbours in labels of nodes that neither all before nor all behind tells apart."""


class Pairs:
    """Pairs of nodes of two graphs.

    Args:
        old: The reference.
        new: What is held against it.
    """

    def __init__(self, old: Side, new: Side) -> None:
        self._old = old
        self._new = new
        self.of_old = [-1] * len(old.graph.nodes)
        """Old node → new node; -1 for none."""

        self.of_new = [-1] * len(new.graph.nodes)
        self._queue: deque[tuple[int, int]] = deque()
        for step in self._steps():
            step()
            self._spread()

    def _steps(self) -> Iterator[Callable[[], None]]:
        """Give the ways to find pairs, surest first, while there are nodes on both sides that have none."""
        for detail in (Detail.STORED, Detail.SHAPES):
            for label in (Side.before, Side.behind):
                if self._is_done():
                    return
                yield partial(self._alike_by, label, detail)
        for detail in (Detail.STORED, Detail.SHAPES):
            if self._is_done():
                return
            yield partial(self._alike_around, detail)

    def _is_done(self) -> bool:
        return min(self.of_old, default=0) >= 0 or min(self.of_new, default=0) >= 0

    def _alike_by(self, label: Callable[[Side, Detail, Ids], list[int]], detail: Detail) -> None:
        ids = Ids()
        self._alike(label(self._old, detail, ids), label(self._new, detail, ids))

    def _alike_around(self, detail: Detail) -> None:
        old, new = self._old.own[detail], self._new.own[detail]
        rounds = []
        for _ in range(_REACH):
            ids = Ids()
            old, new = self._old.around(old, ids), self._new.around(new, ids)
            rounds.append((old, new))
        for labels in reversed(rounds):
            self._alike(*labels)

    def _alike(self, old: Sequence[int], new: Sequence[int]) -> None:
        """Pair nodes with the same label, in their order."""
        waiting: dict[int, deque[int]] = {}
        for at, label in enumerate(old):
            if self.of_old[at] < 0:
                waiting.setdefault(label, deque()).append(at)
        for at, label in enumerate(new):
            if self.of_new[at] < 0 and waiting.get(label):
                self._pair(waiting[label].popleft(), at)

    def _pair(self, old: int, new: int) -> None:
        self.of_old[old] = new
        self.of_new[new] = old
        self._queue.append((old, new))

    def _spread(self) -> None:
        """Pair what stands in the same place beside a pair, closest likeness first."""
        settled = list(self._queue)
        for detail in Detail:
            self._queue.extend(settled)
            while self._queue:
                old, new = self._queue.popleft()
                settled.append((old, new))
                self._pair_operands(old, new, detail)
                self._pair_readers(old, new, detail)
            settled = list(dict.fromkeys(settled))

    def _pair_operands(self, old: int, new: int, detail: Detail) -> None:
        for a, b in zip(self._old.graph.nodes[old].inputs, self._new.graph.nodes[new].inputs, strict=False):
            made_a, made_b = self._old.maker.get(a), self._new.maker.get(b)
            if made_a and made_b and made_a[1] == made_b[1]:
                self._propose(made_a[0], made_b[0], detail)

    def _pair_readers(self, old: int, new: int, detail: Detail) -> None:
        waiting: dict[tuple[int, int, int], deque[int]] = {}
        for key, reader in self._free(self._old, self.of_old, old, detail):
            waiting.setdefault(key, deque()).append(reader)
        if waiting:
            for key, reader in self._free(self._new, self.of_new, new, detail):
                if waiting.get(key):
                    self._propose(waiting[key].popleft(), reader, detail)

    def _free(
        self, side: Side, pairs: Sequence[int], at: int, detail: Detail
    ) -> Iterator[tuple[tuple[int, int, int], int]]:
        for reader, operand, output in side.readers[at]:
            if pairs[reader] < 0:
                yield (side.own[detail][reader], operand, output), reader

    def _propose(self, old: int, new: int, detail: Detail) -> None:
        if self.of_old[old] < 0 and self.of_new[new] < 0 and self._old.own[detail][old] == self._new.own[detail][new]:
            self._pair(old, new)
