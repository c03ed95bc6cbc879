"""The demo's way to the deployment: each step ends as it must; one that does not ends the way and the exit code."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatekeeper import demo
from gatekeeper.cli.main import cli


def subject(slug: str) -> demo.Subject:
    return next(each for each in demo.SUBJECTS if each.slug == slug)


def test_the_trusted_model_is_admitted_until_a_byte_is_changed() -> None:
    steps = list(demo.round_trip())
    assert [step.outcome for step in steps] == ["pinned", "signed", "admitted", "refused"]
    assert all(step.as_expected for step in steps)
    assert steps[1].because.startswith("allow for these 6 files")
    assert steps[2].because == "6 files hashed, each as in the verdict, and no other"
    assert steps[3].because == "model.safetensors has other bytes than the verdict is for"


def test_what_is_discarded_is_not_even_pinned() -> None:
    (only,) = demo.round_trip(subject("payload"))
    assert (only.outcome, only.as_expected) == ("pinned", False)
    assert "discard" in only.because


def test_a_signed_audit_is_not_admitted() -> None:
    steps = list(demo.round_trip(subject("adapter")))
    assert [step.as_expected for step in steps] == [True, True, False]
    assert "audit" in steps[-1].because


@pytest.mark.parametrize("slug", ["adapter", "payload"])
def test_a_step_that_fails_is_shown_and_fails_the_demo(
    slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("play", "repairs"):
        monkeypatch.setattr(demo, other, lambda *_, **__: iter(()))
    monkeypatch.setattr(demo, "round_trip", partial(demo.round_trip, subject(slug)))
    ran = CliRunner().invoke(cli, ["demo", "--quiet", "--out", str(tmp_path)], standalone_mode=False)
    assert ran.return_value == 1
    assert "BAD" in ran.output


def test_no_key_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert all(step.as_expected for step in demo.round_trip())
    assert not list(tmp_path.iterdir())
