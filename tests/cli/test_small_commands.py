"""explain, doctor, completion, help and version."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper import __version__, checks
from gatekeeper.cli import doctor
from gatekeeper.cli.line import check_out
from gatekeeper.cli.main import COMMANDS, cli, main
from gatekeeper.cli.progress import amount, choose
from gatekeeper.errors import InputError
from gatekeeper.progress import SILENT

CHECKS = [check.describe() for check in checks.ALL]


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_agrees_with_the_list(name: str) -> None:
    shown = invoke(name, "--help").output
    assert shown.startswith("Usage: ")
    assert f"cli {name}" in shown


def test_version_is_the_packages() -> None:
    assert invoke("--version").output.strip().endswith(__version__)


def test_explain_lists_every_check() -> None:
    listed = invoke("explain").output
    assert [line.split()[0] for line in listed.splitlines()] == [check.id for check in CHECKS]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_every_check_and_each_of_its_rules_explains_itself(check: checks.CheckDescription) -> None:
    shown = invoke("explain", check.id).output
    for heading in ("What it looks at", "Why it matters", "What it cannot see", "How to mend"):
        assert heading in shown
    for rule in check.rules:
        assert rule.id in shown
        alone = invoke("explain", rule.id).output
        assert rule.title in alone
        assert json.loads(invoke("explain", rule.id, "--format", "json").output)["check"] == check.id


def test_explain_offers_the_nearest_name() -> None:
    with pytest.raises(InputError) as caught:
        invoke("explain", "files/structur")
    assert "files/structure" in caught.value.hint


def test_doctor_finds_this_environment_complete(tmp_path: Path) -> None:
    result = invoke("doctor", "--format", "json", "--cache-dir", str(tmp_path / "not" / "there"))
    symptoms = {symptom["what"]: symptom for symptom in json.loads(result.output)}
    assert result.return_value == 0
    assert symptoms["hayward"]["state"] == "ok"
    assert str(tmp_path) in symptoms["cache"]["detail"]
    assert any(what.startswith("confined child") for what in symptoms)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str) -> None:
    assert "_GATEKEEPER_COMPLETE" in invoke("completion", shell).output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("gatekeeper ga", {"plain,gate"}),
        ("gatekeeper policy li", {"plain,lint"}),
        ("gatekeeper gate --me", {"plain,--metadata-only"}),
        ("gatekeeper gate --format h", {"plain,html"}),
        ("gatekeeper gate --skip provenance/li", {"plain,provenance/licence", "plain,provenance/lineage"}),
        ("gatekeeper explain files/struct", {"plain,files/structure"}),
        ("gatekeeper gate ./mo", {"file,./mo"}),
    ],
)
def test_the_shell_completes(words: str, expected: set[str]) -> None:
    split = words.split()
    told = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'gatekeeper'; from gatekeeper.cli import main; main()"],
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "_GATEKEEPER_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(split) - 1),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert set(told.stdout.split()) == expected, told.stderr


def test_doctor_knows_what_the_package_declares() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]

    def names(requirements: list[str]) -> set[str]:
        older = "" if sys.version_info < (3, 14) else "python_version < '3.14'"
        return {re.split(r"[\[<>=~ ;]", each, maxsplit=1)[0] for each in requirements if not older or older not in each}

    extras = {extra: names(needed) for extra, needed in project["optional-dependencies"].items() if extra != "dev"}
    assert set(doctor.REQUIRED) == names(project["dependencies"])
    assert {extra: set(needed) for extra, needed in doctor.EXTRAS.items()} == extras


@pytest.mark.parametrize(
    ("done", "total", "unit", "told"),
    [
        (3, 15, "checks", "3 of 15 checks"),
        (7, None, "files", "7 files"),
        (0, 0, "bytes", "0.0 of 0.0 KiB"),
        (512 * 2**10, 64 * 2**20, "bytes", "0.5 of 64.0 MiB"),
        (3 * 2**30, None, "bytes", "3.0 GiB"),
    ],
)
def test_bars_tell_amounts(done: float, total: float | None, unit: str, told: str) -> None:
    assert amount(done, total, unit) == told


@pytest.mark.parametrize("variable", ["CI", "TERM"])
def test_bars_are_for_people_at_a_terminal(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert choose(quiet=False) is not SILENT
    assert choose(quiet=True) is SILENT
    monkeypatch.setenv(variable, "dumb")
    assert choose(quiet=False) is SILENT


def test_without_a_command_the_help_is_shown_and_it_is_not_a_success(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([])
    shown = capsys.readouterr()
    assert left.value.code == 2
    assert shown.err.startswith("Usage: gatekeeper")


def test_a_narrow_encoding_is_no_error() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "gate", "./\u043c\u043e\u0434\u0435\u043b\u044c"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 2
    assert b"\\u043c" in ran.stderr


@pytest.mark.parametrize("out", ["afile/report.html", "afile", "report.pdf", "afile/x/y"])
def test_an_output_that_can_not_be_made_is_refused(out: str, tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("")
    with pytest.raises(InputError, match="--out"):
        check_out(tmp_path / out)


@pytest.mark.parametrize("out", ["", "new/deep", "new/report.json", "new/report.sarif", "old.html"])
def test_an_output_that_can_be_made_is_not_refused(out: str, tmp_path: Path) -> None:
    (tmp_path / "old.html").write_text("")
    check_out(tmp_path / out)
    assert [path.name for path in tmp_path.iterdir()] == ["old.html"]


@pytest.mark.parametrize("arguments", [["doctor"], ["doctor", "-f", "json"], ["doctor", "-v"]])
def test_an_error_of_our_own_is_3_and_tells_no_secret(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    token = "hf_" + "x9" * 17

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"sent authorization: Bearer {token} \x1b[2J")

    monkeypatch.setattr(doctor.command, "make_context", broken)
    with pytest.raises(SystemExit) as left:
        main(arguments)
    shown = capsys.readouterr()
    assert left.value.code == 3
    assert "internal error: RuntimeError" in shown.out + shown.err
    assert token not in shown.out + shown.err
    assert "\x1b[2J" not in shown.out
    assert ("Traceback" in shown.err) == ("-v" in arguments)
