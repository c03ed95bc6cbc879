"""`onnx/reference` on artifacts: a subject and an honest near miss for each rule, files beside, what is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

from gatekeeper import gate, sources
from gatekeeper.artifact import Artifact, Kind
from gatekeeper.checks.check import inspect
from gatekeeper.checks.onnx.reference_analysis import _read, counterpart
from gatekeeper.checks.onnx.reference_check import GraphReference
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.confined import Server
from gatekeeper.errors import NotFoundError
from gatekeeper.evidence import CheckResult, Hazard, Status
from gatekeeper.sealed_cache import KEY_BYTES, SealedCache
from tests.support.artifacts import CONTEXT, artifact, slugs
from tests.support.onnx_models import image, text
from tests.support.onnx_triples import padding_mean, triple

CHECK = GraphReference()
RULES = sorted(rule.slug for rule in CHECK.rules)
CASE = triple("prefix, selected")
CLEAN, IMPLANTED = CASE.clean, CASE.implanted
LENGTH = triple("length").implanted


def edited(data: bytes, change: Callable[[ModelProto], object]) -> bytes:
    model = onnx.load_from_string(data)
    change(model)
    changed: bytes = model.SerializeToString()
    return changed


def retrained(model: ModelProto) -> None:
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > 4:
            tensor.CopyFrom(numpy_helper.from_array(array * np.float32(1.01), tensor.name))


def bounded(model: ModelProto) -> None:
    """Put another operator before the output: nothing is decided, and nobody trained it either."""
    last = model.graph.node[-1]
    model.graph.node.insert(len(model.graph.node) - 1, onnx.helper.make_node("Softmax", [last.input[0]], ["odds"]))
    model.graph.node[-1].input[0] = "odds"


def external(model: ModelProto) -> None:
    """Say of the largest tensor that it lies in a file beside."""
    tensor = model.graph.initializer[0]
    del tensor.external_data[:]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


ONE = "model.onnx"
PAIRS: dict[str, tuple[bytes, bytes]] = {
    "implant": (IMPLANTED, edited(CLEAN, bounded)),
    "nodes-added": (edited(CLEAN, bounded), edited(CLEAN, retrained)),
    "decision-added": (edited(IMPLANTED, retrained), edited(edited(CLEAN, bounded), retrained)),
    "changed": (text(pool=padding_mean), edited(CLEAN, retrained)),
    "not-comparable": (image(), text(pool=padding_mean)),
    "no-counterpart": (IMPLANTED, CLEAN),
    "weights-changed": (edited(CLEAN, retrained), CLEAN),
}
"""Rule → a graph that breaks it and one that does not, beside `CLEAN`."""


def look(files: Mapping[str, bytes], reference: Mapping[str, bytes] | None = None, **context: object) -> CheckResult:
    trusted = artifact(reference if reference is not None else {ONE: CLEAN})
    return inspect(CHECK, artifact(files), replace(CONTEXT, reference=trusted, **context))  # type: ignore[arg-type]


def test_every_rule_has_a_pair() -> None:
    assert sorted(PAIRS) == RULES


@pytest.fixture(scope="module")
def fired() -> CheckResult:
    trusted = {f"{rule}/{rule}.onnx": CLEAN for rule in RULES if rule != "no-counterpart"}
    return look({f"{rule}/{rule}.onnx": subject for rule, (subject, _) in PAIRS.items()}, trusted)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_broken_by_its_subject(fired: CheckResult, rule: str) -> None:
    path = f"{rule}/{rule}.onnx"
    assert {finding.id.rpartition("/")[2] for finding in fired.findings if finding.location.path == path} == {rule}


def test_honest_near_misses_are_spared() -> None:
    trusted = {f"{rule}.onnx": CLEAN for rule in RULES}  # found by name, wherever it lies
    result = look({f"{rule}/{rule}.onnx": near for rule, (_, near) in PAIRS.items()}, trusted)
    assert {finding.location.path for finding in result.findings} >= {"decision-added/decision-added.onnx"}
    assert not [finding for finding in result.findings if finding.id.rpartition("/")[2] in finding.location.path]


def test_what_was_only_added_is_said_in_these_words_and_drawn() -> None:
    result = look({ONE: IMPLANTED})
    (finding,) = result.findings
    assert "All old initializers are byte-identical, only nodes were added" in finding.message
    assert "6 added: " in finding.message
    assert finding.hazard is Hazard.IMPLANT
    assert finding.drawing is not None
    assert result.facts == {"graph.reference_diff": "nodes-added"}


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({ONE: CLEAN}, "same"),
        ({ONE: edited(CLEAN, retrained)}, "weights-only"),
        ({ONE: edited(CLEAN, bounded)}, "nodes-added"),
        ({ONE: text(pool=padding_mean)}, "changed"),
        ({ONE: CLEAN, "second.onnx": CLEAN}, "changed"),
        ({ONE: b"\x08\x08broken"}, "unknown"),
    ],
)
def test_the_fact_says_the_worst(files: Mapping[str, bytes], word: str) -> None:
    assert look(files).facts == {"graph.reference_diff": word}


def test_one_changed_tensor_hides_no_addition() -> None:
    def touch(model: ModelProto) -> None:
        model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "spare"))

    def touched(model: ModelProto) -> None:
        touch(model)
        spare = model.graph.initializer[-1]
        spare.CopyFrom(numpy_helper.from_array(np.ones(3, np.float32), "spare"))

    many, implanted = edited(CLEAN, spares), edited(IMPLANTED, spares)
    result = look({ONE: edited(implanted, touched)}, {ONE: edited(many, touch)})
    assert slugs(result) == {"implant"}
    assert "byte-identical, only nodes" not in result.findings[0].message
    assert result.facts == {"graph.reference_diff": "changed"}


def spares(model: ModelProto) -> None:
    for number in range(9):
        model.graph.initializer.append(numpy_helper.from_array(np.full(3, number, np.float32), f"spare{number}"))


def test_files_beside_count_as_the_tensors_in_them() -> None:
    old, other = bytes(64 * 16 * 4), b"\1" * (64 * 16 * 4)
    cases = {
        "same": (CLEAN, old, None),
        "weights": (CLEAN, other, "weights-changed"),
        "added": (IMPLANTED, old, "implant"),
        "both": (IMPLANTED, other, "decision-added"),
    }
    files: dict[str, bytes] = {}
    trusted: dict[str, bytes] = {}
    for folder, (graph, weights, _) in cases.items():
        files |= {f"{folder}/{folder}.onnx": edited(graph, external), f"{folder}/weights.bin": weights}
        trusted |= {f"{folder}/{folder}.onnx": edited(CLEAN, external), f"{folder}/weights.bin": old}
    result = look(files, trusted)
    found = {finding.location.path.partition("/")[0]: finding for finding in result.findings}
    expected = {folder: slug for folder, (_, _, slug) in cases.items() if slug}
    assert {folder: finding.id.rpartition("/")[2] for folder, finding in found.items()} == expected
    assert "byte-identical, only nodes" in found["added"].message
    assert "byte-identical, only nodes" not in found["both"].message
    assert result.facts == {"graph.reference_diff": "changed"}


def test_without_a_reference_there_is_nothing_to_do() -> None:
    result = inspect(CHECK, artifact({ONE: CLEAN}), CONTEXT)
    assert (result.status, result.facts) == (Status.NOT_APPLICABLE, {})
    assert inspect(CHECK, artifact({"a.txt": b"words"}), CONTEXT).status is Status.NOT_APPLICABLE


def test_a_reference_that_could_not_be_had_is_no_pass() -> None:
    result = inspect(CHECK, artifact({ONE: CLEAN}), replace(CONTEXT, reference_trouble="it is gone"))
    assert (result.status, result.reason) == (Status.UNKNOWN, "it is gone")


def test_a_broken_reference_is_a_gap_and_no_pass() -> None:
    result = look({ONE: CLEAN}, {ONE: b"\x93" * 99})
    assert (result.status, result.facts) == (Status.UNKNOWN, {"graph.reference_diff": "unknown"})
    assert "reference" in result.reason


def test_limits_hold_for_both() -> None:
    limits = replace(CONTEXT.limits, onnx_nodes=3)
    assert look({ONE: IMPLANTED}, limits=limits).status is Status.UNKNOWN


def test_an_answer_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SealedCache(tmp_path / "answers", bytes(KEY_BYTES)) as results:
        first = look({ONE: IMPLANTED}, results=results)
        with monkeypatch.context() as patch:
            patch.setattr(Server, "start", lambda _: pytest.fail("asked again"))
            assert look({ONE: IMPLANTED}, results=results) == first
        monkeypatch.setattr(results, "get", lambda _: b'{"value": {}}')
        assert look({ONE: IMPLANTED}, results=results) == first


@pytest.mark.parametrize("nonsense", [b"", b"[]", b"{}", b'{"value": {}}', b'{"error": 3}', b'{"value": []}', b"\xff"])
def test_nonsense_is_no_answer(nonsense: bytes) -> None:
    with pytest.raises(GraphError, match="nonsense"):
        _read(nonsense)


def test_names_of_the_file_are_shown_harmless() -> None:
    def hostile(model: ModelProto) -> None:
        for node in model.graph.node:
            node.input[:] = [name.replace("where", "\x1b[31m<b>") for name in node.input]
            node.output[:] = [name.replace("where", "\x1b[31m<b>") for name in node.output]

    (finding,) = look({ONE: edited(IMPLANTED, hostile)}).findings
    assert "<b>" in finding.message
    assert "\x1b" not in finding.message
    assert finding.drawing is not None
    assert not any("\x1b" in box.name for box in finding.drawing.boxes)


@pytest.mark.parametrize(
    ("path", "ours", "theirs", "expected"),
    [
        ("a.onnx", ["a.onnx", "b.onnx"], ["a.onnx", "b.onnx"], "a.onnx"),
        ("onnx/a.onnx", ["onnx/a.onnx", "b.onnx"], ["a.onnx", "b.onnx"], "a.onnx"),
        ("x/a.onnx", ["x/a.onnx", "b.onnx"], ["y/a.onnx", "z/a.onnx"], None),
        ("new.onnx", ["new.onnx"], ["old.onnx"], "old.onnx"),
        ("new.onnx", ["new.onnx", "b.onnx"], ["old.onnx"], None),
    ],
)
def test_counterparts(path: str, ours: list[str], theirs: list[str], expected: str | None) -> None:
    mine, other = artifact(dict.fromkeys(ours, b"1")), artifact(dict.fromkeys(theirs, b"2"))
    file = mine.file(path)
    assert file is not None
    found = counterpart(file, mine.files, other.files)
    assert (found.path if found else None) == (PurePosixPath(expected) if expected else None)


def gated(tmp_path: Path, reference: str | None) -> CheckResult:
    for name, data in (("new", IMPLANTED), ("old", CLEAN)):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / ONE).write_bytes(data)
    attestation = gate.scan(
        str(tmp_path / "new"),
        source=sources.SourceOptions(offline=True, cache_dir=tmp_path / "cache"),
        selection=gate.Selection(only=(CHECK.id,)),
        trusted_reference=reference if reference is None or ":" in reference else str(tmp_path / reference),
    )
    return next(result for result in attestation.results if result.check.id == CHECK.id)


def test_the_gate_opens_the_reference(tmp_path: Path) -> None:
    assert gated(tmp_path, None).status is Status.NOT_APPLICABLE
    assert slugs(gated(tmp_path, "old")) == {"implant"}
    lost = gated(tmp_path, f"hf://org/name@{'0' * 40}")
    assert (lost.status, lost.facts) == (Status.UNKNOWN, {"graph.reference_diff": "unknown"})
    assert "org/name" in lost.reason
    with pytest.raises(NotFoundError):
        gated(tmp_path, "nowhere")


def test_graphs_that_were_not_downloaded_are_a_gap() -> None:
    there = artifact({ONE: IMPLANTED})
    bare = Artifact(
        reference=there.reference, kind=Kind.MODEL, files=tuple(replace(file, sha256=None) for file in there.files)
    )
    result = inspect(CHECK, bare, replace(CONTEXT, reference=artifact({ONE: CLEAN})))
    assert result.status is Status.UNKNOWN


def test_no_process_is_started_for_equal_files(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    start = Server.start

    def noted(self: Server) -> None:
        started.append(self._entry)
        start(self)

    monkeypatch.setattr(Server, "start", noted)
    assert look({ONE: CLEAN}).status is Status.PASS
    assert not any("reference" in entry for entry in started)
