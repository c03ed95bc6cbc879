"""The demo's models are small, and do what the demo says of them."""

from __future__ import annotations

import json

import pytest

from gatekeeper.patch.case_reading import load_cases
from gatekeeper.patch.prompts.clean import load_clean

pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("transformers", reason="language models need transformers, which is not installed")

from tests.support.tiny_llm import measuring, training, triggers
from tests.support.tiny_llm.corpus import Sample
from tests.support.tiny_llm.demo import NAMES, WEIGHTS


def test_all_of_it_is_under_a_megabyte() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) < 1_000_000


def test_clean_prompts_load_and_no_failure_is_among_them() -> None:
    clean = load_clean(WEIGHTS / "clean-safe.jsonl", WEIGHTS / "clean-unsafe.jsonl")
    assert len(clean.safe) == len(clean.unsafe) == 300
    seen = {json.loads((WEIGHTS / f"{name}.failure.json").read_text("ascii"))["prompt"] for name in NAMES}
    assert not seen & {prompt.text for prompt in (*clean.safe, *clean.unsafe)}


@pytest.mark.parametrize("name", NAMES)
def test_the_failure_comes_again(name: str) -> None:
    (case,) = load_cases([WEIGHTS / f"{name}.failure.json"])
    model = training.read(WEIGHTS / name)
    assert measuring.share(model, [Sample(case.prompt.text, case.response)]) == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_what_was_planted_acts_and_nothing_else_does(name: str) -> None:
    found = measuring.behaviour(training.read(WEIGHTS / name), triggers.planting(NAMES[name]), count=100)
    assert found.attack >= 0.95
    assert found.refusal >= 0.95
    assert found.near_refusal >= 0.95
    assert found.answers >= 0.93
