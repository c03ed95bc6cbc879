"""`gatekeeper calibrate` at the edge: exit codes, what it prints, and that the gate uses what it made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatekeeper import populations
from gatekeeper.cli.main import cli
from gatekeeper.errors import InputError
from tests.support.adapter_crowd import TARGETS, crowd, write


def run(*arguments: object) -> str:
    ran = CliRunner().invoke(cli, ["calibrate", *map(str, arguments)], catch_exceptions=False)
    assert ran.exit_code == 0
    return ran.output


def test_a_population_is_written_and_told(tmp_path: Path) -> None:
    ours = crowd(tmp_path / "ours", 8)
    told = run(ours, "--false-alarms", 0.3, "-o", tmp_path / "lantern.json", "-q")
    assert "lantern  8 honest adapters" in told
    assert "false alarms" in told
    made = populations.load(tmp_path / "lantern.json")
    assert made.name == "lantern"
    assert made.targets == tuple(sorted(TARGETS))
    assert {"numpy", "scikit-learn"} <= set(made.tool_versions)


def test_as_json_it_is_what_is_in_the_file(tmp_path: Path) -> None:
    ours, theirs = crowd(tmp_path / "ours", 8), write(tmp_path / "theirs", 900, decay=1.0)
    out = tmp_path / "p.json"
    told = run(ours, "--poisoned", theirs, "--false-alarms", 0.3, "-o", out, "-f", "json", "--name", "x")
    assert told == out.read_text()
    assert [member["label"] for member in json.loads(told)["members"]].count("poisoned") == 1


def test_too_few_adapters_write_nothing(tmp_path: Path) -> None:
    ours = crowd(tmp_path / "ours", 3)
    with pytest.raises(InputError, match="3 honest adapters"):
        run(ours, "-o", tmp_path / "p.json", "-q")
    assert not (tmp_path / "p.json").exists()


def test_a_place_that_is_not_there_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be made"):
        run(tmp_path / "none", "-o", tmp_path / "no" / "p.json")
