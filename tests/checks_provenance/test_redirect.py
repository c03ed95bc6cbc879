from __future__ import annotations

import pytest

from gatekeeper.checks.provenance.redirect import Redirect
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support.hub_artifacts import folder, hub, offline, platform, run, slugs


def answered(asked: str, answer: str):
    return run(Redirect(), hub(asked, record=platform(requested_id=asked, returned_id=answer)))


@pytest.mark.parametrize(
    ("asked", "answer"),
    [("old/tiny", "new/tiny"), ("acme/tiny", "acme/tiny2"), ("tiny", "acme/other"), ("acme/tiny", "tiny")],
)
def test_another_id_is_suspicious(asked: str, answer: str) -> None:
    result = answered(asked, answer)
    assert slugs(result) == ["renamed"]
    assert (result.findings[0].hazard, result.findings[0].severity) == (Hazard.SUSPICIOUS, Severity.HIGH)
    assert result.facts == {"source.redirected": True}


def test_a_letter_that_only_unicode_calls_equal_is_another_id() -> None:
    assert slugs(answered("\u212aimi/tiny", "kimi/tiny")) == ["renamed"]


def test_letter_case_alone_is_worth_a_line() -> None:
    result = answered("ACME/Tiny", "acme/tiny")
    assert slugs(result) == ["letter-case"]
    assert (result.findings[0].hazard, result.facts["source.redirected"]) == (Hazard.NONE, False)


def test_an_old_id_without_a_publisher_is_unverified() -> None:
    result = answered("tiny", "acme/tiny")
    assert slugs(result) == ["short-id"]
    assert (result.findings[0].hazard, result.facts["source.redirected"]) == (Hazard.UNVERIFIED, False)


def test_the_id_asked_for_passes() -> None:
    assert answered("acme/tiny", "acme/tiny").status is Status.PASS


def test_offline_is_unknown_and_sets_no_fact() -> None:
    result = run(Redirect(), offline())
    assert (result.status, dict(result.facts)) == (Status.UNKNOWN, {})


def test_local_sources_have_no_id() -> None:
    assert run(Redirect(), folder()).status is Status.NOT_APPLICABLE
