from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.text import printable

any_text = st.text(st.characters(), max_size=80) | st.text(st.characters(categories=["Cc", "Cf", "Zs", "Mn", "Cs"]))
# Embeddings, overrides, isolates and marks of the bidirectional algorithm (Unicode annex 9).
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
BLANK = "\u00a0\u00ad\u034f\u115f\u1160\u180e\u2000\u200b\u200d\u2060\u2800\u3000\u3164\ufe0f\ufeff\uffa0\U000e0041"


@given(any_text)
def test_no_control_bidirectional_or_blank_character_is_left(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not set(shown) & set(BIDI + BLANK)


def test_the_same_holds_for_characters_of_every_block() -> None:
    for code in (*range(0x3200), *range(0x3200, sys.maxunicode + 1, 31)):
        shown = printable(chr(code))
        assert shown in (chr(code), f"\\u{code:04x}", f"\\U{code:08x}")
        assert shown.isprintable()


@given(any_text, st.integers(1, 40))
def test_the_length_is_bounded(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert (shown == printable(text, 10_000)) or shown.endswith("…")


@given(any_text)
def test_doing_it_twice_changes_nothing(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@given(any_text)
def test_it_can_be_written_in_utf_8(text: str) -> None:
    printable(text).encode("utf-8")


@pytest.mark.parametrize(
    "text", ["", "plain text", "tab\\n", "größe 模型 モデル مرحبا", "a_b-c.d/e", "<b>&amp;</b>", "👍"]
)
def test_readable_text_is_kept(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a\\u000ab"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("exe\u202egpj", "exe\\u202egpj"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u00a0b\u3164", "a\\u00a0b\\u3164"),
        ("x" * 201, "x" * 199 + "…"),
        ("x" * 200, "x" * 200),
    ],
)
def test_what_hides_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_very_long_text_costs_what_is_shown_of_it() -> None:
    class Counting(str):
        read = 0

        def __getitem__(self, key: object) -> str:
            part = str.__getitem__(self, key)  # type: ignore[index]
            Counting.read += len(part)
            return part

    printable(Counting("\x00" * 1_000_000), 100)
    assert Counting.read <= 101


def test_the_table_of_blank_letters_is_about_letters_that_are_not_hidden_anyway() -> None:
    assert {unicodedata.category(letter) for letter in "\u115f\u2800\u3164\uffa0"} == {"Lo", "So"}
