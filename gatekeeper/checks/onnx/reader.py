"""Bytes of an ONNX model → `Graph`; nothing in them is run, and files that they name are not opened."""

from __future__ import annotations

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto

from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.reader_flat import Flattening
from gatekeeper.checks.onnx.reader_model import ModelReader
from gatekeeper.checks.onnx.reader_order import ordered
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import DEFAULT_LIMITS, Limits


def parse(data: bytes) -> ModelProto:
    """Parse a model as the runtimes do, with the `onnx` package's classes.

    Raises:
        GraphError: When it is no such message.
    """
    try:
        model: ModelProto = ModelProto.FromString(data)
    except DecodeError as error:
        if "alloc" in str(error):  # how upb says that there is no memory; that is no word on the file
            raise MemoryError from error
        raise GraphError("it is no ONNX model, or is cut off: it can't be parsed") from error
    return model


def graph_of(model: ModelProto, limits: Limits = DEFAULT_LIMITS, *, digests: bool = False, mark: str = "") -> Graph:
    """Write a model out as one flat graph.

    Args:
        model: As parsed; weights in other files are not looked for.
        limits: `onnx_*` bound the work.
        digests: Whether to digest what every constant stores.
        mark: Of tensors whose elements were left out (see `left_out`).

    Raises:
        GraphError: When it is broken, ambiguous, or exceeds a limit.
    """
    reader = ModelReader(limits, digests=digests, mark=mark)
    parts = reader.model(model)
    flat = Flattening(parts, limits, reader.fold)
    inputs, outputs = flat.run()
    return Graph(
        values=tuple(flat.values),
        nodes=tuple(ordered(flat.values, flat.nodes)),
        inputs=inputs,
        outputs=outputs,
        turns=tuple(flat.turns),
        scopes=tuple(flat.scopes),
        producer=parts.producer,
        ir_version=parts.ir_version,
        opsets=parts.opsets,
        metadata=parts.metadata,
    )


def read_graph(data: bytes, limits: Limits = DEFAULT_LIMITS, *, digests: bool = False) -> Graph:
    """Read a model.

    Args:
        data: The file.
        limits: `onnx_*` bound the work.
        digests: Whether to digest what every constant stores.

    Raises:
        GraphError: When it can't be read as one graph, for whatever reason.
    """
    return graph_of(parse(data), limits, digests=digests)
