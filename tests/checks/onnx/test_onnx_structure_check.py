"""`onnx/structure` on artifacts: a subject and an honest near miss for each rule, and what is not known is said."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import onnx
import pytest

from gatekeeper.artifact import ExcludedFile, Reference, Scheme
from gatekeeper.checks.onnx.structure_check import GraphStructure
from gatekeeper.evidence import CheckResult, Severity, Status
from tests.support import runtime_samples
from tests.support.artifacts import artifact, look
from tests.support.onnx_changes import CASES, Change, model, place

CHECK = GraphStructure()
Files = Callable[[], dict[str, bytes]]


def graph(change: Change | None = None) -> bytes:
    made = model()
    if change:
        change(made)
    return made.SerializeToString()


def beside(size: int = 64, path: str = "w.bin", **entries: object) -> dict[str, bytes]:
    """A graph whose weights lie in a file beside it."""
    return {"model.onnx": graph(place(location="w.bin", **entries)), path: bytes(size)}


def itself() -> dict[str, bytes]:
    return {"model.onnx": graph(place(location="model.onnx"))}


NEAR = {"model.onnx": graph()}
SHA1 = hashlib.sha1(bytes(64)).hexdigest()
PAIRS: dict[str, tuple[Files, Files]] = {
    **{slug: (lambda change=change: {"model.onnx": graph(change)}, lambda: NEAR) for slug, change in CASES},
    "external-bounds": (lambda: beside(15), lambda: beside(16)),
    "external-missing": (lambda: beside(path="v.bin"), beside),
    "external-itself": (itself, beside),
    "external-checksum": (lambda: beside(checksum="0" * 40), lambda: beside(checksum=SHA1)),
    "name-text": (lambda: {"model.onnx": graph().replace(b"shifted", b"\xff\xfeifted")}, lambda: NEAR),
    "unnamed-fields": (lambda: {"model.onnx": graph() + b"\xfa\x07\x80\x40" + bytes(8192)}, lambda: NEAR),
}


@pytest.fixture(scope="module", params=[0, 1], ids=["fires", "near"])
def judged(request: pytest.FixtureRequest) -> tuple[int, CheckResult]:
    """All subjects, or all near misses, in one artifact: a folder for each rule."""
    side = request.param
    return side, look(
        CHECK, {f"{rule}/{name}": data for rule, pair in PAIRS.items() for name, data in pair[side]().items()}
    )


@pytest.mark.parametrize("rule", [rule.slug for rule in CHECK.rules])
def test_a_rule_is_broken_by_its_subject_and_an_honest_near_miss_is_spared(
    rule: str, judged: tuple[int, CheckResult]
) -> None:
    side, result = judged
    found = {finding.id: finding for finding in result.findings if finding.location.path == f"{rule}/model.onnx"}
    assert not [gap for gap in result.gaps if gap.path.startswith(f"{rule}/")]
    if side == 0:
        assert f"onnx/structure/{rule}" in found
    else:
        assert [finding.message for finding in found.values() if finding.severity > Severity.INFO] == []


def test_nothing_else_is_said(judged: tuple[int, CheckResult]) -> None:
    side, result = judged
    assert result.status is (Status.PASS if side else Status.FAIL)
    # Some of the subjects are so broken that they are no graph.
    assert result.facts == {"graph.unknown": not side, "graph.exporter": "tests"}


def test_files_are_looked_for_beside_the_graph() -> None:
    inside = {f"onnx/{name}": data for name, data in beside().items()}
    assert look(CHECK, inside).status is Status.PASS
    elsewhere = {"onnx/model.onnx": inside["onnx/model.onnx"], "w.bin": bytes(64)}
    assert {finding.id for finding in look(CHECK, elsewhere).findings} == {"onnx/structure/external-missing"}


def test_what_was_left_out_is_not_known() -> None:
    files = beside()
    del files["w.bin"]
    left_out = artifact(files, excluded=(ExcludedFile(path="w.bin", size=64),))
    alone = artifact(files, reference=Reference(scheme=Scheme.FILE, name="model.onnx"))
    for subject in (left_out, alone):
        result = look(CHECK, subject)
        assert result.status is Status.UNKNOWN
        assert result.facts["graph.unknown"] is True
        assert not result.findings


def test_a_checksum_of_a_file_that_is_too_large_is_not_known() -> None:
    result = look(CHECK, beside(checksum=SHA1), onnx_checksum_bytes=10)
    assert [gap.path for gap in result.gaps] == ["model.onnx"]


def test_what_can_not_be_read_is_not_known() -> None:
    result = look(CHECK, {"a.onnx": b"\x08\x08:\xff\xff\x03abc", "b.onnx": b"no model at all, only text " * 100})
    assert {gap.path for gap in result.gaps} == {"a.onnx", "b.onnx"}
    assert result.facts["graph.unknown"] is True


def test_other_graphs_are_named_and_not_known() -> None:
    result = look(CHECK, {"m.tflite": runtime_samples.tflite(), "model.onnx": graph()})
    assert [gap.path for gap in result.gaps] == ["m.tflite"]
    assert result.facts == {"graph.unknown": True, "graph.exporter": "tests"}


def test_without_a_graph_there_is_nothing_to_do() -> None:
    assert look(CHECK, {"README.md": b"words"}).status is Status.NOT_APPLICABLE


def test_exporters_are_told_once_each_and_visibly() -> None:
    def by(name: str) -> bytes:
        return graph(lambda made: setattr(made, "producer_name", name))

    result = look(CHECK, {"a.onnx": by("pytorch"), "b.onnx": by("pytorch"), "c.onnx": by("evil\x1b[2J")})
    assert result.facts["graph.exporter"] == "evil\\u001b[2J, pytorch"


def heavy(change: Change | None = None) -> bytes:
    """A file of the large ones: its large tensors are left out before it is parsed."""

    def enlarged(made: onnx.ModelProto) -> None:
        made.graph.initializer[0].dims[0] = 2**20
        made.graph.initializer[0].raw_data = bytes(2**22)
        for number in range(2):
            made.graph.initializer.add().CopyFrom(made.graph.initializer[0])
            made.graph.initializer[-1].name = f"more{number}"
        if change:
            change(made)

    return graph(enlarged)


def two_fields(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].float_data.append(1.0)


def names_a_file(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].external_data.add(key="location", value="w.bin")


def wrong_size(made: onnx.ModelProto) -> None:
    made.graph.initializer[0].dims[0] -= 1


def test_large_weights_are_judged_as_if_they_were_there() -> None:
    files = {"plain": None, "two": two_fields, "named": names_a_file, "wrong": wrong_size}
    subject = {f"{name}/model.onnx": heavy(change) for name, change in files.items()}
    result = look(CHECK, subject, onnx_tensor_bytes=2**16)
    found = {(finding.location.path.split("/")[0], finding.id.rpartition("/")[2]) for finding in result.findings}
    assert {each for each in found if each[1] != "checker"} == {
        ("plain", "unused-bytes"), ("two", "unused-bytes"), ("two", "two-data-fields"), ("named", "unused-bytes"),
        ("named", "two-data-fields"), ("wrong", "unused-bytes"), ("wrong", "data-size"),
    }  # fmt: skip
