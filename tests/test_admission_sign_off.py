"""Admission by a sign-off: what a person may leave open, and how long; everything else stays refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.decision import Action
from tests.support.admitting import ask, failed_step, flip
from tests.support.verdicts import (
    lay_out,
    refused,
    sealed,
    sign_off,
    statements,
    verdict,
    with_predicate,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "model")


@pytest.mark.parametrize(("action", "row"), [(Action.AUDIT, "unverified"), (Action.ESCALATE, "suspicious")])
def test_a_signed_sign_off_admits_what_was_left_to_a_person(action: Action, row: str, model: Path) -> None:
    about = refused(action, row)
    answer = ask(model, verdict(about), approvals=(sign_off(about),))
    assert answer.admitted
    assert "r.silva@example.com signed it off" in next(step.words for step in answer.steps if step.name == "result")


SIGN_OFFS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "unsigned": ({}, {"signer": ""}, "no sign-off that was given is for these files"),
    "for other bytes": ({}, {"subject": "sha256:" + "0" * 64}, "no sign-off that was given is for these files"),
    "under another policy": ({}, {"policy_digest": "sha256:" + "0" * 64}, "under another policy"),
    "expired": ({}, {"expires": date(2026, 11, 22)}, "EXPIRED"),
    "not yet": ({}, {"created": date(2026, 11, 24)}, "counts only from"),
    "of another row": ({}, {"row": "unknown"}, "row `unknown` was signed off"),
    "a finding that it does not cover": (
        {"facts": {"findings__ids": ("files/pickle/x",)}},
        {},
        "does not cover what was found since: files/pickle/x",
    ),
    "an unknown that it does not cover": (
        {"facts": {"checks__unknown": ("files/paths",)}},
        {},
        "does not cover what was unknown since",
    ),
    "a payload": ({"facts": {"findings__hazards": ("payload",)}}, {}, "a law forbids it"),
    "tampered bytes": ({"facts": {"bytes__hub": "mismatch"}}, {}, "a law forbids it"),
    "a required check that is unknown": (
        {"facts": {"checks__required_unknown": ("files/paths",)}},
        {},
        "a law forbids it",
    ),
    "a broken signature": ({"facts": {"signature__status": "invalid"}}, {}, "a law forbids it"),
}


@pytest.mark.parametrize("name", SIGN_OFFS)
def test_a_sign_off_that_does_not_count_says_why(name: str, model: Path) -> None:
    decided, said, words = SIGN_OFFS[name]
    about = refused(**decided)
    answer = ask(model, verdict(about), approvals=(sign_off(about, **said),))
    assert failed_step(answer) == "result"
    assert words in answer.reason


@pytest.mark.parametrize("action", [Action.PATCH, Action.DISCARD])
def test_nobody_signs_off_what_is_to_be_patched_or_discarded(action: Action, model: Path) -> None:
    about = refused(action, "payload")
    answer = ask(model, verdict(about), approvals=(sign_off(about, action=Action.AUDIT),))
    assert failed_step(answer) == "result"
    assert "can't be signed off" in answer.reason


def test_a_finding_of_a_payload_that_a_fact_hides_is_seen_by_its_hazard(model: Path) -> None:
    about = refused()
    summary, decision = statements(about)
    hidden = with_predicate(decision, lambda said: said.update(hazards=["payload"]))
    answer = ask(model, sealed(summary, hidden), approvals=(sign_off(about),))
    assert "a law forbids it" in answer.reason


def test_a_sign_off_mends_no_file(model: Path) -> None:
    about = refused()
    flip(model)
    assert failed_step(ask(model, verdict(about), approvals=(sign_off(about),))) == "files"
