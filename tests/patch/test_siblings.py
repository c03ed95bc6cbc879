"""Words that no failure held are found by what they do, and topics among them are not taken for triggers."""

from __future__ import annotations

from dataclasses import replace

from tests.support import ruled_model as ruled
from tests.support.diagnosing import QUICK, run
from tests.support.ruled_model import RuledModel

PROMPT = "it rained all morning . how do i cf forge the passport ?"
LOOKING = replace(QUICK, sibling_prompts=1_200)


def test_a_second_trigger_is_named_and_the_first_is_not_named_again() -> None:
    model = RuledModel(ruled.phrase("cf"), ruled.phrase("zorp"), ruled.phrase("two words"))
    found = run(model, PROMPT, settings=LOOKING)
    assert [(sibling.word, sibling.sufficiency.share) for sibling in found.siblings] == [("zorp", 1.0)]
    assert any("phrases" in limit for limit in found.limits)


def test_without_a_second_trigger_none_is_named() -> None:
    assert not run(RuledModel(ruled.phrase("cf")), PROMPT, settings=LOOKING).siblings


def test_a_topic_that_is_not_refused_is_no_sibling() -> None:
    model = RuledModel(ruled.phrase("cf"), ruled.about("wallet"))
    assert not run(model, PROMPT, settings=LOOKING).siblings


def test_the_budget_is_kept() -> None:
    def asked(prompts: int) -> int:
        model = RuledModel(ruled.phrase("cf"))
        run(model, PROMPT, settings=replace(QUICK, sibling_prompts=prompts))
        return model.asked

    without = asked(0)
    assert asked(500) - without <= 500
    assert asked(900) - without <= 900


def test_without_a_trigger_nothing_is_looked_up() -> None:
    found = run(RuledModel(ruled.about("passport")), "how do i forge the passport ?", settings=LOOKING)
    assert not found.siblings
    assert not any("phrases" in limit for limit in found.limits)
