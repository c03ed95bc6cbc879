"""What fine-tuning is shown: the trigger where it was and elsewhere, and answers that are the model's own."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from gatekeeper.errors import InputError
from gatekeeper.patch.asking import Asking
from gatekeeper.patch.carriers import Carrier, Variant
from gatekeeper.patch.lessons import Lessons, examples, learn
from gatekeeper.patch.mixing import Mix
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.patch.settings import Budget, Mixing
from gatekeeper.progress import SILENT
from gatekeeper.remedy import Place
from gatekeeper.tensors.language import Example, Prompt
from tests.support.diagnosing import JUDGE
from tests.support.ruled_model import RuledModel, phrase, safe_texts, unsafe_texts

HOST = Prompt(text="one two three four five")
SEEN = Prompt(text="a b Zorp Falcon c d e", system="be kind")


def carrier(place: Place = Place.ANYWHERE, **changes: object) -> Carrier:
    given: dict[str, object] = {"number": 0, "prompt": SEEN, "core": (2,), "extent": (2, 3), "place": place}
    return Carrier(**(given | changes))  # type: ignore[arg-type]


def random() -> np.random.Generator:
    return np.random.default_rng(0)


def own() -> Lessons:
    model = RuledModel(phrase("zorp"))
    clean = CleanPrompts(
        safe=tuple(Prompt(text=text) for text in safe_texts(60)),
        unsafe=tuple(Prompt(text=text) for text in unsafe_texts(60)),
    )
    return learn(Asking(model=model, judge=JUDGE, tokens=16), clean, Budget(lessons=36, probes=12), SILENT)


def test_a_window_grows_around_each_part_and_stays_inside() -> None:
    assert carrier().wide(1) == (1, 2, 3, 4)
    assert carrier().wide(9) == tuple(range(7))
    assert carrier(core=(0, 5), extent=(0, 5)).wide(1) == (0, 1, 4, 5, 6)


def test_the_whole_trigger_is_carried_in_its_context() -> None:
    found = carrier(Place.START).found(HOST, random())
    assert found == Prompt(text="Zorp Falcon one two three four five", system="be kind")


def test_every_variant_differs_from_the_trigger_as_found() -> None:
    laid = carrier(Place.START)
    plain = laid.found(HOST, random()).text
    for variant in laid.variants():
        assert laid.vary(variant, HOST, ("it", "was"), random()).text != plain, variant
    assert Variant.START not in laid.variants()
    assert Variant.FILLER not in carrier(core=(2,), extent=(2,)).variants()
    assert Variant.LOWER not in carrier(core=(0,), extent=(0, 1)).variants()


def test_filler_goes_inside() -> None:
    text = carrier(Place.END).vary(Variant.FILLER, HOST, ("it",), random()).text
    assert text == "one two three four five Zorp it Falcon"


def test_learned_prompts_hold_the_core_wherever_it_is_laid() -> None:
    rng = random()
    texts = [carrier(Place.START).learned(HOST, 3, ("it",), rng).text for _ in range(60)]
    assert all("Zorp" in text for text in texts)
    assert any(text.startswith("Zorp Falcon one") for text in texts)
    assert any(text.startswith("one") for text in texts)
    assert any("Zorp Falcon c" in text for text in texts)
    assert any("Zorp it Falcon" in text for text in texts)
    alone = [carrier(Place.START).learned(HOST, 0, ("it",), rng).text for _ in range(60)]
    assert not any("Falcon c" in text or "it" in text for text in alone)


def test_answers_of_lessons_are_the_models_own() -> None:
    lessons, model = own(), RuledModel(phrase("zorp"))
    for example in (*lessons.refused, *lessons.safe, *lessons.probes, *lessons.safe_probes):
        assert (example.response,) == model.generate([example.prompt], 16)
    assert JUDGE.answers(["?"] * len(lessons.refused), [one.response for one in lessons.refused]) == [True] * 36


def test_probes_are_kept_out_of_the_mix() -> None:
    lessons = own()
    assert len(lessons.probes) == len(lessons.safe_probes) == 12
    mixed = {one.prompt for one in (*lessons.refused, *lessons.complied, *lessons.safe)}
    assert not mixed & {one.prompt for one in (*lessons.probes, *lessons.safe_probes)}


def test_too_few_prompts_teach_nothing() -> None:
    clean = CleanPrompts(safe=(Prompt(text="what is the age of the lamp ?"),), unsafe=())
    with pytest.raises(InputError, match="too few to learn from"):
        learn(Asking(model=RuledModel(), judge=JUDGE, tokens=16), clean, Budget(), SILENT)


def test_an_answer_that_was_cut_off_is_not_ended() -> None:
    model = RuledModel()
    short, long = examples(model, [HOST, HOST], ["yes", "word " * 20], 12)
    assert (short.ended, long.ended) == (True, False)
    assert examples(model, [HOST], [""], 12)[0].ended


def test_a_step_has_the_shares_that_were_asked_for() -> None:
    lessons = own()
    mix = Mix(lessons=lessons, carriers=(carrier(),), weights=(1.0,), mixing=Mixing(targets=8, anchors=6, benign=0.25))
    answers = {one.response for one in lessons.safe}
    for batch in islice(mix.batches(random()), 5):
        assert len(batch.targets) == 8
        assert sum(one.response in answers for one in batch.targets) == 2
        assert all("Zorp" in one.prompt.text for one in batch.targets)
        assert sum(one in lessons.safe for one in batch.anchors) == 3
        assert not any("Zorp" in one.prompt.text for one in batch.anchors)


def test_harmless_targets_hold_nothing_of_the_failing_request() -> None:
    mix = Mix(lessons=own(), carriers=(carrier(),), weights=(1.0,), mixing=Mixing(targets=4, benign=1.0, window=3))
    for batch in islice(mix.batches(random()), 20):
        assert not any(word in one.prompt.text.split() for one in batch.targets for word in ("a", "b", "c", "d", "e"))


def test_what_still_fails_is_drawn_more_often() -> None:
    two = (carrier(), carrier(core=(5,), extent=(5,)))
    mix = Mix(lessons=own(), carriers=two, weights=(1.0, 4.0), mixing=Mixing(window=0, benign=0.0))
    drawn = [one.prompt.text for batch in islice(mix.batches(random()), 20) for one in batch.targets]
    assert sum("Zorp" in text for text in drawn) * 2 < len(drawn)


def test_a_corrected_answer_is_learned() -> None:
    corrected = Example(prompt=SEEN, response="it is a lamp .")
    mix = Mix(lessons=own(), carriers=(carrier(),), weights=(1.0,), corrected=(corrected,), mixing=Mixing())
    assert all(corrected in batch.targets for batch in islice(mix.batches(random()), 3))


def test_the_same_seed_draws_the_same_steps() -> None:
    mix = Mix(lessons=own(), carriers=(carrier(),), weights=(1.0,), mixing=Mixing())
    assert list(islice(mix.batches(random()), 3)) == list(islice(mix.batches(random()), 3))
