"""The samples: remade they are the same bytes, and each is what its folder says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gatekeeper import report
from gatekeeper.decision import Action
from tests.support.sample_reports import ENDPOINT, SAMPLES, VERSION, build


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    return build()


def test_the_samples_are_those_that_the_line_gives(made: dict[str, bytes]) -> None:
    written = {
        path.relative_to(SAMPLES).as_posix(): path.read_bytes()
        for path in SAMPLES.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    differ = sorted(path for path in made.keys() | written.keys() if made.get(path) != written.get(path))
    assert not differ, "make reports, and read what changed"


@pytest.mark.parametrize("action", Action)
def test_each_sample_ends_in_its_action_and_names_no_machine(action: Action) -> None:
    attestation = report.read(SAMPLES / action / "report.json")
    assert attestation.verdict.action is action
    assert attestation.subject.endpoint == ENDPOINT
    assert set(attestation.tool_versions.values()) == {VERSION}
    assert "127.0.0.1" not in (SAMPLES / action / "report.json").read_text("utf-8")


def test_only_the_sample_of_a_patch_was_handed_facts() -> None:
    for action in Action:
        attestation = report.read(SAMPLES / action / "report.json")
        made_up = [result.check.id for result in attestation.results if result.check.id.startswith("sample/")]
        assert bool(made_up) == (action is Action.PATCH)


def test_the_sample_audit_report_points_to_the_samples() -> None:
    audit = report.from_audit_json((SAMPLES / "audit-report" / "audit.json").read_bytes())
    digests = {_digest(SAMPLES / action / "report.json") for action in Action}
    assert digests <= {each.digest for each in audit.reports}
    assert {model.action for model in audit.fleet} == {*Action, None}
    assert audit.changes
    assert json.loads((SAMPLES / "audit-report" / "audit.json").read_text("utf-8"))["schema_version"] == "1.0"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
