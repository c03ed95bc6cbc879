"""What running a whole graph says: wires that rest though their inputs move, and single numbers that gate something."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What a wire does that layers don't."""

    STUCK = "stuck"
    """Made of the input without trained weights: it never moved, and something that moves is computed with it."""

    DORMANT = "dormant"
    """The same of a wire of a few numbers behind trained layers."""

    BOTTLENECK = "bottleneck"
    """One number, in which something was decided, is computed with something wide."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """One wire. Names come from the file: hostile text."""

    rule: Rule
    op: str
    """The operator that makes it."""

    node: str
    value: str
    elements: int
    """How many numbers it has when one sample is run."""

    after: tuple[str, ...] = ()
    """Names of the nodes that come next, a few steps on, and of what they make."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """What became of a whole graph when it was run."""

    runs: int
    """Inputs on which it ran."""

    wires: int
    """Wires that were watched."""

    unwatched: int
    """Wires of the main graph beyond the first few thousand."""

    sightings: tuple[Sighting, ...] = ()
    """The first few of each rule, in the order in which they run."""
