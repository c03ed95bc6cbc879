"""Characters that show nothing and spell something: text for machines that no person sees.

Tag characters (U+E0000 to U+E007F) repeat ASCII, variation selectors can carry any byte, and zero-width characters any
bit. Each has an honest use that stays out of this: flags of regions, the look of one emoji or ideograph, and joining in
scripts and emoji that need it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
"""Flags of regions: a black flag, a few tags and the cancel tag (UTS #51, section 1.4.9)."""

_TAGS = re.compile("[\U000e0000-\U000e007f]{2,}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
"""An honest text has one after one character; two when an emoji is told how to look twice."""

_BITS = re.compile("[\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff]{16,}")
"""Two bytes of bits at least; joiners of scripts and emoji stand alone or in pairs."""

_OVERRIDES = "\u202d\u202e"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_ESCAPE = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]{0,200}|[PX^_][^\x1b]{0,200}|[@-Z\\\\])|\x9b[0-?]*[@-~]"
)
_COLOUR = re.compile("(?:\x1b\\[|\x9b)(?P<codes>[0-9;:]*)m\\Z")
_CONCEAL = "8"


class Smuggled(NamedTuple):
    """One run of characters that show nothing."""

    start: int
    """Characters before it."""

    how: str
    spells: str
    """What it says; empty when that is not known."""


def smuggled(text: str) -> Iterator[Smuggled]:
    """Find and decode runs of characters that are not seen.

    Args:
        text: Anything.
    """
    if text.isascii():
        return
    without_flags = _FLAG.sub(lambda found: " " * len(found[0]), text)
    for found in _TAGS.finditer(without_flags):
        spells = "".join(chr(ord(tag) - 0xE0000) for tag in found[0] if " " <= chr(ord(tag) - 0xE0000) <= "~")
        yield Smuggled(found.start(), "tag characters", spells)
    for found in _SELECTORS.finditer(text):
        data = bytes(map(_byte, found[0]))
        yield Smuggled(found.start(), "variation selectors", data.decode("utf-8", "replace"))
    for found in _BITS.finditer(text):
        yield Smuggled(found.start(), "zero-width characters", _from_bits(found[0]))


def _byte(selector: str) -> int:
    code = ord(selector)
    return code - 0xFE00 if code <= 0xFE0F else code - 0xE0100 + 16


def _from_bits(run: str) -> str:
    """Read a run as bits, in the two orders that tools write; empty when neither gives text."""
    kinds = sorted(set(run))
    if len(kinds) != 2 or len(run) % 8:
        return ""
    for one in kinds:
        value = int("".join("1" if each == one else "0" for each in run), 2)
        spelt = value.to_bytes(len(run) // 8, "big")
        if spelt.isascii() and spelt.decode("ascii").isprintable():
            return spelt.decode("ascii")
    return ""


def overrides(text: str) -> Iterator[int]:
    """Find marks that turn left-to-right text round, in lines that have no right-to-left letter to turn.

    Args:
        text: Anything.

    Yields:
        Characters before each such line.
    """
    at = min((found for mark in _OVERRIDES if (found := text.find(mark)) >= 0), default=-1)
    if at < 0:
        return
    start = 0
    for line in text.split("\n"):
        if any(mark in line for mark in _OVERRIDES) and not _RIGHT_TO_LEFT.search(line):
            yield start
        start += len(line) + 1


def escapes(text: str) -> Iterator[tuple[int, str]]:
    """Find sequences that make a terminal move, erase, retitle or conceal; colours alone are left out.

    Args:
        text: Anything.

    Yields:
        Characters before the sequence, and the sequence.
    """
    for found in _ESCAPE.finditer(text):
        colour = _COLOUR.match(found[0])
        if colour is None or _CONCEAL in re.split("[;:]", colour["codes"]):
            yield found.start(), found[0]
