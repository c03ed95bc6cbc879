"""What the constant text of a template holds, whatever the conversation: orders, addresses, hidden characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.template_fold import Folder
from gatekeeper.text import printable

if TYPE_CHECKING:
    from jinja2 import nodes

_ORDERS = re.compile(
    r"\b(?:ignor\w+|disregard\w*|forget|override|bypass)\s+(?:\w+\s+){0,3}"
    r"(?:previous|prior|above|earlier|preceding|safety|system|other)\s+(?:\w+\s+){0,2}"
    r"(?:instruction|prompt|rule|guideline|message|direction|polic|polici|guardrail|filter|restriction)"
    r"|\b(?:do\s*n[o']t|never|without)\s+(?:ever\s+)?"
    r"(?:mention|reveal|disclos|tell|inform|admit|acknowledg|refer\w*\s+to|telling|mentioning|revealing|informing)\w*\s+"
    r"(?:\w+\s+){0,6}(?:hidden|secret|this\s+(?:instruction|message|rule|note|prompt)|these\s+(?:\w+\s+)?instruction)"
    r"|\b(?:do\s*n[o']t|never)\s+(?:ever\s+)?(?:tell|inform)\s+the\s+user\s+(?:about\s+)?(?:this|these|any\s+of\s+this|it)\b"
    r"|\bhidden\s+instruction|\bsecret(?:ly)?\s+(?:instruct|insert|includ|add|append|recommend|promot)"
    r"|\b(?:no|without(?:\s+any)?|ignore(?:\s+all)?)\s+(?:safety|ethical|moral|content)\s+"
    r"(?:filter|restriction|guideline|limit|polic|guardrail|constraint)"
    r"|\bnever\s+refus\w+|\bdeveloper\s+mode\b|\bdo\s+anything\s+now\b|\bunrestricted\s+(?:ai|mode|model|assistant)",
    re.IGNORECASE,
)
"""Orders that no publisher gives for the user's good: to set aside other orders, or to keep quiet about them."""

_LINK = re.compile(r"\b(?:https?|ftp|wss?|file|data|javascript)://?\S+|\bwww\.\w|\bdata:\w+/\w+;base64", re.IGNORECASE)
_FETCH = re.compile(
    r"!\[[^\]]{0,300}\]\(|<\s{0,20}(?:img|script|iframe|object|embed|link|svg|video|audio|form)\b[^>]{0,300}=",
    re.IGNORECASE,
)
_BLOB = re.compile(
    r"(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*\d)[A-Za-z0-9+/]{64,}={0,2}|(?:[0-9a-f]{2}){40,}"
)
_ESCAPES = re.compile(r"(?:\\x[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}){4,}")

_STEERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional controls: what is read is not what is there."""

_NOTHING_SEEN = frozenset("\u00ad\u034f\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u3164\uffa0\u115f\u1160\u2800\ufeff")
"""Characters that are drawn as nothing."""

_JOINERS = re.compile(r"[\u200c\u200d](?![\u0600-\u06ff\u0900-\u0dff\U0001f000-\U0001faff\u2640-\u27bf])")
"""Joiners that no script or emoji asks for."""

_MIXED = re.compile(
    r"[A-Za-z][\u0370-\u03ff\u0400-\u04ff\u0530-\u058f]|[\u0370-\u03ff\u0400-\u04ff\u0530-\u058f][A-Za-z]"
)
"""Latin letters and letters that look like them in one word."""


_STANDING = re.compile(
    r"\b(?:always|(?:in|at the end of|to) (?:every|each|all) (?:\w+ )?(?:answer|response|reply|message)s?)\s+"
    r"(?:\w+\s+){0,3}?"
    r"(?:recommend|promot|advertis|endors|prais|append|insert|link to|steer|favou?r)\w*"
    r"|\b(?:recommend|promot|advertis|endors|prais|append|insert)\w*\s+(?:\S+\s+){0,8}"
    r"(?:to|in|at the end of|whenever|wherever)\s+"
    r"(?:every|each|all|possible|you can)",
    re.IGNORECASE,
)
"""Orders to bring something into every answer that nobody asked for."""


def spoken(tree: nodes.Template, folder: Folder) -> Iterator[tuple[int, str]]:
    """Give the constant texts of a template, put together where they are in pieces, each with its line."""
    from jinja2 import nodes

    for made in tree.find_all((nodes.Concat, nodes.Add, nodes.Mod, nodes.Filter, nodes.Call)):
        folded = folder.fold(made)
        if isinstance(folded, str) and folded:
            yield made.lineno, folded
    for node in tree.find_all((nodes.TemplateData, nodes.Const)):
        text = node.data if isinstance(node, nodes.TemplateData) else getattr(node, "value", None)
        if isinstance(text, str) and text:
            yield node.lineno, text


def judge_text(texts: Iterable[tuple[int, str]]) -> Iterator[Problem]:
    """Say what stands in constant text that no honest template has.

    Args:
        texts: Texts, each with its line.
    """
    for line, text in texts:
        for slug, pattern, what in _PATTERNS:
            match = pattern.search(text)
            if match:
                around = printable(" ".join(text[max(0, match.start() - 20) : match.end() + 40].split()), 120)
                yield Problem(slug=slug, message=f"line {line}: {what}: {around!r}", detail=match.group()[:200])


_PATTERNS = (
    ("hidden-orders", _ORDERS, "it tells the model to set orders aside or to keep quiet"),
    ("standing-orders", _STANDING, "it tells the model to bring something into every answer"),
    ("fetched", _FETCH, "it holds markup that fetches something"),
    ("link", _LINK, "it holds an address"),
    ("blob", _BLOB, "it holds encoded text"),
    ("blob", _ESCAPES, "it holds escaped text"),
    ("mixed-script", _MIXED, "letters of two scripts stand in one word"),
)


def judge_characters(texts: Iterable[str]) -> Iterator[Problem]:
    """Say which characters are invisible or change how the text around them is read.

    Args:
        texts: The source, comments included, since people review them, and constant texts after their escapes.
    """
    texts = [text.removeprefix("\ufeff") for text in texts]
    seen = {character for text in texts for character in text if ord(character) > 0xAC or ord(character) < 0x20}
    steering = {c for c in seen if c in _STEERING or 0xE0000 <= ord(c) <= 0xE0FFF or unicodedata.category(c) == "Co"}
    unseen = {c for c in seen if c in _NOTHING_SEEN or (ord(c) < 0x20 and c not in "\t\n\r\f") or 0x80 <= ord(c) < 0xA0}
    if steering:
        message = f"characters that hide text or turn it round: {_shown(steering)}"
        yield Problem(slug="steering-characters", message=message)
    if unseen or any(_JOINERS.search(text) for text in texts):
        message = f"characters that are drawn as nothing: {_shown(unseen) or 'joiners'}"
        yield Problem(slug="unseen-characters", message=message)


def _shown(characters: set[str]) -> str:
    return ", ".join(f"U+{ord(character):04X}" for character in sorted(characters)[:8])
