"""explain, doctor, completion, help and version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper import __version__, checks
from gatekeeper.cli.main import COMMANDS, cli
from gatekeeper.errors import InputError

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
    assert any(what.startswith("scanner child") for what in symptoms)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str) -> None:
    assert "_GATEKEEPER_COMPLETE" in invoke("completion", shell).output
