"""From a character of a YAML scalar's value back to where it was written in the file.

YAML folds lines, strips indentation and decodes escapes, but keeps the order of all characters that are no white
space (YAML 1.2.2, chapters 7 and 8). So the n-th such character of the value is the n-th that was written.
"""

from __future__ import annotations

from collections.abc import Iterator

_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}
"""Digits after the letter of a numeric escape in a double-quoted scalar."""

_BLANK_ESCAPES = frozenset("tnvfr N_LP\t")
"""Letters of escapes that stand for white space."""


def written_at(raw: str, style: str, value: str, offset: int) -> int:
    """Find where a character of the value stands in the raw scalar.

    Args:
        raw: The scalar as written, quotes or block header included.
        style: As PyYAML names it: a quote, a block indicator, or empty for a plain scalar.
        value: The scalar's value.
        offset: Which character, from 0 to the length of the value.

    Returns:
        An offset into `raw`. For white space and for the end: right behind the last visible character before it.
    """
    places = list(_visible(raw, style))
    rank = sum(not character.isspace() for character in value[:offset])
    if offset < len(value) and not value[offset].isspace() and rank < len(places):
        return places[rank]
    return places[min(rank, len(places)) - 1] + 1 if places and rank else 0


def _visible(raw: str, style: str) -> Iterator[int]:
    if style == '"':
        yield from _double_quoted(raw)
    elif style == "'":
        yield from _single_quoted(raw)
    else:
        body = raw.find("\n") + 1 if style in {"|", ">"} else 0  # a block's header line may hold a comment
        yield from (place for place in range(body, len(raw)) if not raw[place].isspace())


def _single_quoted(raw: str) -> Iterator[int]:
    place = 1
    while place < len(raw) - 1:
        if not raw[place].isspace():
            yield place
        place += 2 if raw.startswith("''", place) else 1


def _double_quoted(raw: str) -> Iterator[int]:
    place = 1
    while place < len(raw) - 1:
        if raw[place] != "\\":
            if not raw[place].isspace():
                yield place
            place += 1
            continue
        letter = raw[place + 1]
        digits = _HEX_ESCAPES.get(letter, 0)
        if digits:
            if not chr(int(raw[place + 2 : place + 2 + digits], 16)).isspace():
                yield place
        elif letter not in _BLANK_ESCAPES and letter not in "\r\n":
            yield place
        place += 2 + digits
