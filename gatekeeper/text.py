"""Hostile text made fit to be shown: names, cards and tensor names come from whoever uploaded them."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, limit: int = 200) -> str:
    r"""Make every character visible and harmless for a terminal, a log or a page.

    Control characters, escapes, bidirectional and zero-width marks, line separators, surrogates and unassigned
    code points become `\uXXXX`; everything else is kept. The result still needs the escaping of its medium
    (HTML, Markdown, rich markup).

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
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
