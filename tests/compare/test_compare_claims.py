"""What the Hub and the card say of two commits: names, kinds, base models, authors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest

from gatekeeper.artifact import Artifact, CommitInfo, Irregularity, IrregularityKind, Kind
from gatekeeper.compare import Attention, ChangeKind, Topic, compare
from tests.support.hub_artifacts import claim, commit, hub, listed, platform

OLD, NEW = "a" * 40, "b" * 40


def at(id: str, *commits: CommitInfo, **changes: Any) -> Artifact:
    return hub(revision=id, record=platform(commit=id, requested_revision=id, commits=commits), **changes)


def test_commits_since_are_listed_and_new_authors_come_first() -> None:
    before = commit("ann", id=OLD, days_ago=9)
    old = at(OLD, before)
    new = at(NEW, commit("ben", "ann", id=NEW), commit("ann", id="c" * 40), before)
    authors = compare(old, new).about(Topic.AUTHORS)
    assert [(each.subject, each.attention) for each in authors] == [
        ("ben", Attention.FIRST), (NEW, Attention.NOTE), ("c" * 40, Attention.NOTE),
    ]  # fmt: skip
    assert "ben, ann: Upload" in authors[1].words


def test_a_rewritten_history_is_said() -> None:
    (change,) = compare(at(OLD, commit("ann", id=OLD)), at(NEW, commit("ann", id=NEW))).about(Topic.AUTHORS)
    assert (change.kind, change.attention) == (ChangeKind.UNREAD, Attention.FIRST)
    assert "rewritten" in change.words


def test_going_back_is_no_rewritten_history() -> None:
    before = commit("ann", id=OLD, days_ago=9)
    (change,) = compare(at(NEW, commit("ben", id=NEW), before), at(OLD, before)).about(Topic.AUTHORS)
    assert (change.kind, change.words) == (ChangeKind.REMOVED, "it goes back behind 1 commit")


def test_nothing_is_said_of_authors_where_the_hub_is_not_asked() -> None:
    assert compare(hub(), replace(hub(), platform=None)).about(Topic.AUTHORS) == ()


def test_another_name_and_another_kind_come_first() -> None:
    new = replace(hub(), kind=Kind.ADAPTER, platform=platform(returned_id="mallory/tiny"))
    changes = compare(hub(), new).about(Topic.REPO)
    assert {change.subject for change in changes} == {"kind", "mallory/tiny"}
    assert {change.attention for change in changes} == {Attention.FIRST}


def test_base_models_that_come_and_go_are_told() -> None:
    new = hub(lineage=(claim("org/other", relation="finetune", revision="v1"),))
    changes = compare(hub(lineage=(claim("org/base"),)), new).about(Topic.LINEAGE)
    assert {(change.kind, change.subject) for change in changes} == {
        (ChangeKind.ADDED, "org/other"), (ChangeKind.REMOVED, "org/base"),
    }  # fmt: skip
    assert "org/other@v1 (finetune)" in changes[0].words


def test_what_the_source_tripped_over_anew_is_told() -> None:
    trouble = Irregularity(kind=IrregularityKind.PATH_ESCAPE, path="../x", detail="It leads out.")
    (change,) = compare(hub(), hub(irregularities=(trouble,))).changes
    assert (change.subject, change.attention) == ("../x", Attention.FIRST)
    assert compare(hub(irregularities=(trouble,)), hub(irregularities=(trouble,))).changes == ()


@pytest.mark.parametrize(("data", "kind"), [(b"data", None), (b"atad", ChangeKind.CHANGED)])
def test_files_that_were_not_downloaded_are_told_apart_by_what_the_hub_lists(
    data: bytes, kind: ChangeKind | None
) -> None:
    def unhashed(content: bytes) -> Artifact:
        weights = replace(hub().files[1], path=PurePosixPath("w.bin"), sha256=None)
        return hub(record=platform(listed=(listed("w.bin", content),)), files=(weights,))

    changes = compare(unhashed(b"data"), unhashed(data)).about(Topic.FILES)
    assert [change.kind for change in changes] == ([kind] if kind else [])
