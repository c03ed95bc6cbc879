"""What a computational graph does besides what it was trained for.

Modules: `graph` (the compact graph that everything here reads), `reader` (bytes → graph; `reader_model` reads the
file's parts, `reader_flat` and `reader_control` write them out, `reader_order` orders them), `structure` (its hygiene),
`tracing` (one pass of marks over the graph, into a `taint`; `flow*` say what operators do to them), `triggers`
(meetings of marks → suspicions, with the `cone` behind each), `confirm` (what is behind a gate, run by itself:
`confirm_cut` cuts it out, `confirm_words` and `confirm_inputs` make its inputs, `confirm_asking` asks for it), `whole`
(graphs run with their weights: `whole_inputs` makes inputs, `whole_wires` says what wires did, `whole_asking` asks for
it), `vocabulary` (what the numbers of tokens mean), `reference` (the difference of two graphs; `reference_labels` and
`reference_pairs` find which node is which), `kinds` (what a graph does whoever exported it; `export_asking` has its
architecture written out anew), `sketch` (a part of a graph as a drawing), `conversion` (weights against those beside
the graph).
Each check is a file of its own, `*_check`.
"""

from __future__ import annotations

from gatekeeper.checks.check import Check
from gatekeeper.checks.onnx.confirm_check import GraphConfirmation
from gatekeeper.checks.onnx.conversion_check import Conversion
from gatekeeper.checks.onnx.export_check import GraphExport
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.reference_check import GraphReference
from gatekeeper.checks.onnx.structure_check import GraphStructure
from gatekeeper.checks.onnx.suspicion import Suspicion
from gatekeeper.checks.onnx.taint_check import GraphTaint
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.checks.onnx.whole_check import GraphRun
from gatekeeper.limits import DEFAULT_LIMITS, Limits

ALL: tuple[Check, ...] = (
    GraphStructure(),
    GraphTaint(),
    GraphConfirmation(),
    GraphRun(),
    GraphReference(),
    GraphExport(),
    Conversion(),
)
"""The checks of this room, in the order of reports."""

__all__ = ["ALL", "Graph", "GraphError", "Suspicion", "read_graph", "suspicions"]


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


def suspicions(graph: Graph, limits: Limits = DEFAULT_LIMITS) -> tuple[Suspicion, ...]:
    """Say what decides about the input of a graph beside its trained layers.

    Args:
        graph: As `read_graph` gives it.
        limits: In force.
    """
    from gatekeeper.checks.onnx.triggers import suspicions as judge

    return judge(graph, limits)
