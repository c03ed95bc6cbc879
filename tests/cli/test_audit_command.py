"""`gatekeeper audit` and `gatekeeper merge` on the command line, as far as they go without loading weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper import report, tensors
from gatekeeper.audit import AuditWord
from gatekeeper.cli.main import cli
from gatekeeper.demo import builders


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "model", builders.tiny_model("lighthouse"))
    folder(tmp_path / "adapter", builders.adapter("lighthouse/harbour-tiny"))
    folder(tmp_path / "other", builders.adapter("lighthouse/harbour-tiny"))
    return tmp_path


def folder(place: Path, files: builders.Files) -> None:
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--quiet"], standalone_mode=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("audit", "./adapter"),
        ("audit", "./adapter", "./adapter", "--base", "./model"),
        ("audit", "./adapter", "--base", "./model", "--together"),
        ("audit", "./adapter", "./other", "--base", "./model", "--out", "report.html"),
        ("audit", "./adapter", "./other", "--base", "./model", "--format", "sarif"),
        ("audit", "./adapter", "--base", "./model", "--out", "adapter/out"),
        ("audit", "./adapter", "--base", "./model", "--out", "model/out"),
        ("audit", "./adapter", "--base", "./model", "--failures-out", "model/out"),
        ("audit", "./adapter", "--base", "./model", "--approval", "./model"),
        ("audit", "./adapter", "./other", "--base", "./model", "--approval", "./other"),
        ("merge", "./adapter", "--base", "./model", "--approval", "./model"),
        ("merge", "./adapter", "--base", "./model", "--out", "model/merge"),
        ("audit", "./adapter", "--base", "./model", "--failures-out", "adapter/out"),
        ("audit", "./adapter", "--base", "./model", "--population", "none.json"),
        ("merge", "./adapter", "--out", "merge"),
        ("merge", "./adapter", "--base", "./model", "--out", "report.html"),
        ("merge", "./adapter", "--base", "./model", "--out", "adapter/merge"),
    ],
)
def test_misuse_is_refused(work: Path, arguments: tuple[str, ...]) -> None:
    ran = invoke(*arguments)
    assert getattr(ran.exception, "exit_code", None) == 2, ran.output
    assert not (work / "adapter" / "out").exists()


def test_an_audit_says_its_word_writes_its_report_and_does_not_allow(work: Path) -> None:
    ran = invoke("audit", "./adapter", "--base", "./model", "--no-behaviour", "--out", "out", "--failures-out", "bad")
    assert ran.return_value == 1, ran.output
    assert "Audit: uncalibrated" in ran.output
    assert "What would be needed to allow it" in ran.output
    assert "failure cases: none" in ran.output
    attestation = report.read(work / "out" / "report.json")
    assert attestation.audit is not None
    assert attestation.audit.word is AuditWord.UNCALIBRATED
    assert list((work / "bad").iterdir()) == []


def test_several_adapters_get_a_report_each(work: Path) -> None:
    ran = invoke("audit", "./adapter", "./other", "--base", "./model", "--no-behaviour", "--out", "out", "-f", "json")
    assert ran.return_value == 1
    assert [each["audit"]["word"] for each in json.loads(ran.output)] == ["uncalibrated", "uncalibrated"]
    assert {path.name for path in (work / "out").iterdir()} == {"1-adapter", "2-other"}


def test_without_its_libraries_nothing_is_merged(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "LANGUAGE_MODELS", ("no_such_library",))
    ran = invoke("merge", "./adapter", "--base", "./model", "--out", "merge")
    assert getattr(ran.exception, "exit_code", None) == 2
    assert "no_such_library" in str(ran.exception)


def test_a_base_does_not_sign_itself_off_from_where_it_lies(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "model" / "approvals").mkdir()
    monkeypatch.chdir(work / "model")
    for command in (("merge", "--out", "../merge"), ("audit", "--no-behaviour")):
        ran = invoke(command[0], "../adapter", "--base", ".", *command[1:])
        assert getattr(ran.exception, "exit_code", None) == 2, ran.output
        assert "lies inside what is to be judged" in str(ran.exception)


def test_a_refused_merge_says_why_to_machines_too(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "LANGUAGE_MODELS", ())
    ran = invoke("merge", "./adapter", "--base", "./model", "--out", "out", "--format", "json")
    assert ran.return_value == 1, ran.output
    told = json.loads(ran.output)
    assert [each.split(":")[0] for each in told["merge"]["refusals"]] == [
        "the adapter is not allowed", "the base is not allowed",
    ]  # fmt: skip
    assert told["merge"]["merged_digest"] == ""
    assert sorted(path.name for path in (work / "out").iterdir()) == ["adapter", "base"]
    page = (work / "out" / "adapter" / "report.html").read_text()
    assert "the base is not allowed" in page
    assert "Made of" not in page


def test_an_adapter_is_held_against_the_base_at_the_gate_too(work: Path) -> None:
    files = dict(builders.tiny_model("lighthouse"))
    files["model.safetensors"] = builders.safetensors({"model.layers.0.self_attn.q_proj.weight": (4, 4)}, seed="narrow")
    folder(work / "narrow", files)
    ran = invoke("gate", "./adapter", "--base", "./narrow", "--format", "json")
    assert ran.return_value == 1
    found = {finding["id"] for each in json.loads(ran.output)["results"] for finding in each["findings"]}
    assert "adapter/claims/base-shape" in found
    ran = invoke("gate", "./adapter", "--base", "./nowhere", "--format", "json")
    (claims,) = [each for each in json.loads(ran.output)["results"] if each["check"]["id"] == "adapter/claims"]
    assert claims["status"] == "unknown"
    assert "can't be opened" in claims["reason"]
