"""bom and explain --controls: files in, one document out, and errors that say whose turn it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper import report
from gatekeeper.cli.main import cli
from gatekeeper.errors import GatekeeperError, InputError
from tests.support import attestations
from tests.support.boms import strict_errors


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    for name in ("allow", "discard"):
        report.write(attestations.CASES[name](), tmp_path / "reports" / name, ["json"])
    return tmp_path / "reports"


@pytest.mark.parametrize("spec", ["1.6", "1.7"])
def test_a_folder_of_reports_becomes_one_document(reports: Path, tmp_path: Path, spec: str) -> None:
    out = tmp_path / "new" / "bom.cdx.json"
    assert "2 models in " in invoke("bom", str(reports), "--spec", spec, "--out", str(out)).output
    document = json.loads(out.read_bytes())
    assert strict_errors(document, spec) is None
    assert [each["name"] for each in document["components"]] == ["tide-7b", "lantern-135m"]


def test_without_a_place_it_is_printed_alone(reports: Path) -> None:
    printed = invoke("bom", str(reports / "allow" / "report.json")).output
    assert json.loads(printed)["bomFormat"] == "CycloneDX"
    assert printed == invoke("bom", str(reports / "allow")).output


def test_a_model_is_held_against_the_lock(reports: Path, tmp_path: Path) -> None:
    lock = tmp_path / "gatekeeper.lock"
    lock.write_text("version = 1\n", "utf-8")
    document = json.loads(invoke("bom", str(reports / "allow"), "--lock", str(lock)).output)
    found = {each["name"]: each["value"] for each in document["components"][0]["properties"]}
    assert found["gatekeeper:lock"] == "absent"


def test_the_nearest_lock_counts_as_everywhere(reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    without = invoke("bom", str(reports / "allow")).output
    lock = tmp_path / "gatekeeper.lock"
    lock.write_text("version = 1\n", "utf-8")
    found = invoke("bom", str(reports / "allow")).output
    assert found == invoke("bom", str(reports / "allow"), "--lock", str(lock)).output != without
    lock.write_text("version = 2\n", "utf-8")
    with pytest.raises(InputError, match="version"):
        invoke("bom", str(reports / "allow"))


def test_a_link_at_the_place_is_replaced_and_not_followed(reports: Path, tmp_path: Path) -> None:
    kept, out = tmp_path / "kept.txt", tmp_path / "bom.cdx.json"
    kept.write_text("kept", "utf-8")
    out.symlink_to(kept)
    invoke("bom", str(reports), "--out", str(out))
    assert kept.read_text("utf-8") == "kept"
    assert not out.is_symlink()


@pytest.mark.parametrize("arguments", [["nowhere"], ["empty"], ["broken.json"], ["reports", "--lock", "nowhere.lock"]])
def test_what_can_not_be_used_is_refused_and_nothing_is_written(
    reports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json").write_text('{"schema_version": "1.0"}', "utf-8")
    with pytest.raises(GatekeeperError) as refused:
        invoke("bom", *arguments, "--out", "bom.cdx.json")
    assert refused.value.exit_code == 2
    assert not Path("bom.cdx.json").exists()


def test_a_place_that_can_not_be_written_to_is_told(reports: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be written"):
        invoke("bom", str(reports), "--out", str(tmp_path / "file" / "bom.json"))


def test_frameworks_are_listed_with_their_editions() -> None:
    listed = invoke("explain", "--controls").output
    for framework in report.catalogue():
        assert framework.id in listed
    assert "MITRE ATLAS, 5.6.0" in listed


@pytest.mark.parametrize("framework", [framework.id for framework in report.catalogue()])
def test_every_control_is_explained(framework: str) -> None:
    (expected,) = (each for each in report.catalogue() if each.id == framework)
    shown = invoke("explain", "--controls", framework).output
    assert expected.edition in shown.splitlines()[0]
    assert all(control.id in shown for control in expected.controls)
    assert ("secondary source" in shown) == any(control.secondary for control in expected.controls)


def test_controls_as_json_are_the_catalogue() -> None:
    whole = json.loads(invoke("explain", "--controls", "--format", "json").output)
    assert [each["id"] for each in whole] == [framework.id for framework in report.catalogue()]
    (one,) = json.loads(invoke("explain", "--controls", "slsa", "--format", "json").output)
    assert one["edition"] == "1.2"


def test_a_framework_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no framework"):
        invoke("explain", "--controls", "files/structure")
