"""The line's own parts: what is run, what is handed on, what is named as not looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import pytest

from gatekeeper import checks, policy
from gatekeeper.artifact import Kind
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.errors import InputError
from gatekeeper.evidence import Status
from gatekeeper.gate import (
    Selection,
    collect,
    context_of,
    gate,
    key_of,
    omissions,
    scan,
    subject_of,
    tool_versions,
)
from gatekeeper.limits import Limits
from gatekeeper.sources import SourceOptions
from tests.support.hub_artifacts import COMMIT, CONTEXT, file, folder, hub, offline

NOW = datetime(2026, 11, 1, tzinfo=UTC)
IDS = [check.id for check in checks.ALL]


def test_a_check_that_is_left_out_is_unknown_and_says_by_what() -> None:
    evidence = collect(hub(), CONTEXT, Selection(skip=("provenance/licence",)))
    results = {result.check.id: result for result in evidence.results}
    assert list(results) == IDS
    assert results["provenance/licence"].status is Status.UNKNOWN
    assert results["provenance/licence"].reason == "left out by --skip"
    assert results["provenance/publisher"].status is Status.PASS


def test_only_runs_nothing_else_and_skip_beats_only() -> None:
    chosen = Selection(only=("provenance/licence", "provenance/history"), skip=("provenance/lineage",))
    evidence = collect(hub(), CONTEXT, chosen)
    run = {result.check.id for result in evidence.results if not result.reason.startswith("left out")}
    assert run == {"provenance/licence", "provenance/history"}
    both = Selection(only=("provenance/licence",), skip=("provenance/licence",))
    assert both.refusal("provenance/licence") == "left out by --skip"


@pytest.mark.parametrize("chosen", [Selection(only=("no/such",)), Selection(skip=("no/such",))])
def test_an_unknown_check_is_refused_before_anything_is_opened(chosen: Selection) -> None:
    with pytest.raises(InputError, match="no/such"):
        gate("./nowhere-at-all", selection=chosen)


def test_the_checks_get_what_the_policy_and_the_options_say() -> None:
    limits = Limits(tensors=7)
    chosen = replace(
        policy.load(),
        trusted_publishers=frozenset({"acme"}),
        denied_publishers=frozenset({"mallory"}),
        thresholds=replace(policy.load().thresholds, young_repo_days=3),
    )
    context = context_of(chosen, NOW, SourceOptions(limits=limits))
    assert (context.now, context.limits, context.young_repo_days) == (NOW, limits, 3)
    assert (context.trusted_publishers, context.denied_publishers) == ({"acme"}, {"mallory"})
    assert "apache-2.0" in context.allowed_licences


def test_waivers_name_a_hub_artifact_by_its_commit_even_when_a_branch_was_asked_for() -> None:
    key = key_of(hub(revision="main"))
    assert (key.reference, key.commit) == (f"hf://acme-models/tiny@{COMMIT}", COMMIT)
    local = key_of(folder())
    assert (local.reference, local.commit) == ("", "")
    assert len(local.digest) == 64 or local.digest.startswith("sha256:")


def test_a_subject_without_bytes_claims_no_digest() -> None:
    subject = subject_of(hub(files=(file("model.safetensors", hashed=False),), metadata_only=True))
    assert subject.digest == ""
    assert [each.sha256 for each in subject.files] == [""]
    assert subject.metadata_only
    assert subject_of(offline()).endpoint == ""


@pytest.mark.parametrize("kind", Kind)
def test_every_report_names_what_no_check_looks_at(kind: Kind) -> None:
    named = [omission.what for omission in omissions(hub(kind=kind))]
    assert named[-2:] == ["behaviour", "weights"]
    assert ("adapter" in named) == (kind is Kind.ADAPTER)


def test_tools_that_are_not_installed_are_named_as_such() -> None:
    def installed(name: str) -> str:
        if name == "hayward":
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    versions = tool_versions(installed)
    assert versions["hayward"] == "not installed"
    assert versions["picklescan"] == "1.0"
    assert versions["python"].startswith("3.")


def test_a_scan_finds_what_a_gate_finds_and_decides_nothing(tmp_path: Path) -> None:
    repo = HubRepo.of("acme/tiny", {"config.json": b"{}", "model.bin": b"not weights"})
    with LoopbackHub([repo]) as served:
        source = SourceOptions(endpoint=served.endpoint, cache_dir=tmp_path)
        decided = gate("acme/tiny", source=source, now=NOW)
        scanned = scan("acme/tiny", source=source, now=NOW)
    assert scanned.decision is None
    assert scanned == replace(decided, decision=None)
    with pytest.raises(ValueError, match="a scan decides nothing"):
        _ = scanned.verdict


def test_the_same_run_gives_the_same_attestation(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    first, second = (gate(str(tmp_path), now=NOW) for _ in range(2))
    assert first == second
