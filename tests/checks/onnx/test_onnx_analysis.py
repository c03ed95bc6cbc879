"""The analysis runs in a confined child, once a graph; what it can't judge is said, never passed over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper, parser

from gatekeeper import sources
from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Context
from gatekeeper.checks.onnx import analysis, child
from gatekeeper.checks.onnx.analysis import READERS, Analysis, analyses
from gatekeeper.checks.onnx.left_out import varint
from gatekeeper.confined import Server
from gatekeeper.limits import DEFAULT_LIMITS, MIB
from gatekeeper.sealed_cache import KEY_BYTES, SealedCache

CONTEXT = Context(now=datetime(2026, 1, 1, tzinfo=UTC))
MODEL = parser.parse_model(
    '<ir_version: 8, opset_import: ["" : 18], producer_name: "tool"> m (float[2] x) => (float[2] y) { y = Neg(x) }'
).SerializeToString()


@contextmanager
def folder(path: Path, **files: bytes) -> Iterator[Artifact]:
    path.mkdir(exist_ok=True)
    for name, data in files.items():
        (path / name.replace("_", ".")).write_bytes(data)
    with sources.open_artifact(sources.parse(str(path)), sources.SourceOptions(), CONTEXT.progress) as artifact:
        yield artifact


def by_path(found: tuple[Analysis, ...]) -> dict[str, Analysis]:
    return {each.path: each for each in found}


def test_every_graph_is_found_by_its_bytes_or_its_name(tmp_path: Path) -> None:
    files = {"a_onnx": MODEL, "b_dat": MODEL, "c_onnx": b"\x93" * 99, "d_txt": b"words", "e_onnx": b"{}"}
    with folder(tmp_path / "m", **files) as artifact:
        found = by_path(analyses(artifact, CONTEXT))
    assert set(found) == {"a.onnx", "b.dat", "c.onnx", "e.onnx"}
    for path in ("a.onnx", "b.dat"):
        outline = found[path].outline
        assert outline is not None
        assert not found[path].troubles
        assert (outline.producer, outline.nodes, outline.operators) == ("tool", 1, (("Neg", 1),))
    for path in ("c.onnx", "e.onnx"):
        assert found[path].troubles.keys() == READERS.keys()
        assert not found[path].parts


def test_no_process_is_started_where_no_graph_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "start", lambda _: pytest.fail("started"))
    with folder(tmp_path / "m", a_txt=b"words") as artifact:
        assert analyses(artifact, CONTEXT) == ()


def test_an_artifact_is_analysed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with folder(tmp_path / "m", a_onnx=MODEL) as artifact:
        first = analyses(artifact, CONTEXT)
        monkeypatch.setattr(Server, "start", lambda _: pytest.fail("started"))
        assert analyses(artifact, CONTEXT) is first


def test_answers_are_kept_and_read_again_strictly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SealedCache(tmp_path / "cache", bytes(KEY_BYTES)) as results:
        context = replace(CONTEXT, results=results)
        broken = MODEL.replace(b"Neg", b"N\xffg")
        with folder(tmp_path / "m", a_onnx=MODEL, b_onnx=broken) as artifact:
            first = analyses(artifact, context)
        monkeypatch.setattr(Server, "run", lambda *_: pytest.fail("asked again"))
        with folder(tmp_path / "m") as artifact:
            assert analyses(artifact, context) == first
        monkeypatch.undo()
        monkeypatch.setattr(SealedCache, "get", lambda *_: b'{"part": "outline", "value": {}}\n')
        with folder(tmp_path / "m") as artifact:
            assert analyses(artifact, context) == first


def test_a_child_that_is_stopped_is_a_trouble_and_blinds_nobody(tmp_path: Path) -> None:
    # Two bytes each here, a hundred times that once parsed.
    attributes = helper.make_node("Neg", ["x"], ["y"]).SerializeToString() + b"\x2a\x00" * (2 * MIB)
    node = b"\x0a" + varint(len(attributes)) + attributes
    bomb = b"\x08\x08\x3a" + varint(len(node)) + node
    limits = replace(DEFAULT_LIMITS, onnx_memory_bytes=340 * MIB)
    with SealedCache(tmp_path / "cache", bytes(KEY_BYTES)) as results:
        context = replace(CONTEXT, limits=limits, results=results)
        with folder(tmp_path / "m", a_onnx=bomb, b_onnx=MODEL) as artifact:
            found = by_path(analyses(artifact, context))
    assert found["b.onnx"].outline is not None
    assert found["a.onnx"].outline is None
    assert "memory_bytes" in found["a.onnx"].troubles["outline"]


@pytest.mark.parametrize(
    "answer",
    [b"", b"{}\n", b"[]\n", b"nonsense\n", b'{"part": "outline", "value": {"producer": 3}}\n', b"[" * 100_000 + b"\n",
     b'{"part": "outline", "error": 1, "lasting": true}\n', b'{"part": "outline", "error": "e", "lasting": 1}\n'],
)  # fmt: skip
def test_an_answer_that_is_none_is_a_trouble(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        analysis._read("a.onnx", answer * len(READERS))


def test_the_child_says_what_the_parent_reads() -> None:
    assert list(child.PARTS) == list(READERS)


def test_a_large_model_is_analysed_by_its_skeleton(tmp_path: Path) -> None:
    weights = [numpy_helper.from_array(np.ones(MIB, np.float32), f"w{n}") for n in range(5)]
    nodes = [helper.make_node("Sum", ["w0", "w1", "w2", "w3", "w4"], ["y"])]
    graph = helper.make_graph(nodes, "m", [], [helper.make_empty_tensor_value_info("y")], weights)
    with folder(tmp_path / "m", a_onnx=helper.make_model(graph).SerializeToString()) as artifact:
        (found,) = analyses(artifact, CONTEXT)
    assert found.outline is not None
    assert found.outline.operators == (("Sum", 1),)
