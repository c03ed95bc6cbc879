from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.checks.provenance.history import History
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support.hub_artifacts import NOW, commit, crashed, folder, hub, offline, platform, run, slugs


def history(**changes):
    return run(History(), hub(record=platform(**changes)))


@pytest.mark.parametrize(("days", "expected"), [(0, ["young"]), (29.9, ["young"]), (30, []), (1700, [])])
def test_a_repo_is_young_below_the_deployers_days(days: float, expected: list[str]) -> None:
    result = history(created_at=NOW - timedelta(days=days))
    assert slugs(result) == expected
    assert result.facts["repo.age_days"] == int(days)


def test_one_author_is_worth_a_line_and_passes() -> None:
    result = history(commits=(commit("ann"), commit("ann", days_ago=9)))
    assert slugs(result) == ["single-author"]
    assert (result.status, result.findings[0].severity) == (Status.PASS, Severity.INFO)
    assert result.facts["repo.authors"] == 1


def test_no_finding_moves_the_decision() -> None:
    result = history(created_at=NOW + timedelta(days=9), commits=(commit("ann", days_ago=-9),))
    assert slugs(result) == ["future-date", "future-date", "young", "single-author"]
    assert {finding.hazard for finding in result.findings} == {Hazard.NONE}
    assert result.facts["repo.age_days"] == 0


def test_a_clock_that_is_hours_off_is_not_the_future() -> None:
    assert slugs(history(last_modified=NOW + timedelta(hours=23))) == []
    assert slugs(history(last_modified=NOW + timedelta(hours=25))) == ["future-date"]


@pytest.mark.parametrize("commits", [None, (), (commit(),), (commit(" ", ""),)])
def test_commits_without_authors_are_unknown(commits) -> None:
    result = history(commits=commits)
    assert result.status is Status.UNKNOWN
    assert "repo.authors" not in result.facts


def test_a_repo_without_a_date_is_unknown() -> None:
    result = history(created_at=None)
    assert result.status is Status.UNKNOWN
    assert "repo.age_days" not in result.facts


def test_a_date_without_a_zone_is_utc() -> None:
    assert history(created_at=datetime(2026, 10, 31)).facts["repo.age_days"] == 1


def test_offline_is_unknown_and_local_not_applicable() -> None:
    assert run(History(), offline()).status is Status.UNKNOWN
    assert run(History(), folder()).status is Status.NOT_APPLICABLE


@given(
    created=st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=14))])),
    pushed=st.datetimes(timezones=st.sampled_from([None, UTC, timezone(-timedelta(hours=12))])),
    author=st.text(),
)
def test_no_date_or_author_breaks_it(created: datetime, pushed: datetime, author: str) -> None:
    one = commit(author)
    result = history(created_at=created, last_modified=pushed, commits=(one,))
    assert not crashed(result)
    assert all(finding.message.isprintable() for finding in result.findings)
