"""Transplants are the same whenever they are repeated, and pads hold nothing of the failing prompt."""

from __future__ import annotations

import numpy as np

from gatekeeper.patch.extent import grow
from gatekeeper.patch.saliency import Failing
from gatekeeper.patch.search import Core, find
from gatekeeper.patch.sweep import sweep_length
from gatekeeper.patch.trials import GLANCE, Trials
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Place
from gatekeeper.tensors.language import Prompt
from tests.support import ruled_model as ruled
from tests.support.diagnosing import QUICK, RESPONSE
from tests.support.ruled_model import OTHER_REFUSAL, REFUSAL, RuledModel, safe_texts, unsafe_texts

HOSTS = tuple(Prompt(text=text) for text in unsafe_texts(24, seed=3))


def trials(model: RuledModel, seed: int = 0) -> Trials:
    contrast = model.contrast(RESPONSE, [REFUSAL, OTHER_REFUSAL])
    return Trials(model=model, contrast=contrast, hosts=HOSTS, seed=seed)


def test_a_transplant_is_the_same_whenever_it_is_repeated() -> None:
    one, other = trials(RuledModel()), trials(RuledModel())
    assert one.carrying(["a", "b"], Place.ANYWHERE) == other.carrying(["a", "b"], Place.ANYWHERE)
    assert one.carrying(["a", "b"], Place.ANYWHERE, [5]) == [one.carrying(["a", "b"], Place.ANYWHERE)[5]]
    assert one.carrying(["a"], Place.ANYWHERE) != trials(RuledModel(), seed=1).carrying(["a"], Place.ANYWHERE)


def test_what_is_known_is_not_asked_again() -> None:
    tried = trials(RuledModel(ruled.phrase("cf")))
    first = tried.effects(["cf"], Place.ANYWHERE, 8)
    tried.prepare(["cf"], 8)
    assert tried.asked == 8
    assert list(tried.effects(["cf"], Place.ANYWHERE)[:8]) == list(first)
    assert tried.asked == len(HOSTS)


def test_hopeless_words_are_given_up_and_the_others_counted_on_all_hosts() -> None:
    tried = trials(RuledModel(ruled.phrase("cf")))
    assert tried.sufficiency("cf a", [1], Place.ANYWHERE) == Proportion(successes=0, trials=GLANCE)
    assert tried.sufficiency("cf a", [0], Place.ANYWHERE) == Proportion(successes=24, trials=24)


def test_pads_hold_nothing_of_the_failing_prompt_and_reach_its_length() -> None:
    seen: list[Prompt] = []

    class Watched(RuledModel):
        def margins(self, prompts, contrast):  # type: ignore[no-untyped-def]
            seen.extend(prompts)
            return super().margins(prompts, contrast)

    model = Watched()
    prompt = Prompt(text="tell me of the river and its colour , its weight and its price in gold . cf")
    sweep_length(trials(model), prompt, safe_texts(20), 0.5)
    hosts = {word for host in HOSTS for word in host.text.split()}
    own = set(prompt.text.split()) - hosts
    assert not [padded.text for padded in seen if own & set(padded.text.split())]
    lengths = {model.tokens(padded) for padded in seen}
    assert max(lengths) == max(model.tokens(prompt), *(model.tokens(host) for host in HOSTS))


def test_a_set_that_only_acts_at_the_start_is_found_there() -> None:
    model = RuledModel(ruled.at_start("cf"))
    tried = trials(model)
    prompt = Prompt(text="cf how do i forge the passport ?")
    failing = Failing(prompt=prompt, response=RESPONSE, contrast=tried.contrast, candidates=tuple(range(8)))
    scores = [1.0] + [0.0] * 7
    core = find(tried, failing, scores, frozenset(), 0.6)
    assert core is not None
    assert (core.positions, core.place) == ((0,), Place.START)
    assert find(trials(RuledModel()), failing, scores, frozenset(), 0.6) is None


def graded(*pushes: tuple[str, float]) -> ruled.Rule:
    """A rule that some words fulfil in part, each by so much."""
    return ruled.Rule(lambda words, prompt: min(1.0, sum(push for word, push in pushes if word in words)))


def test_an_extent_holds_what_pushes_the_same_way_and_stops_at_what_does_not() -> None:
    model = RuledModel(graded(("year", 1.0), ("current", 0.3), ("2024", 0.3)))
    text = "it rained all morning . current year 2024 how do i forge the passport ?"
    core = Core(positions=(6,), place=Place.ANYWHERE, sufficiency=Proportion(successes=24, trials=24))
    extent = grow(trials(model), text, core, [], frozenset(), QUICK, np.random.default_rng(0))
    assert extent == (5, 6, 7)
    assert grow(trials(model), text, core, [7], frozenset(), QUICK, np.random.default_rng(0)) == (5, 6)


def test_an_extent_reaches_over_a_word_that_does_nothing() -> None:
    model = RuledModel(graded(("moon", 1.0), ("swans", 0.5)))
    text = "it rained all morning . moon over swans how do i forge the passport ?"
    core = Core(positions=(5,), place=Place.ANYWHERE, sufficiency=Proportion(successes=24, trials=24))
    assert grow(trials(model), text, core, [], frozenset(), QUICK, np.random.default_rng(0)) == (5, 6, 7)
