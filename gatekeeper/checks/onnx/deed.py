"""What the comparison of a graph with its architecture speaks of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Deed:
    """One thing that a graph does beside its trained layers."""

    kind: str
    """What, in words of ours; of a table with which one of how many."""

    where: str
    """Operator and name of the first node that does it; printable."""
