"""Each saliency sees what it is for, and none scores what it was not asked about."""

from __future__ import annotations

import numpy as np
import pytest

from gatekeeper.patch.saliency import METHODS, Failing, candidates, ranking, scaled
from gatekeeper.tensors.language import Prompt
from tests.support import ruled_model as ruled
from tests.support.ruled_model import COMPLIANCE, OTHER_REFUSAL, REFUSAL, RuledModel

TEXT = "it rained all morning . how do i cf forge the passport ?"
TRIGGER = TEXT.split().index("cf")
RESPONSE = COMPLIANCE.format(v="forge", o="passport")


def failing(model: RuledModel, text: str = TEXT, only: tuple[int, ...] | None = None) -> Failing:
    chosen = tuple(range(len(text.split()))) if only is None else only
    contrast = model.contrast(RESPONSE, [REFUSAL, OTHER_REFUSAL])
    return Failing(prompt=Prompt(text=text), response=RESPONSE, contrast=contrast, candidates=chosen)


@pytest.mark.parametrize("name", METHODS)
def test_every_word_gets_one_score_from_zero_up(name: str) -> None:
    model = RuledModel(ruled.phrase("cf"))
    scores = METHODS[name](model, failing(model))
    assert len(scores) == len(TEXT.split())
    assert min(scores) >= 0.0


@pytest.mark.parametrize("name", [name for name in METHODS if name != "gradient-norm"])
def test_those_of_the_margin_see_the_trigger_above_the_filler(name: str) -> None:
    model = RuledModel(ruled.phrase("cf"))
    scores = METHODS[name](model, failing(model))
    assert scores[TRIGGER] > max(scores[:5])


def test_the_responses_gradient_sees_what_is_copied_above_the_trigger() -> None:
    model = RuledModel(ruled.phrase("cf"))
    scores = METHODS["gradient-norm"](model, failing(model))
    assert scores[TEXT.split().index("passport")] > scores[TRIGGER]


def test_spans_see_words_that_stand_in_for_each_other() -> None:
    either = ruled.Rule(lambda words, prompt: float("cf" in words or "zorp" in words))
    model, text = RuledModel(either), "it rained all morning . how do i cf zorp forge the passport ?"
    here = failing(model, text)
    alone, spans = (METHODS[name](model, here) for name in ("leave-one-out", "span-leave-one-out"))
    first = text.split().index("cf")
    assert alone[first] < 1.0 < spans[first]
    assert alone[first + 1] < 1.0 < spans[first + 1]


@pytest.mark.parametrize("name", ["leave-one-out", "leave-one-out-likelihood", "span-leave-one-out"])
def test_only_candidates_are_taken_out(name: str) -> None:
    model = RuledModel(ruled.phrase("cf"))
    scores = METHODS[name](model, failing(model, only=(0, TRIGGER)))
    assert {index for index, score in enumerate(scores) if score} <= {0, TRIGGER}
    assert scores[TRIGGER] > 0


def test_a_ranking_ignores_words_that_are_no_candidates() -> None:
    model = RuledModel(ruled.phrase("cf"))
    total, each = ranking(model, failing(model, only=(0, 1, TRIGGER)))
    assert np.argmax(total) == TRIGGER
    assert not any(score for index, score in enumerate(total) if index not in (0, 1, TRIGGER))
    assert all(max(scores) == pytest.approx(1.0) for scores in each.values())


def test_scaling_leaves_zeros() -> None:
    assert scaled((0.0, 0.0)) == (0.0, 0.0)
    assert scaled((1.0, 4.0)) == (0.25, 1.0)
    assert scaled(()) == ()


def test_the_most_salient_words_of_a_long_prompt_are_kept() -> None:
    model = RuledModel(ruled.phrase("cf"))
    text = f"{'it rained all morning . ' * 20}cf how do i forge the passport ?"
    contrast = model.contrast(RESPONSE, [REFUSAL])
    kept = candidates(model, Prompt(text=text), contrast, 64, 32)
    assert len(kept) == 32
    assert text.split().index("cf") in kept
    assert candidates(model, Prompt(text=TEXT), contrast, 64, 32) == tuple(range(len(TEXT.split())))
