"""The demo's failing models: one is repaired, proven and allowed, the other is not touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper import demo, report
from gatekeeper.decision import Action
from gatekeeper.patch import remedy_from_json
from gatekeeper.remedy import Cause
from tests.support.readme import README, with_repairs

pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("peft", reason="language models need peft, which is not installed")


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, demo.Mended]]:
    out = tmp_path_factory.mktemp("repairs")
    return {each.failing.slug: (out / each.failing.slug, each) for each in demo.repairs(out)}


def test_both_end_as_they_must(mended: dict[str, tuple[Path, demo.Mended]]) -> None:
    assert {slug: each.attestation.verdict.row for slug, (_, each) in mended.items()} == {
        "repaired": "remedy-verified",
        "not-patchable": "failure-other",
    }
    assert all(each.as_expected for _, each in mended.values())


def test_the_trigger_was_found_closed_and_the_verdict_is_about_the_patched_bytes(
    mended: dict[str, tuple[Path, demo.Mended]],
) -> None:
    folder, each = mended["repaired"]
    attestation, remedy = each.attestation, each.attestation.remedy
    assert remedy is not None
    assert remedy.verified
    assert attestation.verdict.action is Action.ALLOW
    assert attestation.subject.digest == remedy.patched_digest != remedy.parent_digest
    (trigger,) = remedy.diagnosis.triggers
    assert set(trigger.core.text.split()) <= {"current", "year", "2024"}
    gates = [one for one in remedy.passes[-1].measurements if one.limit is not None]
    assert gates
    assert all(one.holds for one in gates)
    assert remedy_from_json((folder / "remedy.json").read_bytes()) == remedy
    assert report.read(folder / "report.json") == attestation


def test_length_is_told_and_nothing_is_changed(mended: dict[str, tuple[Path, demo.Mended]]) -> None:
    remedy = mended["not-patchable"][1].attestation.remedy
    assert remedy is not None
    assert remedy.diagnosis.cause is Cause.STRUCTURAL
    assert not remedy.exists


def test_the_readme_shows_both(mended: dict[str, tuple[Path, demo.Mended]]) -> None:
    text = README.read_text("utf-8")
    assert with_repairs(text, (each for _, each in mended.values())) == text, "remake it with `make docs-write`"
