from __future__ import annotations

import pytest

from gatekeeper.artifact import Scheme
from gatekeeper.checks.provenance.revision import Revision
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support.hub_artifacts import COMMIT, folder, hub, offline, platform, run, slugs

OTHER = "f" * 40


@pytest.mark.parametrize("revision", ["", "main", "v1.0", COMMIT[:12], COMMIT.upper(), "refs/heads/main"])
def test_what_can_move_is_unpinned_and_the_pin_is_spelt_out(revision: str) -> None:
    result = run(Revision(), hub(revision=revision))
    assert slugs(result) == ["unpinned"]
    assert f"hf://acme-models/tiny@{COMMIT}" in result.findings[0].message
    assert result.facts["source.pinned"] is False


def test_a_commit_is_pinned() -> None:
    result = run(Revision(), hub())
    assert slugs(result) == []
    assert result.facts["source.pinned"] is True


@pytest.mark.parametrize("revision", ["refs/pr/1", "refs/pr/12", "REFS/PR/3"])
def test_a_pull_request_is_suspicious(revision: str) -> None:
    result = run(Revision(), hub(revision=revision))
    assert slugs(result) == ["unpinned", "pull-request"]
    assert result.findings[1].hazard is Hazard.SUSPICIOUS
    assert result.facts["source.pull_request"] is True


@pytest.mark.parametrize("revision", ["pr/1", "my-refs/pr/1", "refs/prod"])
def test_a_branch_that_sounds_like_a_pull_request_is_a_branch(revision: str) -> None:
    result = run(Revision(), hub(revision=revision))
    assert slugs(result) == ["unpinned"]
    assert result.facts["source.pull_request"] is False


def test_another_commit_than_asked_for_is_tampering() -> None:
    result = run(Revision(), hub(record=platform(commit=OTHER)))
    assert slugs(result) == ["other-commit"]
    assert (result.findings[0].hazard, result.findings[0].severity) == (Hazard.TAMPERED, Severity.CRITICAL)
    assert OTHER in result.findings[0].message


@pytest.mark.parametrize("commit", ["", "main", "f" * 39, OTHER + "\n", "\u202e" * 40])
def test_a_hub_that_names_no_commit_leaves_the_check_unknown(commit: str) -> None:
    result = run(Revision(), hub(revision="main", record=platform(commit=commit)))
    assert result.status is Status.UNKNOWN
    assert "\u202e" not in result.findings[0].message


def test_an_unpinned_reference_offline_says_that_the_commit_is_not_known() -> None:
    result = run(Revision(), offline(revision="main"))
    assert slugs(result) == ["unpinned"]
    assert "not told" in result.findings[0].message


def test_a_pinned_reference_offline_is_pinned() -> None:
    assert run(Revision(), offline()).status is Status.PASS


@pytest.mark.parametrize("scheme", [Scheme.FOLDER, Scheme.FILE])
def test_a_local_source_has_nothing_to_be_held_against(scheme: Scheme) -> None:
    result = run(Revision(), folder(scheme=scheme))
    assert slugs(result) == ["local"]
    assert result.findings[0].hazard is Hazard.UNVERIFIED
    assert result.facts["source.scheme"] == scheme.value


def test_metadata_only_is_told() -> None:
    assert run(Revision(), hub(metadata_only=True)).facts["source.metadata_only"] is True
