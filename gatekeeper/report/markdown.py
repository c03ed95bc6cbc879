"""Markdown in which somebody else's text can say nothing but itself (CommonMark 0.31 with GitHub's extensions).

Escaping alone does not do: GitHub makes mentions, references to issues and commits, links and emoji out of what is
plain text by then. So every word of hostile prose that is more than a plain word stands in a code span, in which
nothing has a meaning. File names, commits and addresses, which prose quotes, end up where they look best anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from gatekeeper.text import printable

MAX_PROSE = 600
"""Characters of one piece of prose."""

# An ASCII word, words joined by hyphens or apostrophes, a number with separators, or a day; punctuation around them.
_PLAIN = re.compile(
    r"(?P<before>[\"'(]{0,2})"
    r"(?P<word>[A-Za-z]+(?:['-][A-Za-z]+)*|[0-9]{1,3}(?:,[0-9]{3})*|[0-9]{1,6}|[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?P<after>[\"').,;:!?…]{0,3})"
)
# What GitHub takes for a commit, even without a digit; a number that long is not plain in the first place.
_COMMIT = re.compile(r"[0-9a-f]{7,40}", re.IGNORECASE)
_MARKS = {"-": r"\-", "\N{EN DASH}": "\N{EN DASH}", "→": "→", "…": "…", "·": "·"}
_CLOSES = {"(": ")", '"': '"', "'": "'", "`": "`"}
"""What may stand around a name in a sentence, by what begins it."""

_BRACKETS = ("()", "[]", "{}")
MAX_TOGETHER = 12
"""Words that one code span may take in until its brackets are closed."""

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~!$&'*+,;=:@%/?#-]*)?")
_RELATIVE = re.compile(r"[A-Za-z0-9._~%/-]+")


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
    words = [word for word in printable(text, limit).split(" ") if word]
    shown = [_word(word) for word in _together(words)]
    # A number with a dot or a bracket begins a list where a line begins.
    return re.sub(r"^([0-9]+)([.)])", r"\1\\\2", " ".join(shown))


def _together(words: list[str]) -> Iterator[str]:
    """Keep in one piece what stands in brackets, such as the shape of a tensor."""
    at = 0
    while at < len(words):
        end = at + 1
        if not _is_plain(words[at]):
            ends = range(at + 1, min(at + MAX_TOGETHER, len(words)) + 1)
            end = next((last for last in ends if _is_closed(" ".join(words[at:last]))), end)
        yield " ".join(words[at:end])
        at = end


def _is_closed(text: str) -> bool:
    return all(text.count(pair[0]) <= text.count(pair[1]) for pair in _BRACKETS)


def _is_plain(word: str) -> bool:
    plain = _PLAIN.fullmatch(word)
    return word in _MARKS or bool(plain and not _COMMIT.fullmatch(plain["word"]))


def _word(word: str) -> str:
    if _is_plain(word):
        return _MARKS.get(word, word)
    before, name, after = _unwrapped(word)
    return f"{before}{code(name)}{after}" if name else code(word)


def _unwrapped(word: str) -> tuple[str, str, str]:
    """Take quotes, brackets and punctuation off a name that stands in a sentence."""
    before, after = "", ""
    while word:
        first, last = word[0], word[-1]
        if last in ".,;:!?":
            word, after = word[:-1], f"{last}{after}"
        elif len(word) > 1 and _CLOSES.get(first) == last:
            word = word[1:-1]
            # A code span says the same as quotes.
            before, after = (f"{before}(", f"){after}") if first == "(" else (before, after)
        elif first in _CLOSES and not _is_even(word, first):
            word, before = word[1:], before + first.strip("`")
        elif last in _CLOSES.values() and not _is_even(word, last):
            word, after = word[:-1], last.strip("`") + after
        else:
            break
    return before, word, after


def _is_even(word: str, mark: str) -> bool:
    return word.count("(") == word.count(")") if mark in "()" else word.count(mark) % 2 == 0


def fenced(lines: Iterable[str], language: str = "") -> str:
    """Write lines as a block of code, each line printable already or made so."""
    body = "\n".join(printable(line).replace("<!--", r"\u003c!--") for line in lines)
    fence = _fence(body, 3)
    return f"{fence}{language}\n{body}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def link(label: str, address: str) -> str:
    """Link what is Markdown already to an address on the web; only the label when it is none."""
    return f"[{label}]({address.replace('(', '%28').replace(')', '%29')})" if is_web(address) else label


def is_web(address: str) -> bool:
    """Whether it is an address on the web in which nothing else can hide."""
    return bool(_ADDRESS.fullmatch(address))


def is_beside(address: str) -> bool:
    """Whether it is a relative address of a file beside or below."""
    return bool(_RELATIVE.fullmatch(address)) and not address.startswith("/") and ".." not in address.split("/")


def path_address(path: str) -> str:
    """Write a path relative to a root as a relative address; bytes that are no UTF-8 stand as they are on disk."""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no disk gives such a name
        raw = path.encode("utf-8", "replace")
    return quote(raw.lstrip(b"/"), safe="/-._~")
