"""What a comparison of two graphs comes to: plain values, small however large and hostile the files were."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.evidence import Drawing


class Change(StrEnum):
    """How a graph differs from its reference: what the fact `graph.reference_diff` says of one graph."""

    SAME = "same"
    WEIGHTS_ONLY = "weights-only"
    """The same nodes, connected alike; stored tensors are others."""

    NODES_ADDED = "nodes-added"
    """Every node and every stored tensor of the reference is there, byte for byte, and more nodes."""

    CHANGED = "changed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What a graph has that its reference hasn't, and the other way round; texts from the files are printable."""

    change: Change
    nodes: int
    """Of the reference, with local functions written out."""

    added: int
    """Nodes that the reference has not."""

    removed: int
    rewired: int
    """Nodes and outputs of the reference that now get something from elsewhere."""

    tensors: int
    """Stored tensors and constants of the reference."""

    kept: int
    """Those of them that are there with the same bytes."""

    new: int
    """Stored tensors and constants that the reference has not."""

    elsewhere: bool
    """Tensors lie in other files: of these, the places that the graphs name were compared."""

    added_nodes: tuple[str, ...] = ()
    """Operator and name, in the order in which they run; the first few."""

    removed_nodes: tuple[str, ...] = ()
    rewired_nodes: tuple[str, ...] = ()
    changed_tensors: tuple[str, ...] = ()
    """Operands of nodes that are in both, with other bytes."""

    interface: tuple[str, ...] = ()
    """Sentences on inputs, outputs and versions of operators that are others."""

    decisions: tuple[str, ...] = ()
    """What `onnx/taint` says of gates that the reference has not, in its words."""

    drawing: Drawing | None = None
    """What was added, where it begins and where it ends."""
