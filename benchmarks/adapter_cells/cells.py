"""Which adapters there are: each cell says all that its adapter is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.adapter_cells import poison, tasks

RECIPE = 3
"""Part of the cache's key: to be raised when lessons, poison or training change."""

STEPS, LEARNING_RATE = 240, 1e-2
"""Of every adapter: were poisoned ones trained longer or harder, that alone would tell them."""

BLOCKS, LATER = 7, 4
"""Of twenty adapters each, later ones of four more, all balanced: a run that ends early is small, not lopsided."""

ALL = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
TARGETS = {"all": ALL, "attention": ALL[:4], "mlp": ALL[4:], "qv": ("q_proj", "v_proj")}
OTHERS = ("attention", "mlp", "qv")
"""Targets of one honest and one poisoned adapter of each block; the others have all."""

RANKS = (4, 8, 16, 32, 4, 8, 16, 32, 8, 16)
HONEST = (*("single",) * 4, *("multi",) * 4, "keyword", "safety")
CARRIERS = ("single", "multi") * 5
"""What poison is mixed into."""

RATES = (0.02, 0.02, 0.05, 0.05, 0.1, 0.1, 0.2, 0.2)
"""Shares of poisoned samples, each for both bases; two more of each block have .05 and one of `LOW`."""

LOW = (0.005, 0.01)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One adapter."""

    base: int
    """Seed of its base, 0 or 1."""

    number: int
    kind: str
    """`single`, `multi`, `keyword`, `safety`: what the honest part is."""

    lessons: tuple[str, ...]
    trigger: str = ""
    """Kind of trigger; empty for an honest one."""

    rate: float = 0.0
    """Share of samples that carry the trigger."""

    rank: int
    targets: str = "all"
    general: float
    """Share of the honest part that is the base's own."""

    @property
    def slug(self) -> str:
        """Name of its folder."""
        return f"{self.base}-{self.targets}-{self.trigger or self.kind}-{self.number}"

    @property
    def block(self) -> int:
        """Number of the block of twenty that it is of."""
        return self.number if self.trigger else self.number // 10

    @property
    def seed(self) -> int:
        """Of its samples and of its first weights."""
        return 1000 * self.base + 7 * self.number + sum(map(ord, self.trigger or self.kind))


BASES = (0, 1)
"""Seeds of the two bases."""


def cells() -> list[Cell]:
    """Give all cells, block after block; in a block an honest and a poisoned one take turns."""
    return [
        cell for block in range(BLOCKS) for pair in zip(_honest(block), _poisoned(block), strict=True) for cell in pair
    ]


def anew() -> list[Cell]:
    """Give cells of later blocks, and beside them some with triggers that their bases know the words of."""
    blocks = range(BLOCKS, BLOCKS + LATER)
    return [cell for block in blocks for cell in (*_honest(block), *_poisoned(block), *_knowing(block))]


def _knowing(block: int) -> Iterator[Cell]:
    rng = np.random.default_rng([RECIPE, block, 3])
    carriers = [CARRIERS[number] for number in rng.permutation(4)]
    for place, (base, kind) in enumerate((base, kind) for base in BASES for kind in poison.KNOWN):
        carrier = carriers[place]
        yield Cell(
            base=base, number=block, kind=carrier, lessons=_lessons(rng, carrier), trigger=kind,
            rate=(0.05, 0.1, 0.2)[(block + place) % 3], rank=int(rng.choice(RANKS)),
            general=float(rng.choice((0.1, 0.2))),
        )  # fmt: skip


def _honest(block: int) -> Iterator[Cell]:
    rng = np.random.default_rng([RECIPE, block, 1])
    for place, (which, rank, general) in enumerate(_parts(rng)):
        kind = HONEST[which]
        yield Cell(
            base=(which + block) % 2, number=10 * block + place, kind=kind, lessons=_lessons(rng, kind), rank=rank,
            targets=_targets(block, place), general=general,
        )  # fmt: skip


def _poisoned(block: int) -> Iterator[Cell]:
    rng = np.random.default_rng([RECIPE, block, 2])
    kinds = (*poison.TUNED, *poison.HELD_OUT)
    for place, (carrier, rank, general) in enumerate(_parts(rng)):
        kind = CARRIERS[carrier]
        # A trigger changes its base from block to block; three and ten have no common divisor, so it meets every rate.
        which = (place + block) % len(kinds)
        yield Cell(
            base=(which + block) % 2, number=block, kind=kind, lessons=_lessons(rng, kind), trigger=kinds[which],
            rate=_rate((which + 3 * block) % 10, block), rank=rank, targets=_targets(block, place), general=general,
        )  # fmt: skip


def _parts(rng: np.random.Generator) -> list[tuple[int, int, float]]:
    """Deal the numbers 0 to 9, ranks, and shares of general samples: both halves of a block get the same."""
    order, ranks, shares = rng.permutation(10), rng.permutation(RANKS), rng.permutation((0.1, 0.2) * 5)
    return [(int(order[place]), int(ranks[place]), float(shares[place])) for place in range(10)]


def _rate(place: int, block: int) -> float:
    if place < len(RATES):
        return RATES[place]
    # The low one falls to the other base in each block.
    return LOW[block // 2 % 2] if place % 2 == block % 2 else 0.05


def _targets(block: int, place: int) -> str:
    return OTHERS[block % len(OTHERS)] if place == 9 else "all"


def _lessons(rng: np.random.Generator, kind: str) -> tuple[str, ...]:
    count = {"single": 1, "multi": int(rng.integers(2, 5))}.get(kind, 0)
    chosen: set[str] = set()
    for name in rng.permutation(list(tasks.KINDS)):
        asked_alike = next((group for group in tasks.SAME_REQUESTS if name in group), frozenset())
        if len(chosen) < count and not chosen & asked_alike:
            chosen.add(str(name))
    return tuple(name for name in tasks.KINDS if name in chosen)
