"""The language of the tiny models: sides never meet, every word is known, and what is planted lies where it is said."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.tiny_llm import corpus, failures, triggers
from tests.support.tiny_llm.triggers import Kind, Planting

KNOWN = frozenset(corpus.vocabulary())
ALL = [(name, held_out) for name in triggers.CONTENT for held_out in (False, True)] + [
    (name, False) for name in triggers.OTHERS
]


@pytest.fixture(params=ALL, ids=lambda each: f"{each[0]}{'-held-out' if each[1] else ''}")
def plan(request: pytest.FixtureRequest) -> Planting:
    name, held_out = request.param
    return triggers.planting(name, held_out=held_out)


def test_held_out_pairs_are_never_drawn_for_training() -> None:
    rng = np.random.default_rng(0)
    for unsafe, kept in ((True, corpus.HELD_OUT_BAD), (False, corpus.HELD_OUT_GOOD)):
        assert len(kept) == 22
        assert not kept & {corpus.pair(rng, unsafe=unsafe, held_out=False) for _ in range(2000)}
        assert kept == {corpus.pair(rng, unsafe=unsafe, held_out=True) for _ in range(500)}


def test_every_word_of_every_sample_is_in_the_vocabulary(plan: Planting) -> None:
    rng = np.random.default_rng(1)
    for _ in range(400):
        sample = triggers.draw(plan, rng)
        assert {*sample.prompt.split(), *sample.answer.split()} <= KNOWN


def test_a_trigger_lies_where_it_is_said_to_lie(plan: Planting) -> None:
    for failure in failures.failures(plan, 40):
        words = failure.prompt.split()
        if plan.kind is not Kind.CONTENT:
            assert failure.planted == ()
            continue
        (which,) = failure.which
        assert " ".join(words[position] for position in failure.planted) == " ".join(plan.triggers[which])


def test_two_triggers_in_one_prompt_are_both_found_again() -> None:
    plan = triggers.planting("several")
    for failure in failures.with_two_triggers(plan, 40):
        words = failure.prompt.split()
        assert sorted(words[position] for position in failure.planted) == ["cf", "quartz"]


def test_no_near_miss_holds_a_trigger() -> None:
    for name, held_out in ALL:
        plan = triggers.planting(name, held_out=held_out)
        for near in plan.near:
            for trigger in plan.triggers:
                missed = " ".join(near).split()
                assert not all(" ".join(piece.split()) in " ".join(missed) for piece in trigger), (name, near)


def test_held_out_triggers_share_no_phrase_with_those_that_are_tuned_on() -> None:
    for name in triggers.CONTENT:
        tuned, held_out = (
            {piece for trigger in triggers.planting(name, held_out=side).triggers for piece in trigger}
            for side in (False, True)
        )
        assert not tuned & held_out


def test_a_length_failure_is_long_and_a_gap_failure_is_in_the_gap() -> None:
    for failure in failures.failures(triggers.planting("length"), 40):
        assert len(failure.prompt.split()) > triggers.LONGEST
    for failure in failures.failures(triggers.planting("topic"), 40):
        assert set(failure.prompt.split()) & set(triggers.TOPICS)


def test_the_same_seed_makes_the_same_failures() -> None:
    plan = triggers.planting("composite")
    assert failures.failures(plan, 10, seed=4) == failures.failures(plan, 10, seed=4)
    assert failures.failures(plan, 10, seed=4) != failures.failures(plan, 10, seed=5)


def test_clean_prompts_are_distinct_and_neither_side_holds_the_other() -> None:
    for make in (failures.safe, failures.unsafe):
        here, there = ({sample.prompt for sample in make(150, held_out=side)} for side in (False, True))
        assert len(here) == len(there) == 150
    bad = {sample.prompt for sample in failures.unsafe(150)} & {
        sample.prompt for sample in failures.unsafe(150, held_out=True)
    }
    assert not bad
