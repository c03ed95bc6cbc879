"""What a platform would make of Markdown: the tags, links and references that are in it once it is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {"h2", "h3", "p", "ul", "li", "strong", "em", "code", "a", "table", "thead", "tbody", "tr", "th", "td", "hr", ""}
"""Elements that our views are made of."""

_HTML = re.compile(r"<!-- gatekeeper: review -->|<details><summary>[A-Za-z0-9,: ]+</summary>|</details>", re.ASCII)
# What GitHub makes of the text of a page after Markdown: mentions, references, commits, addresses, emoji and formulas.
_REFERENCES = re.compile(
    r"@[A-Za-z0-9]|#[0-9]|\bGH-[0-9]|\b[A-Z]{2,}-[0-9]|\b[0-9a-f]{7,40}\b|https?:|www\.|ftp:|mailto:|:[a-z0-9_+-]+:|[$<>&|~*_\[\]]",
    re.IGNORECASE,
)


def _walk(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or [])


def faults(markdown: str, addresses: tuple[str, ...]) -> list[str]:
    """Give everything in a view that is not ours.

    Args:
        markdown: The view.
        addresses: What our own links begin with.
    """
    found = []
    for token in _walk(MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(markdown)):
        if token.type == "link_open" and not str(token.attrs.get("href", "")).startswith(addresses):
            found.append(f"link to {token.attrs}")
        if token.type in {"html_block", "html_inline"} and _HTML.sub("", token.content).strip():
            found.append(f"HTML: {token.content[:80]!r}")
        if token.type == "text" and (reference := _REFERENCES.search(token.content)):
            found.append(f"reference: {reference[0]!r} in {token.content[:80]!r}")
        if token.type not in {"fence", "inline", "html_block"} and token.tag not in TAGS:
            found.append(f"{token.type} {token.tag}")
    return found


def rows(markdown: str) -> list[int]:
    """Give how many cells each row of the tables has."""
    counts, cells = [], 0
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        cells += token.type in {"td_open", "th_open"}
        if token.type == "tr_close":
            counts.append(cells)
            cells = 0
    return counts
