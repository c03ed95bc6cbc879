"""Pinning over the real client: rename, moved branch, other bytes behind a commit, adapters and their bases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper import lockfile, policy, sources
from gatekeeper.decision import Action
from gatekeeper.demo import builders
from gatekeeper.demo.hub import Faults, HubCommit, HubRepo, LoopbackHub
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.gate import gate
from gatekeeper.lock import Lock, LockedBase
from gatekeeper.pinning import Pin, Pinning, lock_models, locked_reference
from gatekeeper.sources import SourceOptions
from tests.support.onnx_models import Sheet, text

GOOD = dict(builders.tiny_model("lighthouse"))
WEIGHTS = "model.safetensors"
SPOILT = {**GOOD, WEIGHTS: GOOD[WEIGHTS][:-1] + b"\x55"}
BASE = HubRepo.of("lighthouse/harbour-tiny", GOOD)
MOVED = HubRepo(id=BASE.id, branches={"main": (HubCommit(files=GOOD), HubCommit(files=SPOILT, title="Better"))})
ADAPTER = HubRepo.of("new-arrival/harbour-lora", dict(builders.adapter(BASE.id)))
PICKLED = HubRepo.of("driftwood/quick-classifier", dict(builders.pickled_model()))


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> policy.Policy:
    path = tmp_path_factory.mktemp("policy") / "gatekeeper.yaml"
    path.write_text(
        "apiVersion: gatekeeper/v1\nkind: Policy\nname: team\nextends: default\npublishers: {trusted: [lighthouse]}\n"
    )
    return policy.load(path)


@pytest.fixture
def pinning(hub: LoopbackHub, tmp_path: Path, team: policy.Policy) -> Pinning:
    hub.add(BASE)
    options = SourceOptions(endpoint=hub.endpoint, cache_dir=tmp_path / "cache")
    return Pinning(path=tmp_path / "gatekeeper.lock", policy=team, source=options)


def pin(pinning: Pinning, *references: str) -> list[Pin]:
    return list(lock_models([sources.parse(each) for each in references], pinning))


def held(pinning: Pinning) -> Lock:
    return lockfile.read(pinning.path)


def elsewhere(pinning: Pinning, tmp_path: Path) -> Pinning:
    """As on another machine: with an empty cache."""
    return replace(pinning, source=replace(pinning.source, cache_dir=tmp_path / "other-cache"))


def test_a_branch_is_pinned_at_its_commit_with_every_file(pinning: Pinning) -> None:
    (made,) = pin(pinning, BASE.id)
    (entry,) = held(pinning).models
    assert made.model == entry
    assert (entry.id, entry.commit, entry.verdict) == (BASE.id, BASE.head, Action.ALLOW)
    assert [file.path for file in entry.files] == sorted(GOOD)
    assert entry.policy == pinning.policy.digest
    assert made.exit_code == 0


def test_what_is_to_be_discarded_is_never_pinned_and_keeps_nobody_from_it(pinning: Pinning, hub: LoopbackHub) -> None:
    hub.add(PICKLED)
    made = pin(pinning, PICKLED.id, "nobody/nothing", BASE.id)
    assert [each.exit_code for each in made] == [1, 2, 0]
    assert "discard" in made[0].refusal
    assert [model.id for model in held(pinning).models] == [BASE.id]


def test_an_audit_is_pinned_as_one_with_the_base_that_the_lock_has(pinning: Pinning, hub: LoopbackHub) -> None:
    hub.add(ADAPTER)
    _, made = pin(pinning, BASE.id, ADAPTER.id)
    assert made.model is not None
    assert (made.model.verdict, made.exit_code) == (Action.AUDIT, 0)
    hub.add(MOVED)
    (again,) = pin(pinning, ADAPTER.id)
    assert again.model is not None
    assert again.model.base == LockedBase(id=BASE.id, commit=BASE.head)


def test_a_base_that_is_not_locked_is_resolved_on_the_hub(pinning: Pinning, hub: LoopbackHub) -> None:
    hub.add(ADAPTER, MOVED)
    (made,) = pin(pinning, ADAPTER.id)
    assert made.model is not None
    assert made.model.base == LockedBase(id=BASE.id, commit=MOVED.head)


def test_a_base_that_can_not_be_had_is_left_without_a_commit_and_said(pinning: Pinning, hub: LoopbackHub) -> None:
    hub.add(HubRepo.of("a/lora", dict(builders.adapter("gone/base"))))
    (made,) = pin(pinning, "a/lora")
    assert made.model is not None
    assert made.model.base == LockedBase(id="gone/base", commit="")
    assert "gone/base is not known" in made.notes[0]


def test_a_branch_that_moved_is_shown_and_moves_only_when_told(pinning: Pinning, hub: LoopbackHub) -> None:
    pin(pinning, BASE.id)
    before = pinning.path.read_bytes()
    hub.add(MOVED)
    (refused,) = pin(pinning, BASE.id)
    assert (refused.exit_code, refused.commit) == (1, MOVED.head)
    assert BASE.head in refused.refusal
    assert MOVED.head in refused.refusal
    assert [each.path for each in refused.differences] == [WEIGHTS]
    assert pinning.path.read_bytes() == before
    (moved,) = pin(replace(pinning, update=True), BASE.id)
    assert held(pinning).models[0].commit == MOVED.head
    assert [each.path for each in moved.differences] == [WEIGHTS]


def test_what_moved_is_shown_without_downloading_weights(pinning: Pinning, hub: LoopbackHub) -> None:
    pin(pinning, BASE.id)
    hub.add(MOVED)
    seen = len(hub.requests)
    pin(pinning, BASE.id)
    assert not [each for each in hub.requests[seen:] if WEIGHTS in each.target and each.method == "GET"]


def test_other_bytes_behind_the_pinned_commit_are_never_pinned(
    pinning: Pinning, hub: LoopbackHub, tmp_path: Path
) -> None:
    pin(pinning, BASE.id)
    hub.faults = Faults(tamper={WEIGHTS: SPOILT[WEIGHTS]})
    fresh = replace(elsewhere(pinning, tmp_path), update=True)
    for reference in (BASE.id, f"{BASE.id}@{BASE.head}"):
        (refused,) = pin(fresh, reference)
        assert (refused.exit_code, refused.model) == (1, None)
        assert "exchanged behind it" in refused.refusal
    assert held(pinning).models[0].commit == BASE.head


def test_a_hub_that_lies_about_everything_is_caught_by_the_lock(
    pinning: Pinning, hub: LoopbackHub, tmp_path: Path
) -> None:
    """A rug pull on a mirror: the same name, the same commit, other bytes, and a listing to match."""
    pin(pinning, BASE.id)
    liar = HubRepo.of(BASE.id, SPOILT)
    liar.history["main"]  # the ids are made, then the new tree is put under the old one
    object.__setattr__(liar, "history", {"main": (BASE.head,)})
    object.__setattr__(liar, "commits", {BASE.head: HubCommit(files=SPOILT)})
    object.__setattr__(liar, "trees", {BASE.head: liar._tree(HubCommit(files=SPOILT))})
    hub.add(liar)
    options = elsewhere(pinning, tmp_path).source
    reference, entry = locked_reference(sources.parse(BASE.id), held(pinning), options)
    attestation = gate(reference, pinning.policy, source=options, locked=entry)
    assert (attestation.verdict.action, attestation.verdict.row) == (Action.DISCARD, "bytes-differ")
    assert attestation.verdict.facts["bytes.hub"] == "match"
    assert "provenance/lock/changed" in {finding.id for finding in attestation.findings}


def test_a_renamed_repo_is_pinned_under_the_name_asked_for_and_escalated(pinning: Pinning, hub: LoopbackHub) -> None:
    hub.faults = Faults(rename={"lighthouse/old": BASE.id})
    (made,) = pin(pinning, "lighthouse/old")
    assert made.model is not None
    assert (made.model.id, made.model.verdict) == ("lighthouse/old", Action.ESCALATE)


@pytest.mark.parametrize("reference", ["lighthouse/harbour-tiny@refs/pr/1", "."])
def test_what_can_not_be_pinned_is_refused(reference: str, pinning: Pinning, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pinning.path.parent)
    (refused,) = pin(pinning, reference)
    assert (refused.exit_code, refused.model) == (2, None)
    assert not pinning.path.exists()


def test_a_subset_is_pinned_with_its_patterns_and_held_to_them(pinning: Pinning) -> None:
    part = replace(pinning, source=replace(pinning.source, exclude=("README.md",)))
    pin(part, BASE.id)
    assert held(pinning).models[0].exclude == ("README.md",)
    (again,) = pin(pinning, BASE.id)  # nothing said means as before
    assert again.model == replace(held(pinning).models[0])
    other = replace(pinning, source=replace(pinning.source, exclude=("README.md", "generation_config.json")))
    (refused,) = pin(other, BASE.id)
    assert (refused.exit_code, "README.md" in refused.refusal) == (1, True)


def test_offline_the_cache_is_enough(pinning: Pinning) -> None:
    pin(pinning, BASE.id)
    (made,) = pin(replace(pinning, source=replace(pinning.source, offline=True)), BASE.id)
    assert made.model is not None
    assert (made.model.commit, made.model.digest) == (BASE.head, made.before.digest if made.before else "")


def test_somebody_who_changes_the_entry_meanwhile_is_not_overwritten(
    pinning: Pinning, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin(pinning, BASE.id)
    runs = lock_models([sources.parse(BASE.id)], replace(pinning, progress=_Meddler(pinning.path)))
    with pytest.raises(InputError, match="somebody else changed the entry"):
        list(runs)


class _Meddler:
    """Takes every entry out of the lock while a model is being gated."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def task(self, label: str, total: int | None, unit: str):
        from gatekeeper.progress import SILENT

        lockfile.write(self._path, Lock())
        return SILENT.task(label, total, unit)


