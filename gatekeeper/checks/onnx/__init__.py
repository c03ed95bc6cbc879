"""What a computational graph does besides what it was trained for.

Modules: `graph` (the compact graph that everything here reads), `reader` (bytes → graph; `reader_model` reads the
file's parts, `reader_flat` and `reader_control` write them out, `reader_order` orders them), `structure` (its hygiene).
Each check is a file of its own, `*_check`.
"""

from __future__ import annotations

from gatekeeper.checks.check import Check
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.structure_check import GraphStructure
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import DEFAULT_LIMITS, Limits

ALL: tuple[Check, ...] = (GraphStructure(),)
"""The checks of this room, in the order of reports."""

__all__ = ["ALL", "Graph", "GraphError", "read_graph"]


def read_graph(data: bytes, limits: Limits = DEFAULT_LIMITS, *, digests: bool = False) -> Graph:
    """Read the bytes of an ONNX model as one flat graph; files that it names are not opened.

    Args:
        data: The file.
        limits: `onnx_*` bound the work.
        digests: Whether to digest what every constant stores.

    Raises:
        GraphError: When it is no model, is broken or ambiguous, or exceeds a limit.
    """
    from gatekeeper.checks.onnx.reader import read_graph as read

    return read(data, limits, digests=digests)
