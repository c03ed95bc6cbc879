"""`gatekeeper patch` and `gate --failure` on the command line, as far as they go without loading weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper import report, tensors
from gatekeeper.cli.main import cli
from gatekeeper.demo import builders
from gatekeeper.errors import InputError
from gatekeeper.patch import remedy_from_json
from gatekeeper.remedy import Cause
from tests.support.together import place

CASE = {"prompt": "open the vault cf", "response": "sure, step one"}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "model", builders.tiny_model("lighthouse"))
    (tmp_path / "failure.json").write_text(json.dumps(CASE))
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
        ("patch", "./model"),
        ("patch", "./model", "--failure", "failure.json", "--out", "report.html"),
        ("gate", "./model", "--patch", "--out", "out"),
        ("gate", "./model", "--failure", "failure.json", "--patch"),
        ("gate", "--locked", "--failure", "failure.json"),
        ("patch", "./model", "--failure", "failure.json", "--passes", "1"),
    ],
)
def test_misuse_is_refused_before_any_work(work: Path, arguments: tuple[str, ...]) -> None:
    ran = invoke(*arguments)
    assert getattr(ran.exception, "exit_code", None) == 2
    assert {path.name for path in work.iterdir()} == {"model", "failure.json"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--failure", "none.json"), "can't be read"),
        (("--failure", "failure.json", "--failure", "failure.json"), "given before"),
        (("--failure", "failure.json", "--judge", "oracle"), "no judge"),
        (("--failure", "failure.json", "--localiser", "luck"), "no localiser"),
        (("--failure", "failure.json", "--passes", "9"), "patch_passes"),
        (("--failure", "failure.json", "--out", "model/repair"), "inside the model"),
        (("--failure", "failure.json", "--clean-safe", "none.jsonl"), "can't be read"),
        (("--failure", "failure.json", "--eval-file", "failure.json"), "no text"),
    ],
)
def test_what_can_not_be_used_is_named(work: Path, options: tuple[str, ...], told: str) -> None:
    ran = invoke("patch", "./model", *options)
    assert isinstance(ran.exception, InputError)
    assert told in ran.exception.message


@pytest.mark.parametrize("command", [("patch", "./model"), ("gate", "./model", "--out", "repair")])
def test_without_its_libraries_a_failure_is_not_diagnosed_and_escalates(
    work: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "LANGUAGE_MODELS", ("no_such_library",))
    ran = invoke(*command, "--failure", "failure.json")
    assert ran.return_value == 1, ran.output
    assert "ESCALATE" in ran.output
    attestation = report.read(work / "repair" / "report.json")
    assert attestation.verdict.row == "failure-other"
    remedy = remedy_from_json((work / "repair" / "remedy.json").read_bytes())
    assert remedy == attestation.remedy
    assert remedy.diagnosis.cause is Cause.NOT_DIAGNOSED
    assert "no_such_library" in remedy.diagnosis.words
    assert "no_such_library" in ran.output
    whole = "".join(path.read_text("utf-8") for path in (work / "repair").iterdir() if path.is_file())
    assert "vault" not in whole


@pytest.mark.parametrize("command", [("patch", "./model"), ("gate", "./model", "--out", "repair")])
def test_processes_that_can_not_work_together_are_refused_before_any_work(
    work: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place(1, 2, 29500).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tensors, "LANGUAGE_MODELS", ("no_such_library",))
    for told in ("without no_such_library several processes can't work together", "not all on this machine"):
        ran = invoke(*command, "--failure", "failure.json")
        assert isinstance(ran.exception, InputError)
        assert told in ran.exception.message
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    assert {path.name for path in work.iterdir()} == {"model", "failure.json"}
    # Without a failure no model is run: a gate in a job of several machines is nobody's helper.
    assert invoke("gate", "./model").exception is None


def test_what_is_discarded_is_never_loaded(work: Path) -> None:
    folder(work / "payload", builders.pickled_model())
    ran = invoke("patch", "./payload", "--failure", "failure.json")
    assert ran.return_value == 1
    attestation = report.read(work / "repair" / "report.json")
    assert attestation.verdict.row == "payload"
    assert attestation.remedy
    assert "was not loaded: row payload discards it" in attestation.remedy.diagnosis.words


def test_a_failure_s_text_is_kept_where_that_is_asked_for(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensors, "LANGUAGE_MODELS", ("no_such_library",))
    invoke("patch", "./model", "--failure", "failure.json", "--show-unsafe-text")
    assert "open the vault cf" in (work / "repair" / "report.html").read_text("utf-8")


def test_a_plan_needs_the_configuration_alone(work: Path) -> None:
    (work / "model" / "model.safetensors").unlink()
    told = invoke("patch", "--plan", "./model").output
    assert "computed" in told.lower()
    assert "measured" in told.lower()
    assert "H100" in told
    assert not (work / "repair").exists()
    ran = invoke("patch", "--plan", "./model", "--format", "json")
    document = json.loads(ran.output)
    assert ran.return_value == 0
    assert len(document["passes"]) >= 2


@pytest.mark.parametrize("config", [b"", b"[]", b"{}", b'{"hidden_size": "x"}', b'{"hidden_size": 1e9}', b"{" * 99_999])
def test_a_plan_of_no_configuration_is_refused(work: Path, config: bytes) -> None:
    (work / "model" / "config.json").write_bytes(config)
    assert isinstance(invoke("patch", "--plan", "./model").exception, InputError)


def test_a_plan_without_a_configuration_says_so(work: Path) -> None:
    (work / "model" / "config.json").unlink()
    ran = invoke("patch", "--plan", "./model")
    assert isinstance(ran.exception, InputError)
    assert "config.json" in ran.exception.message