def test_a_reference_without_a_revision_is_the_pinned_commit(pinning: Pinning, hub: LoopbackHub) -> None:
    pin(pinning, BASE.id)
    hub.add(MOVED)
    lock = held(pinning)
    asked = {text: locked_reference(sources.parse(text), lock, pinning.source)[0].revision for text in (
        BASE.id, f"{BASE.id}@main", f"{BASE.id}@{BASE.head}", f"{BASE.id}@{MOVED.head}"
    )}  # fmt: skip
    assert list(asked.values()) == [BASE.head, "main", BASE.head, MOVED.head]
    with pytest.raises(NotFoundError, match="not in the lock") as refused:
        locked_reference(sources.parse("lighthouse/harbour-tinny"), lock, pinning.source)
    assert BASE.id in refused.value.hint


def test_a_branch_that_did_not_move_counts_as_pinned(pinning: Pinning) -> None:
    pin(pinning, BASE.id)
    reference, entry = locked_reference(sources.parse(f"{BASE.id}@main"), held(pinning), pinning.source)
    assert gate(reference, pinning.policy, source=pinning.source, locked=entry).verdict.action is Action.ALLOW


def test_a_newer_graph_is_held_against_the_pinned_one(pinning: Pinning, hub: LoopbackHub) -> None:
    """Nodes that the taint rule does not know stand out beside the revision that the lock pins."""
    clean, odd = text(), text(pool=odd_pool)
    old = HubRepo.of("lighthouse/graph", {**GOOD, "onnx/model.onnx": clean})
    commits = (HubCommit(files={**GOOD, "onnx/model.onnx": clean}), HubCommit(files={**GOOD, "onnx/model.onnx": odd}))
    hub.add(old)
    pin(pinning, old.id)
    hub.add(HubRepo(id=old.id, branches={"main": commits}))
    (made,) = pin(replace(pinning, update=True), old.id)
    assert made.attestation is not None
    assert made.attestation.verdict.facts["graph.reference_diff"] == "nodes-added"
    assert made.attestation.verdict.action is Action.ESCALATE
    entry = made.before
    assert entry is not None
    held_back = gate(sources.parse(f"{old.id}@main"), pinning.policy, source=pinning.source, locked=entry)
    assert held_back.verdict.facts["graph.reference_diff"] == "nodes-added"
    alone = gate(sources.parse(f"{old.id}@main"), pinning.policy, source=pinning.source)
    assert alone.verdict.facts["graph.reference_diff"] == "none"
    assert alone.verdict.action.rank < Action.ESCALATE.rank


def odd_pool(sheet: Sheet, hidden: str) -> str:
    """Put something smooth between two layers, which an export of the same model has not."""
    return sheet("ReduceMean", sheet("Tanh", sheet("Tanh", hidden)), sheet.ints(1), keepdims=0)
