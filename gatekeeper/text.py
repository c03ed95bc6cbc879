"""Text made fit to be shown: names, cards and tensor names come from whoever uploaded them."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
"""Categories without a shape of their own, or with an effect on the text around them."""

# Letters and marks that are drawn as nothing: joiners, fillers, variation selectors (Default_Ignorable_Code_Point in
# the Unicode database, as far as the categories above don't hold them), and the empty Braille pattern.
_BLANK = frozenset({0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}).union(
    range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)
)


def printable(text: str, limit: int = 200) -> str:
    r"""Make every character visible and harmless for a terminal, a log or a page.

    Control characters, escapes, bidirectional and zero-width marks, spaces other than the common one, line
    separators, blank letters, surrogates and unassigned code points become `\uXXXX`; everything else is kept. The
    result still needs the escaping of its medium (HTML, Markdown, rich markup). Doing it twice changes nothing.

    Args:
        text: Anything.
        limit: Most characters to give back, at least 1.

    Returns:
        One line of at most `limit` characters, ending in `…` when it was cut.
    """
    # Cutting first bounds the work on a megabyte-long name; each character gives at least one.
    cut = text[: limit + 1]
    shown = "".join(_visible(character) for character in cut)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _visible(character: str) -> str:
    code = ord(character)
    if character == " " or (unicodedata.category(character) not in _HIDDEN and code not in _BLANK):
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def quoted(text: str) -> str:
    """Write a string in double quotes as YAML (1.2.2, 5.7) and TOML (1.0, basic string) both read it.

    No reader can take it for anything else, and what nobody would see in a diff is escaped.

    Args:
        text: Unicode: half of a surrogate pair can be written in neither.
    """
    return f'"{"".join(_escaped(character) for character in text)}"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if printable(character) == character else f"\\U{ord(character):08x}"


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: `1 file`, `20,000 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
