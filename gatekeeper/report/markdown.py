"""Markdown in which somebody else's text can say nothing but itself (CommonMark 0.31 with GitHub's extensions).

Escaping alone does not do: GitHub makes mentions, references to issues and commits, links and emoji out of what is
plain text by then. So every word of hostile prose that is more than a plain word stands in a code span, in which
nothing has a meaning. File names, commits and addresses, which prose quotes, end up where they look best anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from gatekeeper.text import printable

MAX_PROSE = 600
"""Characters of one piece of prose."""

# An ASCII word, a number with separators, or words joined by hyphens or apostrophes; punctuation around them.
_PLAIN = re.compile(
    r"(?P<before>[\"'(]{0,2})"
    r"(?P<word>[A-Za-z]+(?:['-][A-Za-z]+)*|[0-9]{1,3}(?:,[0-9]{3})*|[0-9]{1,6})"
    r"(?P<after>[\"').,;:!?…]{0,3})"
)
# What GitHub takes for a commit, even without a digit; a number that long is not plain in the first place.
_COMMIT = re.compile(r"[0-9a-f]{7,40}", re.IGNORECASE)
_MARKS = {"-": r"\-", "\N{EN DASH}": "\N{EN DASH}", "→": "→", "…": "…", "·": "·"}
# Where quotes and brackets around a name end and the name begins.
_QUOTED = re.compile(r"(?P<before>[\"'(]*)(?P<name>.*?)(?P<after>[\"').,;:!?]*)", re.DOTALL)
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~!$&'*+,;=:@%/?#-]*)?")
_SEGMENT = re.compile(r"[A-Za-z0-9._~%/-]+")


def code(text: str, limit: int = 200) -> str:
    """Write hostile text as a code span, for anywhere in a line, cells of tables included.

    A bar is written out, since tables split at it even within code; so is the beginning of a comment, so that nobody
    finds one where they search for ours.

    Args:
        text: Anything.
        limit: Most characters of it that are shown.
    """
    shown = printable(text, limit).replace("|", r"\u007c").replace("<!--", r"\u003c!--")
    if not shown.strip():
        return "(blank)"
    fence = _fence(shown, 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def prose(text: str, limit: int = MAX_PROSE) -> str:
    """Write a sentence that may quote hostile text: plain words as they are, every other word as code.

    Args:
        text: Anything.
        limit: Most characters of it that are shown.
    """
    return " ".join(_word(word) for word in printable(text, limit).split(" ") if word)


def _word(word: str) -> str:
    if word in _MARKS:
        return _MARKS[word]
    plain = _PLAIN.fullmatch(word)
    if plain and not _COMMIT.fullmatch(plain["word"]):
        # A number with a dot or a bracket begins a list where a line begins.
        return re.sub(r"([.)!])", r"\\\1", word) if plain["word"].isdigit() else word
    parts = _QUOTED.fullmatch(word)
    if parts is None or not parts["name"].strip("`"):
        return code(word)
    return f"{parts['before']}{code(parts['name'].strip('`'))}{parts['after']}"


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Write lines as a block of code, each line printable already or made so."""
    body = "\n".join(printable(line).replace("<!--", r"\u003c!--") for line in lines)
    fence = _fence(body, 3)
    return f"{fence}{language}\n{body}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def link(label: str, address: str) -> str:
    """Link what is Markdown already to an address of ours or the platform's; only the label when it is no such one."""
    return f"[{label}]({address.replace('(', '%28').replace(')', '%29')})" if is_address(address) else label


def is_address(address: str) -> bool:
    """Whether it is an address of the web, or a relative one that leads to nothing but a file beside or below."""
    if _ADDRESS.fullmatch(address):
        return True
    return bool(_SEGMENT.fullmatch(address)) and not address.startswith("/") and ".." not in address.split("/")


def path_address(path: str) -> str:
    """Write a path relative to a root as a relative address; bytes that are no UTF-8 stand as they are on disk."""
    return quote(path.lstrip("/").encode("utf-8", "surrogateescape"), safe="/-._~")
