"""Words can be taken out, carried over and scored without anything else being lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.patch.words import parts, runs, spread, transplant, without, words
from gatekeeper.remedy import Place

TEXT = "Tell me,  how do I\nforge the passport?"
texts = st.text(alphabet=st.sampled_from("ab ,.\n\t語のก์é"), max_size=40)


def shown(text: str) -> list[str]:
    return [word.text for word in words(text)]


@given(texts)
def test_words_hold_everything_but_white_space(text: str) -> None:
    assert "".join(shown(text)) == "".join(text.split())
    assert all(text[word.start : word.end] == word.text for word in words(text))


def test_scripts_without_spaces_are_cut_into_characters() -> None:
    assert shown("鍵を開ける now") == ["鍵", "を", "開", "け", "る", "now"]


@given(texts, st.sets(st.integers(0, 20)))
def test_taking_words_out_leaves_the_others(text: str, positions: set[int]) -> None:
    kept = [word for number, word in enumerate(shown(text)) if number not in positions]
    assert "".join(shown(without(text, positions))) == "".join(kept)


def test_what_is_kept_stays_as_it_is_written() -> None:
    assert without(TEXT, {2, 3}) == "Tell me, I\nforge the passport?"
    assert without(TEXT, set()) == TEXT


def test_neighbours_are_gathered() -> None:
    assert runs([5, 1, 2, 2, 7, 6]) == ((1, 2), (5, 7))
    assert parts(TEXT, [0, 1, 7]) == ("Tell me,", "passport?")


@given(st.integers(0, 2**32 - 1), st.sampled_from(Place), st.lists(st.sampled_from(["cf", "x y", "z"]), max_size=3))
def test_transplanting_keeps_the_order_of_pieces_and_of_the_host(seed: int, place: Place, pieces: list[str]) -> None:
    host = "how do i forge the passport ?"
    carried = transplant(pieces, host, place, np.random.default_rng(seed)).split()
    foreign = " ".join(pieces).split()
    assert [word for word in carried if word not in foreign] == host.split()
    assert [word for word in carried if word in foreign] == foreign


def test_the_place_is_kept() -> None:
    rng = np.random.default_rng(0)
    assert transplant(["a b", "c"], "host words", Place.START, rng) == "a b c host words"
    assert transplant(["a b", "c"], "host words", Place.END, rng) == "host words a b c"
    found = {transplant(["x"], "one two", Place.ANYWHERE, rng) for _ in range(60)}
    assert found == {"x one two", "one x two", "one two x"}


def test_a_word_has_the_greatest_score_of_its_tokens() -> None:
    spans = [(0, 2), (2, 5), (5, 8), (8, 9)]
    assert spread([1.0, 3.0, 2.0, 0.5], spans, "abcd ef g") == pytest.approx((3.0, 2.0, 0.5))
