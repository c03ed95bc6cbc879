"""Parts of a text that its reader does not see on a page: comments, hidden elements, alternative texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_MOST = 500
"""Regions of one text."""

_LONGEST = 4_000
"""Characters of one region that are read."""

_TAG = re.compile(r"<([A-Za-z][A-Za-z0-9-]{0,30})\b([^<>]{0,2000})>")
_UNSEEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?!\.?[1-9])|font\s*:\s*0|opacity\s*:\s*0(?!\.0*[1-9])"
    r"|(?<![-\w])color\s*[:=]\s*[\"']?\s*(?:white|#fff(?:fff)?\b|transparent|rgba\([^)]{0,40},\s*0?\.?0*\s*\))"
    r"|(?:^|[;\s\"'])(?:max-)?(?:height|width)\s*[:=]\s*[\"']?0(?:px|em|%)?(?=[\s;\"'>]|$)"
    r"|(?:left|right|top|text-indent)\s*:\s*-\d{3}|\bclip(?:-path)?\s*:|\bsr-only\b|(?:^|\s)hidden(?=[\s=]|$)"
    r"|aria-hidden\s*=\s*[\"']?true|font-size\s*:\s*[01]px|\bsize\s*=\s*[\"']?0",
    re.IGNORECASE,
)
"""Styles and attributes that take an element off the page, or leave it there unread: no size, no colour."""

_ATTRIBUTE = re.compile(
    r"""\b(?:alt|title|aria-label|aria-description|data-[\w-]+|content|summary)\s*=\s*("[^"]*"|'[^']*')"""
)
_IMAGE = re.compile(r"!\[([^\[\]]{12,2000})\]")
_LINK_TITLE = re.compile(r"""\]\([^()\s]{0,500}\s+["']([^"']{12,2000})["']\)""")
_REFERENCE = re.compile(r"^ {0,3}\[[^\]]{1,60}\]:[ \t]*\S*[ \t]*[\"'(]([^\n]{12,2000})[\"')][ \t]*$", re.MULTILINE)
_CARD = re.compile(r"\A\ufeff?\s*---\r?\n(.*?)\r?\n---", re.DOTALL)
_CARD_COMMENT = re.compile(r"(?:^|\s)#[ \t]*([^\n]{12,2000})")
_SILENT = frozenset({"template", "noscript", "script", "style"})


class Region(NamedTuple):
    """One part of a text that is not seen."""

    start: int
    """Characters before it."""

    text: str
    how: str
    """Why a reader does not see it."""

    length: int
    """Characters that it takes up in the text."""


def unseen_regions(text: str) -> Iterator[Region]:
    """Find what a page made of the text would not show; at most some hundreds.

    Args:
        text: Markdown, HTML or plain text.
    """
    for number, region in enumerate(_regions(text)):
        if number >= _MOST:
            return
        yield region._replace(text=region.text[:_LONGEST])


def seen_text(text: str, regions: Iterable[Region]) -> str:
    """Blank out the parts that are not seen; what stays keeps its place.

    Args:
        text: Markdown, HTML or plain text.
        regions: From `unseen_regions`.
    """
    pieces = []
    last = 0
    for region in sorted(regions):
        start, end = max(region.start, last), region.start + region.length
        if end > start:
            pieces += [text[last:start], " " * (end - start)]
            last = end
    return "".join((*pieces, text[last:]))


def _regions(text: str) -> Iterator[Region]:
    yield from _comments(text)
    if "<" in text:
        yield from _elements(text)
    for pattern, how in ((_IMAGE, "alternative text of an image"), (_LINK_TITLE, "title of a link")):
        for found in pattern.finditer(text):
            yield Region(found.start(1), found[1], how, len(found[1]))
    for found in _REFERENCE.finditer(text):
        yield Region(found.start(1), found[1], "definition of a link", len(found[1]))
    card = _CARD.match(text)
    if card:
        for found in _CARD_COMMENT.finditer(card[1]):
            yield Region(card.start(1) + found.start(1), found[1], "comment in the front matter", len(found[1]))


def _comments(text: str) -> Iterator[Region]:
    start = text.find("<!--")
    while start >= 0:
        end = text.find("-->", start)
        if end < 0:  # Markdown hides all that follows
            yield Region(start, text[start + 4 : start + _LONGEST], "comment that is never closed", len(text) - start)
            return
        yield Region(start, text[start + 4 : min(end, start + _LONGEST)], "comment", end + 3 - start)
        start = text.find("<!--", end)


def _elements(text: str) -> Iterator[Region]:
    for found in _TAG.finditer(text):
        name, attributes = found[1].lower(), found[2]
        for attribute in _ATTRIBUTE.finditer(attributes):
            if len(attribute[1]) > 12:
                start = found.start(2) + attribute.start(1)
                yield Region(start, attribute[1][1:-1], "attribute of an element", len(attribute[1]))
        if name in _SILENT or _UNSEEN.search(attributes):
            closing = re.compile(f"</{name}", re.IGNORECASE).search(text, found.end(), found.end() + _LONGEST)
            body = text[found.end() : closing.start() if closing else found.end() + _LONGEST]
            shown = re.sub(r"<[^<>]{0,2000}>", " ", body)
            yield Region(found.end(), shown, "element that is not seen", len(body))
