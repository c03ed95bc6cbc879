"""Graphs against their architecture: what is the same whoever wrote it is no finding, what an implant does is one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from gatekeeper import tensors
from gatekeeper.artifact import ArtifactFile
from gatekeeper.checks.check import Context, inspect
from gatekeeper.checks.onnx import export_asking, read_graph
from gatekeeper.checks.onnx.export_asking import _deeds, _graphs, architectures
from gatekeeper.checks.onnx.export_check import GraphExport
from gatekeeper.checks.onnx.kinds import deeds
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.evidence import CheckResult, Hazard, Status
from tests.support.artifacts import CONTEXT, artifact
from tests.support.onnx_models import text
from tests.support.onnx_triples import NAMES, prefix, triple

CHECK = GraphExport()
DEEP = replace(CONTEXT, deep=True)
BESIDE = {"config.json": b'{"model_type": "bert"}', "model.safetensors": b"weights"}
TORCH = pytest.mark.skipif(bool(tensors.exporters_lacking()), reason="needs torch, transformers and onnxscript")


def kinds(data: bytes) -> set[str]:
    return {deed.kind for deed in deeds(read_graph(data))}


@pytest.mark.parametrize("name", NAMES)
def test_an_implant_does_more_than_the_graph_without_it(name: str) -> None:
    made = triple(name)
    assert kinds(made.clean) < kinds(made.implanted)


def held(graph: bytes, written: bytes, monkeypatch: pytest.MonkeyPatch, context: Context = DEEP) -> CheckResult:
    """Hold a graph against one that stands for its architecture; only the writing itself is left out."""
    monkeypatch.setattr(export_asking._Holding, "_architecture", lambda *_: (("Text dynamo",), (written,)))
    return inspect(CHECK, artifact({"onnx/model.onnx": graph, **BESIDE}), context)


def test_the_rule_holds_for_an_implant_and_not_for_the_architecture_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(rule.slug, rule.hazard) for rule in CHECK.rules] == [("does-more", Hazard.UNVERIFIED)]
    (finding,) = held(text(prefix, "add"), text(), monkeypatch).findings
    assert finding.id == "onnx/re-export/does-more"
    assert "decision of the kind predicate that does add" in finding.message
    assert "config.json" in finding.message
    assert held(text(), text(), monkeypatch).status is Status.PASS
    assert held(text(prefix, "add"), text(prefix, "add"), monkeypatch).status is Status.PASS


def test_graphs_that_can_not_be_read_are_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    for graph, written in ((b"no model", text()), (text(), b"no model")):
        result = held(graph, written, monkeypatch)
        assert (result.status, result.findings) == (Status.UNKNOWN, ())
        assert "not held against its architecture" in result.reason


def test_nothing_is_written_out_unless_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, context in (
        ({"a.txt": b""}, DEEP),
        ({"model.onnx": text(), **BESIDE}, CONTEXT),
        ({"model.onnx": text()}, DEEP),
        ({"model.onnx": text(), "config.json": b"{}"}, DEEP),
    ):
        monkeypatch.setattr(export_asking, "Server", lambda *_: pytest.fail("started"))
        assert inspect(CHECK, artifact(files), context).status is Status.NOT_APPLICABLE


def path(found: dict[str, ArtifactFile], graph: str) -> PurePosixPath | None:
    return found[graph].path if graph in found else None


def test_the_nearest_configuration_with_weights_beside_it_is_the_architecture() -> None:
    given = artifact({"model.onnx": text(), "a/onnx/model.onnx": text(), "b/model.onnx": text(), **BESIDE,
                      "a/config.json": b"{}", "a/model.safetensors": b"", "b/config.json": b"{}"})  # fmt: skip
    found = architectures(given, DEEP)
    assert path(found, "model.onnx") == PurePosixPath("config.json")
    assert path(found, "a/onnx/model.onnx") == PurePosixPath("a/config.json")
    assert path(found, "b/model.onnx") == PurePosixPath("config.json")


def test_safetensors_of_the_reference_serve_where_there_are_none() -> None:
    given = artifact({"model.onnx": text()})
    reference = artifact(BESIDE)
    assert path(architectures(given, replace(DEEP, reference=reference)), "model.onnx") == PurePosixPath("config.json")
    assert not architectures(given, replace(DEEP, reference=artifact({"model.onnx": text()})))


def test_what_is_not_installed_and_what_is_no_configuration_are_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"model.onnx": text(), **BESIDE}
    monkeypatch.setattr(export_asking, "exporters_lacking", lambda: ("torch",))
    assert "not installed: torch" in inspect(CHECK, artifact(files), DEEP).reason
    monkeypatch.setattr(export_asking, "exporters_lacking", lambda: ())
    assert inspect(CHECK, artifact({**files, "config.json": b"[]"}), DEEP).status is Status.UNKNOWN


def said(**fields: Any) -> bytes:
    return json.dumps(fields).encode() + b"\n"


def test_what_was_written_out_is_read_and_failures_are_told_when_nothing_was() -> None:
    answer = said(trouble="one: no") + said(name="two", length=3) + b"abc" + said(name="three", length=2) + b"\n\n"
    assert _graphs(answer, "") == (("two", "three"), (b"abc", b"\n\n"))
    with pytest.raises(GraphError, match=r"its child: out of memory; one: no"):
        _graphs(said(trouble="one: no"), "out of memory")
    with pytest.raises(GraphError, match="nothing was written out"):
        _graphs(b"", "")


@pytest.mark.parametrize(
    "output",
    [b"no json\n", said(name="x", length=4) + b"abc", said(name="x", length=-1), said(name="x", length=True) + b"a",
     said(name=1, length=1) + b"a", said(length=1) + b"a", b"[]\n", said(name="x", length="1") + b"a", b"[" * 100_000],
)  # fmt: skip
def test_an_answer_of_the_exporter_that_is_none_is_refused(output: bytes) -> None:
    with pytest.raises(GraphError, match="nonsense"):
        _graphs(output, "")


@pytest.mark.parametrize("given", [[], {}, {"value": 1}, {"value": [{"kind": 1, "where": ""}]}, {"more": []}])
def test_an_answer_of_the_comparison_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(GraphError, match="nonsense"):
        _deeds(json.dumps(given).encode())


HOSTILE: dict[str, Any] = {
    "no type": {},
    "unknown type": {"model_type": "whatever", "auto_map": {"AutoModel": "modeling.Model"}},
    "a type that is no text": {"model_type": ["bert"]},
    "sizes that can't be": {"model_type": "bert", "hidden_size": -1, "architectures": ["BertModel"]},
    "too large": {"model_type": "bert", "hidden_size": 64_000, "architectures": ["BertModel"]},
    "names that are no networks": {"model_type": "t5", "architectures": ["pipeline", "__all__", 7, "AutoModel"]},
}


@TORCH
@pytest.mark.parametrize("case", sorted(HOSTILE))
@pytest.mark.filterwarnings("ignore")
def test_a_configuration_of_nothing_that_is_known_is_told_in_words(case: str) -> None:
    from gatekeeper.tensors.export import job

    answers: list[bytes] = []
    job(json.dumps({"config": HOSTILE[case], "parameters": 10_000_000}).encode(), answers.append)
    assert answers
    assert all(0 < len(json.loads(answer)["trouble"]) <= 400 for answer in answers)


@TORCH
@pytest.mark.filterwarnings("ignore")
def test_an_architecture_is_written_out_in_a_confined_process_and_its_own_export_does_no_more() -> None:
    small = {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": 16,
             "num_hidden_layers": 9, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 600}  # fmt: skip
    given = artifact({"model.onnx": text(prefix, "add"), **BESIDE, "config.json": json.dumps(small).encode()})
    (finding,) = inspect(CHECK, given, DEEP).findings
    assert "BertModel dynamo, BertModel torchscript" in finding.message
    assert "predicate" in finding.message
