"""Laws of the line of repair that need no weights: what is loaded, what is inherited, and what a remedy counts for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper import repairing
from gatekeeper.artifact import Kind
from gatekeeper.attestation import Attestation
from gatekeeper.decision import Action
from gatekeeper.demo import builders
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from gatekeeper.demo.play import demo_policy
from gatekeeper.demo.subjects import NOW, TRUSTED
from gatekeeper.errors import ContentChangedError, InputError
from gatekeeper.gate import Inspection, Run
from gatekeeper.laying import laid_out
from gatekeeper.policy import Thresholds
from gatekeeper.remedy import Cause, Remedy
from gatekeeper.repairing import Repair, gate_failure, settings_for
from gatekeeper.sources import SourceOptions
from tests.support import remedies

POLICY = demo_policy()
FILES = dict(builders.tiny_model(TRUSTED))
CASES = (remedies.CASE,)


@contextmanager
def parent(
    tmp_path: Path, files: builders.Files, name: str = f"{TRUSTED}/harbour-tiny"
) -> Iterator[tuple[Run, Inspection]]:
    repo = HubRepo.of(name, dict(files))
    with LoopbackHub([repo]) as hub:
        run = Run(policy=POLICY, source=SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path / "cache"), now=NOW)
        with run.inspect(f"hf://{repo.id}@{repo.head}") as seen:
            yield run, seen


def patched(tmp_path: Path, **changed: bytes) -> Path:
    folder = tmp_path / "merged"
    folder.mkdir()
    for name, data in {
        **FILES,
        "model.safetensors": builders.safetensors({"w": (4, 4)}, seed="new"),
        **changed,
    }.items():
        (folder / name).write_bytes(data)
    return folder


def decided(run: Run, seen: Inspection, folder: Path, remedy: Remedy) -> Attestation:
    return repairing._patched(run, remedy, seen, folder)


def remedy_for(run: Run, seen: Inspection, folder: Path) -> Remedy:
    with run.inspect(str(folder)) as made:
        digest = made.artifact.digest
    return replace(remedies.verified(), parent_digest=seen.artifact.digest, patched_digest=digest)


def test_a_verified_patch_of_a_trusted_model_is_allowed_and_says_whose_provenance_it_has(tmp_path: Path) -> None:
    with parent(tmp_path, FILES) as (run, seen):
        folder = patched(tmp_path)
        attestation = decided(run, seen, folder, remedy_for(run, seen, folder))
    assert (attestation.verdict.action, attestation.verdict.row) == (Action.ALLOW, "remedy-verified")
    assert attestation.remedy is not None
    assert attestation.subject.digest == attestation.remedy.patched_digest != seen.artifact.digest
    inherited = [each for each in attestation.results if each.check.id.startswith("provenance/")]
    assert all("which was patched" in each.reason for each in inherited if each.status.value == "pass")
    assert any(each.what == "provenance" and seen.artifact.digest in each.why for each in attestation.not_checked)
    assert not any("which was patched" in each.reason for each in attestation.results if each not in inherited)


def test_other_bytes_than_the_remedy_gave_are_not_allowed(tmp_path: Path) -> None:
    with parent(tmp_path, FILES) as (run, seen):
        folder = patched(tmp_path)
        remedy = remedy_for(run, seen, folder)
        (folder / "model.safetensors").write_bytes(builders.safetensors({"w": (4, 4)}, seed="swapped"))
        attestation = decided(run, seen, folder, remedy)
    assert attestation.verdict.action is not Action.ALLOW


def test_the_patched_files_are_judged_themselves(tmp_path: Path) -> None:
    pickled = dict(builders.pickled_model())
    name = next(name for name in pickled if not name.endswith((".md", ".json")))
    with parent(tmp_path, FILES) as (run, seen):
        folder = patched(tmp_path, **{name: pickled[name]})
        attestation = decided(run, seen, folder, remedy_for(run, seen, folder))
    assert attestation.verdict.action is Action.DISCARD


def test_a_parent_that_nobody_vouches_for_hands_that_on(tmp_path: Path) -> None:
    with parent(tmp_path, FILES, "stranger/harbour-tiny") as (run, seen):
        folder = patched(tmp_path)
        attestation = decided(run, seen, folder, remedy_for(run, seen, folder))
    assert (attestation.verdict.action, attestation.verdict.row) == (Action.AUDIT, "unverified")


def test_a_merged_adapter_inherits_nothing(tmp_path: Path) -> None:
    with parent(tmp_path, builders.adapter("x/y"), f"{TRUSTED}/harbour-lora") as (run, seen):
        assert seen.artifact.kind is Kind.ADAPTER
        folder = patched(tmp_path)
        attestation = decided(run, seen, folder, remedy_for(run, seen, folder))
    assert attestation.verdict.action is not Action.ALLOW
    assert not any("which was patched" in each.reason for each in attestation.results)


def test_what_is_handed_to_the_loader_holds_no_code_and_nothing_from_below(tmp_path: Path) -> None:
    files = {**FILES, "modeling_x.py": b"pass\n", "pytorch_model.bin": b"x", "deep/config.json": b"{}"}
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    for name, data in files.items():
        (source / name).write_bytes(data)
    with Run(policy=POLICY, now=NOW).inspect(str(source)) as seen, laid_out(seen.artifact) as folder:
        assert {path.name for path in folder.iterdir()} == {
            "config.json", "generation_config.json", "tokenizer_config.json", "model.safetensors",
        }  # fmt: skip
        assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_a_file_that_changes_while_it_is_loaded_ends_the_run(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "config.json").write_bytes(FILES["config.json"])
    (source / "model.safetensors").write_bytes(builders.safetensors({"w": (512, 1024)}, seed="large"))
    with Run(policy=POLICY, now=NOW).inspect(str(source)) as seen:

        def load() -> None:
            with laid_out(seen.artifact) as folder:
                assert (folder / "model.safetensors").is_symlink()
                (source / "model.safetensors").write_bytes(b"x")

        with pytest.raises(ContentChangedError, match=r"model\.safetensors changed"):
            load()


def test_metadata_alone_is_not_diagnosed(tmp_path: Path) -> None:
    repo = HubRepo.of(f"{TRUSTED}/harbour-tiny", dict(FILES))
    with LoopbackHub([repo]) as hub:
        options = SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path, metadata_only=True)
        run = Run(policy=POLICY, source=options, now=NOW)
        attestation = gate_failure(f"hf://{repo.id}@{repo.head}", run, Repair(cases=CASES))
    assert attestation.verdict.row == "failure-other"
    assert attestation.remedy is not None
    assert attestation.remedy.diagnosis.cause is Cause.NOT_DIAGNOSED
    assert "--metadata-only" in attestation.verdict.because


def test_the_policy_bounds_the_repair() -> None:
    strict = Thresholds(patch_passes=2, patch_attack_success=0.02, patch_utility_loss=0.01, patch_kl=0.001)
    made = settings_for(10**9, strict, Repair(cases=CASES, quantised=True, seed=3, localiser="paper"))
    gates = made.gates
    assert (made.budget.passes, gates.attack, gates.kl, made.seed, made.quantised) == (2, 0.02, 0.001, 3, True)
    assert {gates.refusal_drop, gates.over_refusal_rise, gates.triggered_benign_drop, gates.accuracy_drop} == {0.01}
    assert (made.diagnosis.localiser, made.diagnosis.seed) == ("paper", 3)
    with pytest.raises(InputError, match="allows 2 passes"):
        settings_for(10**9, strict, Repair(cases=CASES, passes=3))


def test_nothing_is_done_without_a_failure_or_into_a_folder_that_is_there(tmp_path: Path) -> None:
    run = Run(policy=POLICY, now=NOW)
    with pytest.raises(InputError, match="no failure"):
        gate_failure(str(tmp_path), run, Repair(cases=()))
    with pytest.raises(InputError, match="there already"):
        gate_failure(str(tmp_path), run, Repair(cases=CASES, out=tmp_path))
