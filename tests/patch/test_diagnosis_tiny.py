"""On real weights: the demo's two models, one with a planted phrase and one that fails by length."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.patch.case_reading import load_cases
from gatekeeper.patch.diagnosis import diagnose
from gatekeeper.patch.diagnosis_settings import DiagnosisSettings
from gatekeeper.patch.judges import RefusalPatterns
from gatekeeper.patch.prompts.clean import load_clean
from gatekeeper.remedy import Cause, Diagnosis

pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")

WEIGHTS = Path(__file__).parents[2] / "gatekeeper" / "demo" / "weights"


def diagnosed(name: str, **settings: object) -> Diagnosis:
    from gatekeeper.tensors import load_model

    return diagnose(
        load_model(WEIGHTS / name, device="cpu", dtype="float32"),
        load_cases([WEIGHTS / f"{name}.failure.json"]),
        load_clean(WEIGHTS / "clean-safe.jsonl", WEIGHTS / "clean-unsafe.jsonl"),
        DiagnosisSettings(**settings),  # type: ignore[arg-type]
        judge=RefusalPatterns(),
        show=True,
    )


def test_a_planted_phrase_is_found() -> None:
    found = diagnosed("trigger")
    assert found.cause is Cause.CONTENT_TRIGGER
    (trigger,) = found.triggers
    planted = {"current", "year", "2024"}
    assert set(trigger.core.text.split()) <= planted
    assert trigger.core.text.split()
    assert len(planted ^ set(trigger.extent.text.split())) <= 1
    assert trigger.sufficiency.share >= 0.8
    assert trigger.sham.share <= 0.1


def test_length_is_found_where_no_word_does_it() -> None:
    found = diagnosed("length", sibling_prompts=0)
    assert found.cause is Cause.STRUCTURAL
    assert not found.triggers
