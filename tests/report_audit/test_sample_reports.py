"""The samples: remade they are the same bytes, and each is what its folder says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from gatekeeper import attest, report
from gatekeeper.decision import Action, ApprovalState
from tests.support.boms import strict_errors
from tests.support.sample_reports import ENDPOINT, SAMPLES, SIGNED_OFF, VERSION, build


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


@pytest.mark.parametrize("name", [*Action, SIGNED_OFF])
def test_each_sample_ends_in_its_action_and_names_no_machine(name: str) -> None:
    attestation = report.read(SAMPLES / name / "report.json")
    assert attestation.verdict.action is (Action.ALLOW if name == SIGNED_OFF else Action(name))
    assert attestation.subject.endpoint == ENDPOINT
    assert set(attestation.tool_versions.values()) == {VERSION}
    assert all("127.0.0.1" not in path.read_text("utf-8") for path in (SAMPLES / name).iterdir())


def test_the_bill_of_materials_is_of_the_allowed_sample_and_valid() -> None:
    document = json.loads((SAMPLES / "allow" / "bom.cdx.json").read_bytes())
    assert strict_errors(document, document["specVersion"]) is None
    (component,) = document["components"]
    subject = report.read(SAMPLES / "allow" / "report.json").subject
    assert (component["name"], component["bom-ref"]) == (
        subject.name.split("/")[1],
        f"model:{_digest(SAMPLES / 'allow' / 'report.json')}",
    )


def test_the_sign_off_is_what_allows_its_sample() -> None:
    """It is the file as `gate` reads it, bound to these bytes, and without it the table says audit."""
    attestation = report.read(SAMPLES / SIGNED_OFF / "report.json")
    (approval,), disbelieved = attest.read_approvals([SAMPLES / SIGNED_OFF / "approval.intoto.json"], ())
    assert not disbelieved
    assert approval.subject == f"sha256:{attestation.subject.digest}"
    assert attestation.verdict.row == f"approved:{approval.row}"
    assert [(use.approval, use.state) for use in attestation.verdict.approvals] == [(approval, ApprovalState.USED)]
    assert approval.action is Action.AUDIT


def test_only_the_sample_of_a_patch_was_handed_a_diagnosis() -> None:
    """It is about the bytes that the sample judged."""
    for action in Action:
        attestation = report.read(SAMPLES / action / "report.json")
        assert (attestation.remedy is not None) == (action is Action.PATCH)
        if attestation.remedy is not None:
            assert attestation.remedy.parent_digest == attestation.subject.digest


def test_the_sample_audit_report_points_to_the_samples() -> None:
    audit = report.from_audit_json((SAMPLES / "audit-report" / "audit.json").read_bytes())
    digests = {_digest(SAMPLES / name / "report.json") for name in (*Action, SIGNED_OFF)}
    assert digests <= {each.digest for each in audit.reports}
    assert {model.action for model in audit.fleet} == {*Action, None}
    assert audit.changes
    assert json.loads((SAMPLES / "audit-report" / "audit.json").read_text("utf-8"))["schema_version"] == "1.0"


def test_the_sample_review_points_to_the_line_that_names_the_model() -> None:
    folder = SAMPLES / "review"
    document = json.loads((folder / "review.json").read_bytes())
    (run,) = json.loads((folder / "gatekeeper.sarif").read_bytes())["runs"]
    worst = run["results"][0]["locations"][0]["physicalLocation"]
    place = document["models"][0]["places"][0]
    assert (worst["artifactLocation"]["uri"], worst["region"]["startLine"]) == (place["path"], place["line"])
    assert [model["action"] for model in document["models"]] == ["discard", None, "audit", "allow", None]
    assert all((folder / model["report"]).is_file() for model in document["models"] if model["report"])
    assert all("127.0.0.1" not in path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
