"""GitHub's event: which commits are compared, whatever it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.ci import Event, read_event, since
from gatekeeper.ci.event import _of_pull_request
from gatekeeper.errors import InputError

SHA = "a" * 40


def event(folder: Path, name: str, payload: Any) -> Event | None:
    path = folder / "event.json"
    path.write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return read_event({"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(path), "GITHUB_REPOSITORY": "acme/app"})


def pull_request(head: str = "acme/app") -> dict[str, Any]:
    side = {"sha": SHA, "ref": "main", "repo": {"full_name": "acme/app"}}
    return {"number": 7, "pull_request": {"base": side, "head": {**side, "repo": {"full_name": head}}}}


def test_a_pull_request_names_its_base_and_its_number(tmp_path: Path) -> None:
    found = event(tmp_path, "pull_request", pull_request())
    assert found
    assert (found.number, found.from_fork) == (7, False)
    assert since(found).names == (SHA, "refs/remotes/origin/main")


@pytest.mark.parametrize("repo", [{"full_name": "mallory/app"}, None, {}])
def test_a_fork_also_a_deleted_one_is_told_from_a_branch(tmp_path: Path, repo: Any) -> None:
    payload = pull_request()
    payload["pull_request"]["head"]["repo"] = repo
    found = event(tmp_path, "pull_request", payload)
    assert found
    assert found.from_fork


def test_a_push_is_compared_with_what_was_there(tmp_path: Path) -> None:
    found = event(tmp_path, "push", {"before": SHA, "forced": True})
    assert since(found).names == (SHA,)
    assert "pushed over" in since(found).absent
    new = event(tmp_path, "push", {"before": "0" * 40, "repository": {"default_branch": "main"}})
    assert since(new).names == ("refs/remotes/origin/main",)


def test_a_merge_queue_names_its_base(tmp_path: Path) -> None:
    found = event(tmp_path, "merge_group", {"merge_group": {"base_sha": SHA, "base_ref": "refs/heads/main"}})
    assert since(found).names == (SHA, "refs/remotes/origin/main")


@pytest.mark.parametrize("name", ["workflow_dispatch", "schedule", "issue_comment"])
def test_an_event_without_a_change_says_what_to_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as error:
        since(event(tmp_path, name, {}))
    assert "--base-ref" in error.value.hint
    assert "--models" in error.value.hint


@pytest.mark.parametrize("payload", ["", "[]", "{", '{"a": 1, "a": 2}', "\x00", "[" * 10_000])
def test_an_event_that_is_none_is_refused(tmp_path: Path, payload: str) -> None:
    with pytest.raises(InputError):
        event(tmp_path, "pull_request", payload)


def test_an_event_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_event({"GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(tmp_path / "none")})
    with pytest.raises(InputError):
        read_event({"GITHUB_EVENT_NAME": "push"})


def test_elsewhere_there_is_no_event() -> None:
    assert read_event({}) is None


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pull_request", "number", "head", "base", "repo", "full_name", "sha", "ref"]),
            below,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["pull_request", "number"]), ODD))
def test_an_event_of_any_shape_gives_an_event(payload: dict[str, Any]) -> None:
    found = _of_pull_request("pull_request", payload, "acme/app", "")
    assert found.number >= 0
    assert isinstance(found.base, str)
