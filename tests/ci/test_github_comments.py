"""One comment on a pull request: found again, written anew, never in another's name, and never worth a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gatekeeper.ci import upsert_comment
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.redaction import redact
from tests.support.github_api import GitHubApi

MARKER = "<!-- gatekeeper: review -->"
QUICK = replace(DEFAULT_LIMITS, github_seconds=2.0, github_retries=1)


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as served:
        yield served


def say(api: GitHubApi, text: str, **more: str) -> str:
    given = {"api_url": api.url, "repository": "acme/app", "token": api.token, **more}
    return upsert_comment(given["api_url"], given["repository"], 7, given["token"], f"{MARKER}\n{text}", MARKER, QUICK)


def bodies(api: GitHubApi) -> list[str]:
    return [each["body"] for each in api.comments]


def test_the_first_is_made_and_the_next_takes_its_place(api: GitHubApi) -> None:
    api.comment("hello", "somebody", "User")
    assert (say(api, "one"), say(api, "two"), say(api, "two")) == ("", "", "")
    assert bodies(api) == ["hello", f"{MARKER}\ntwo"]
    assert [each.method for each in api.asked if each.method != "GET"] == ["POST", "PATCH"]


def test_ours_is_found_on_a_later_page(api: GitHubApi) -> None:
    for number in range(150):
        api.comment(f"comment {number}", "somebody", "User")
    api.comment(f"{MARKER}\nold")
    assert say(api, "new") == ""
    assert bodies(api)[-1] == f"{MARKER}\nnew"
    assert len(api.comments) == 151


@pytest.mark.parametrize("login", ["", "robot"])
def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(api: GitHubApi, login: str) -> None:
    api.login = login
    api.comment(f"{MARKER}\nallowed, says Mallory", "mallory", "User")
    assert say(api, "blocked") == ""
    assert bodies(api) == [f"{MARKER}\nallowed, says Mallory", f"{MARKER}\nblocked"]
    assert say(api, "still blocked") == ""
    assert len(api.comments) == 2


@pytest.mark.parametrize(("status", "said"), [(401, "401"), (403, "pull-requests: write"), (404, "404"), (422, "422")])
def test_a_refusal_is_told_in_words(api: GitHubApi, status: int, said: str) -> None:
    api.faults["POST"] = status
    assert said in say(api, "x")
    assert api.comments == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 0])
def test_what_may_pass_is_tried_again_and_then_told(api: GitHubApi, status: int) -> None:
    api.faults["POST"] = status
    assert say(api, "x")
    assert sum(each.method == "POST" for each in api.asked) == 1 + QUICK.github_retries


def test_a_passing_fault_passes(api: GitHubApi) -> None:
    api.passing = 1
    assert say(api, "x") == ""
    assert len(api.comments) == 1


def test_nobody_there_is_told(api: GitHubApi) -> None:
    assert "can't be reached" in say(api, "x", api_url="http://127.0.0.1:9")


def test_the_token_goes_nowhere_else_and_is_never_shown(api: GitHubApi) -> None:
    with GitHubApi() as other:
        api.redirect = other.url
        why = say(api, "x")
        assert "302" in why
        assert other.asked == []
    assert redact(f"see {api.token}") == "see ***"


@pytest.mark.parametrize(
    "more",
    [
        {"api_url": "file:///etc/passwd"},
        {"api_url": "http://example.org"},
        {"api_url": ""},
        {"repository": "../../user"},
        {"repository": "a/b/c"},
        {"repository": "a\nb/c"},
    ],
)
def test_an_address_that_is_none_is_asked_nothing(api: GitHubApi, more: dict[str, str]) -> None:
    assert say(api, "x", **more)
    assert api.asked == []
