"""Laws of every flat graph, on models of all kinds; the format's own inliner says whether functions are written out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import backend, inliner

from gatekeeper.checks.onnx import read_graph
from gatekeeper.checks.onnx.graph import CONTROL, Graph
from gatekeeper.checks.onnx.reader import parse
from gatekeeper.limits import DEFAULT_LIMITS
from tests.support.graph_laws import broken_law
from tests.support.onnx_texts import models

BACKEND = sorted(Path(str(backend.__path__[0]), "test/data").rglob("*.onnx"))
LIGHT = [path for path in BACKEND if path.parent.name == "light"]


def computing(graph: Graph) -> Counter[str]:
    return Counter(node.op for node in graph.nodes if node.op != "Identity")


@pytest.mark.parametrize("name", models())
def test_every_graph_keeps_the_laws(name: str) -> None:
    assert not broken_law(read_graph(models()[name]))


@pytest.mark.parametrize("name", ["function", "functions"])
def test_functions_are_written_out_as_the_inliner_does(name: str) -> None:
    data = models()[name]
    inlined = inliner.inline_local_functions(parse(data)).SerializeToString()
    assert computing(read_graph(data)) == computing(read_graph(inlined))


def test_the_models_of_the_format_itself_are_read() -> None:
    assert len(BACKEND) > 100
    for path in BACKEND:
        data = path.read_bytes()
        graph = read_graph(data)
        assert not broken_law(graph)
        made = parse(data)
        kept = [node for node in made.graph.node if node.op_type != "Constant"]
        assert len([node for node in graph.nodes if node.domain != CONTROL]) >= len(kept)


def test_types_are_those_that_the_file_says() -> None:
    for path in LIGHT:
        made = onnx.load(path)
        said = {each.name: each.type.tensor_type for each in made.graph.value_info}
        for value in read_graph(path.read_bytes()).values:
            if value.name in said:
                assert value.dtype == said[value.name].elem_type
                assert value.shape == tuple(dim.dim_value for dim in said[value.name].shape.dim)


def test_nothing_depends_on_limits_that_are_not_reached() -> None:
    tight = replace(DEFAULT_LIMITS, onnx_nodes=4_000, onnx_edges=20_000, onnx_depth=8, onnx_constant_elements=65_536)
    for data in models().values():
        assert repr(read_graph(data, tight)) == repr(read_graph(data))
