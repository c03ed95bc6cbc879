"""`provenance/lock`: every way in which bytes can differ from what is pinned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.artifact import Artifact
from gatekeeper.checks.provenance.lock import Lock
from gatekeeper.evidence import Hazard, Severity, Status
from gatekeeper.lock import LockedModel
from tests.support.hub_artifacts import COMMIT, CONTEXT, file, folder, hub, locked, offline, platform, run, slugs

CHECK = Lock()
OTHER = "f" * 40


def held(artifact: Artifact, entry: LockedModel | None = None):
    return run(CHECK, artifact, replace(CONTEXT, locked=entry or locked(hub())))


def test_without_a_lock_it_has_nothing_to_do() -> None:
    result = run(CHECK, hub())
    assert (result.status, dict(result.facts)) == (Status.NOT_APPLICABLE, {})


@pytest.mark.parametrize("artifact", [hub(), offline()], ids=["hub", "offline"])
def test_the_pinned_bytes_match(artifact: Artifact) -> None:
    result = held(artifact)
    assert (result.status, result.findings, result.facts["bytes.lock"]) == (Status.PASS, (), "match")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ((file("README.md"), file("model.safetensors", b"datA")), ["changed"]),
        ((file("README.md"), file("model.safetensors", b"longer")), ["changed"]),
        ((file("README.md"),), ["removed"]),
        ((file("README.md"), file("model.safetensors"), file("modeling.py")), ["added"]),
        ((file("README.md"), file("Model.safetensors")), ["added", "removed"]),
    ],
)
def test_each_difference_is_critical(files: tuple, expected: list[str]) -> None:
    result = held(hub(files=files))
    assert slugs(result) == expected
    assert {(each.severity, each.hazard) for each in result.findings} == {(Severity.CRITICAL, Hazard.TAMPERED)}
    assert all("although the commit is the pinned one" in each.message for each in result.findings)
    assert result.facts["bytes.lock"] == "mismatch"


def test_another_commit_with_the_same_bytes_is_said_and_no_tampering() -> None:
    moved = hub(revision="main", record=platform(commit=OTHER, requested_revision="main"))
    result = held(moved)
    assert (slugs(result), result.facts["bytes.lock"]) == (["other-commit"], "match")
    assert COMMIT in result.findings[0].message
    assert OTHER in result.findings[0].message
    assert result.findings[0].hazard is Hazard.UNVERIFIED


def test_another_commit_with_other_bytes_tells_both() -> None:
    record = platform(commit=OTHER, requested_revision="main")
    moved = hub(revision="main", record=record, files=(file("README.md"), file("model.safetensors", b"new")))
    result = held(moved)
    assert (slugs(result), result.facts["bytes.lock"]) == (["changed", "other-commit"], "mismatch")
    assert "although" not in result.findings[0].message


def test_bytes_that_were_not_had_are_a_gap() -> None:
    result = held(hub(files=(file("README.md"), file("model.safetensors", hashed=False)), metadata_only=True))
    assert (result.status, result.facts["bytes.lock"], result.findings) == (Status.UNKNOWN, "unknown", ())
    assert [gap.path for gap in result.gaps] == ["model.safetensors"]


def test_another_size_is_a_difference_even_without_the_bytes() -> None:
    listed = replace(file("model.safetensors", hashed=False), size=10**9)
    result = held(hub(files=(file("README.md"), listed), metadata_only=True))
    assert slugs(result) == ["changed"]
    assert "→ 1000000000 bytes" in result.findings[0].message


def test_a_lock_that_was_changed_by_hand_is_told_as_such() -> None:
    entry = locked(hub())
    files = tuple(replace(each, size=each.size + 1) for each in entry.files)
    result = held(hub(), replace(entry, files=files))
    assert set(slugs(result)) == {"changed"}
    assert all("beside the digest of these bytes" in each.message for each in result.findings)


def test_a_difference_beside_a_gap_is_a_mismatch() -> None:
    result = held(hub(files=(file("README.md", b"x"), file("model.safetensors", hashed=False)), metadata_only=True))
    assert (result.status, result.facts["bytes.lock"]) == (Status.UNKNOWN, "mismatch")


def test_a_folder_is_held_against_it_by_its_bytes_alone() -> None:
    assert held(folder(), locked(folder())).facts["bytes.lock"] == "match"
    assert held(folder(), locked(hub())).facts["bytes.lock"] == "mismatch"


def test_hostile_names_are_shown_harmlessly() -> None:
    result = held(hub(files=(file("README.md"), file("model.safetensors"), file("\x1b[2J\u202egpj.bin"))))
    assert all(each.message.isprintable() for each in result.findings)
