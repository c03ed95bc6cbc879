"""ONNX models: whatever the bytes are, a flat graph or one sentence, and the same with and without the weights."""

from __future__ import annotations

import io
from dataclasses import replace

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.onnx import GraphError
from gatekeeper.checks.onnx.graph import Graph
from gatekeeper.checks.onnx.outline import outline
from gatekeeper.checks.onnx.reader import graph_of, parse, read_graph
from gatekeeper.checks.onnx.skeleton import skeleton
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.support.graph_laws import broken_law
from tests.support.onnx_texts import models

_WALKED = replace(DEFAULT_LIMITS, onnx_whole_bytes=0, onnx_tensor_bytes=12)
SEEDS = seeds.both(lambda: list(models().values()), seeds.of(Format.ONNX))
TOKENS = (
    b"If", b"Loop", b"Scan", b"Constant", b"Identity", b"SequenceMap", b"body", b"then_branch", b"else_branch", b"mine",
    b"num_scan_inputs", b"value", b"x", b"y", b"ai.onnx", b"gatekeeper.control", b"\xa0\x01\x05", b"\x2a\x00",
    b"\x0a\x00",
    b"\x4a\x04\x00\x00\x00\x00", b"\x70\x01", b"\x10\x01", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
)  # fmt: skip


def answer(data: bytes) -> str:
    try:
        graph = read_graph(data)
    except GraphError as error:
        laws.showable(str(error))
        return str(error)
    broken = broken_law(graph)
    if broken:
        raise laws.LawError(broken)
    return f"{outline(graph)} {_shape(graph)}"


def _without_weights(data: bytes) -> Graph | None:
    try:
        found = skeleton(io.BytesIO(data), len(data), _WALKED)
        return graph_of(parse(found.data), mark=found.mark)
    except GraphError as error:
        laws.showable(str(error))
        return None


def _shape(graph: Graph) -> object:
    values = [(value.name, value.kind, value.scope, value.dtype, value.shape) for value in graph.values]
    return values, [(node.op, node.domain, node.inputs, node.outputs, node.scope) for node in graph.nodes], graph.turns


def one_input(data: bytes) -> None:
    told = laws.same_twice(answer, data)
    cut = _without_weights(data)
    if cut is not None and f"{outline(cut)} {_shape(cut)}" != told:
        raise laws.LawError("without its weights it is another graph")
