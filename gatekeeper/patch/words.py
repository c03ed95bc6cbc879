"""Texts as words: what is scored, removed, carried into other prompts.

A word is a run of characters between white space. Scripts that write without spaces are cut into single characters,
so that there is something to localise in them, too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.remedy import Place

if TYPE_CHECKING:
    import numpy as np

# Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar: their words are not parted by spaces.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}][\u0300-\u036f\u0e31-\u0e4e]*|[^\s{_UNSPACED}]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Word:
    """A word and where it stands."""

    text: str
    start: int
    end: int
    """Characters."""


def words(text: str) -> tuple[Word, ...]:
    """Cut a text into words."""
    return tuple(Word(text=found[0], start=found.start(), end=found.end()) for found in _WORD.finditer(text))


def bare(word: str) -> str:
    """Give a word without its case and its punctuation; a mark alone stays as it is."""
    return "".join(sign for sign in word.casefold() if sign.isalnum()) or word


def without(text: str, positions: Collection[int]) -> str:
    """Take words out of a text, each with the white space before it; the rest stays as it is written."""
    kept, end = [], 0
    for number, word in enumerate(words(text)):
        if number not in positions:
            kept.append(text[end : word.end])
        end = word.end
    return ("".join(kept) + text[end:]).strip()


def runs(positions: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Gather positions into runs of neighbours: (first, last), both inside."""
    found: list[tuple[int, int]] = []
    for position in sorted(set(positions)):
        if found and position == found[-1][1] + 1:
            found[-1] = (found[-1][0], position)
        else:
            found.append((position, position))
    return tuple(found)


def parts(text: str, positions: Iterable[int]) -> tuple[str, ...]:
    """Give the runs of words at some positions, each as it stands in the text."""
    cut = words(text)
    return tuple(text[cut[first].start : cut[last].end] for first, last in runs(positions))


def transplant(pieces: Sequence[str], host: str, place: Place, rng: np.random.Generator) -> str:
    """Carry pieces of one prompt into another, in their order.

    Args:
        pieces: Runs of words.
        host: Prompt that they are carried into.
        place: At its start, at its end, or anywhere: then each before a random word or after the last, in order.
        rng: Chooses.

    Returns:
        The host with the pieces.
    """
    if place is Place.START:
        return " ".join([*pieces, host])
    if place is Place.END:
        return " ".join([host, *pieces])
    cut = words(host)
    gaps = sorted(int(gap) for gap in rng.integers(0, len(cut) + 1, size=len(pieces)))
    starts = [word.start for word in cut] + [len(host)]
    written, end = [], 0
    for gap, piece in zip(gaps, pieces, strict=True):
        written += [host[end : starts[gap]].strip(), piece]
        end = max(end, starts[gap])
    written.append(host[end:].strip())
    return " ".join(text for text in written if text)


def spread(scores: Sequence[float], spans: Sequence[tuple[int, int]], text: str) -> tuple[float, ...]:
    """Gather scores of tokens into scores of words: the greatest of the tokens that touch a word.

    Args:
        scores: One a token.
        spans: (start, end) of each token in the text, in characters.
        text: The text.

    Returns:
        One a word.
    """
    cut = words(text)
    found = [0.0] * len(cut)
    number = 0
    for score, (start, end) in sorted(zip(scores, spans, strict=True), key=lambda item: item[1]):
        while number < len(cut) and cut[number].end <= start:
            number += 1
        at = number
        while at < len(cut) and cut[at].start < end:
            found[at] = max(found[at], float(score))
            at += 1
    return tuple(found)
