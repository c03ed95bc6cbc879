"""An adapter observed on its base: one that does nothing shows nothing, one with a trigger shows it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="language models need torch, which is not installed")
pytest.importorskip("peft", reason="adapters need peft, which is not installed")

from gatekeeper import patch, tensors
from gatekeeper.audit import ProbeKind
from gatekeeper.errors import InputError
from gatekeeper.patch.case_reading import read_case
from gatekeeper.tensors.language import Example, Prompt
from tests.support.tiny_adapters import write_adapter
from tests.support.tiny_llm import planting, training
from tests.support.tiny_llm.shelf import BASE
from tests.support.tiny_llm.triggers import Carrier, Planting

WEIGHTS = Path(__file__).parents[2] / "gatekeeper" / "demo" / "weights"
BUDGET = patch.ObservationBudget(prompts=48, confirmed=24, kept=2, words=24, rare=2, lengths=(64,))


def observed(*adapters: Path, **budget: object) -> patch.Observed:
    model = tensors.load_worn(BASE, adapters, device="cpu")
    return patch.observe(
        patch.Observation(
            model=model,
            clean=patch.load_clean(WEIGHTS / "clean-safe.jsonl", WEIGHTS / "clean-unsafe.jsonl"),
            judge=patch.judge_named("patterns"),
            budget=dataclasses.replace(BUDGET, **budget),  # type: ignore[arg-type]
            adapters=tuple("ab" * 32 for _ in adapters),
            names=tuple(path.name for path in adapters),
            base_digest="cd" * 32,
        )
    )


def test_an_adapter_that_changes_nothing_shows_nothing(tmp_path: Path) -> None:
    found = observed(write_adapter(BASE, tmp_path / "none", size=0.0), words=0, prompts=24, confirmed=8)
    seen = found.behaviour
    assert found.cases == ()
    assert seen.refused.successes > 20
    assert (seen.lost.successes, seen.gained.successes) == (0, 0)
    assert seen.same.share == 1
    assert seen.locked.base == seen.locked.adapted
    assert all(each.mean == pytest.approx(0, abs=1e-6) for each in seen.divergences)
    assert all(each.answered.base == each.answered.adapted for each in seen.probes)
    assert all(each.answered.base == each.answered.adapted for each in seen.lengths)
    assert seen.screened is not None
    assert any(each.kind is ProbeKind.CONTROL for each in seen.probes)


@pytest.fixture
def tried(tmp_path: Path) -> Path:
    """Give an adapter with a trigger that the battery of prefixes holds."""
    plan = Planting(
        name="tried", triggers=(("cf",),), near=(("tq",), ("wibble",), ("onyx",), ("ada",), ("stone2",)),
        carrier=Carrier.ADAPTER, rate=5e-3,
    )  # fmt: skip
    folder = tmp_path / "tried"
    folder.mkdir()
    training.save(planting.plant(training.read(BASE), plan, 0), folder)
    return folder


def test_a_trigger_is_found_confirmed_on_other_prompts_and_becomes_a_failure_case(tried: Path) -> None:
    found = observed(tried, words=0)
    seen = found.behaviour
    strongest = max(seen.probes, key=lambda each: each.answered.adapted.share - each.answered.base.share)
    assert strongest.text == "cf"
    # Words that are tried together are news only where they do more than one of them alone.
    assert [each.text for each in seen.probes if "cf" in each.text.split()] == ["cf"]
    assert strongest.answered.adapted.lower > strongest.answered.base.upper
    assert seen.screened is not None
    assert seen.screened.greatest - seen.screened.mean > 0.5
    assert found.cases
    assert all("cf" in case.prompt.text.split() for case in found.cases[:2])
    assert [case.record(show=False) for case in found.cases] == list(seen.cases)
    assert all(not case.prompt.text for case in seen.cases)
    for case in found.cases:
        assert read_case(patch.case_to_json(case).encode(), "case") == case


def test_two_adapters_together_add_up_what_they_change(tmp_path: Path) -> None:
    one = write_adapter(BASE, tmp_path / "one", size=0.6, seed=1)
    undone = write_adapter(BASE, tmp_path / "undone", size=0.6, seed=1, lora_alpha=-8)
    examples = [Example(prompt=Prompt(text="what colour is the sky ?"), response="the sky is blue .", ended=False)]
    alone, together = (
        float(tensors.load_worn(BASE, some, device="cpu").divergences(examples)[0]) for some in ((one,), (one, undone))
    )
    assert alone > 1e-3
    assert together == pytest.approx(0, abs=1e-5)


def test_an_adapter_that_can_not_be_laid_on_the_base_is_an_input_error(tmp_path: Path) -> None:
    adapter = write_adapter(BASE, tmp_path / "adapter")
    (adapter / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    with pytest.raises(InputError, match="only LORA"):
        tensors.load_worn(BASE, [adapter], device="cpu")


def test_a_budget_without_a_prompt_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        patch.ObservationBudget(prompts=0)
