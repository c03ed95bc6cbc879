"""A text taken apart: what its reader sees as the author's own words, and what as somebody else's, quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.names import suffix
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json

_LONGEST = 1_200
"""Characters of one passage: what stands further apart is not one thought."""

_OVERLAP = 200
_SHORTEST = 12

_QUOTED = re.compile(
    r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|<(pre|code|blockquote)\b.*?(?:</\1>|\Z)|`[^`\n]{1,2000}`"
    r"|^[ \t]*>[^\n]*|^[ \t]*\|[^\n]*|^(?: {4}|\t)[^\n]*|\"[^\"\n]{12,2000}\"|\u201c[^\u201c\u201d]{12,2000}\u201d",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_FRONT = re.compile(r"\A\ufeff?\s*---\r?\n.*?\r?\n---[ \t]*$", re.DOTALL | re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")

_OF_OTHERS = frozenset(
    {".py", ".ipynb", ".jsonl", ".csv", ".tsv", ".log", ".js", ".ts", ".sh", ".patch", ".diff", ".css"}
)
"""Code and data: what stands there is prompts and examples more often than words to a reader."""

_VOCABULARY = re.compile(
    r"(?:tokenizer|vocab\w*|added_tokens|merges|tokens?|encoder|phoneme\w*|dict\w*|labels?|words?)\.(?:json|txt|tsv|csv|model)"
)
"""Files that list tokens, which are any text that ever stood anywhere."""

_TEMPLATES = frozenset({"chat_template", "template", "prompt_template"})
"""Keys whose text is a program, judged as such."""


class Passage(NamedTuple):
    """A paragraph or a part of one."""

    start: int
    """Characters before it."""

    text: str
    quoted: bool


def is_vocabulary(name: PurePosixPath) -> bool:
    """Whether a file lists tokens, by its name."""
    return suffix(name) in (".tiktoken", ".vocab", ".bpe") or _VOCABULARY.fullmatch(name.name.lower()) is not None


def decoded(data: bytes) -> str:
    """Decode text as what it is: with a mark as the mark says, else UTF-8, and each byte that is none as Latin-1.

    One wrong byte must not hide what UTF-8 around it spells: most readers step over it.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:  # cut off in the middle of a character
            return data.decode("utf-8-sig", "ignore")
        return data.decode("utf-8-sig", "surrogateescape").translate(_LATIN)


_LATIN = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
"""How Python writes a byte that is no UTF-8 → the character that it is in Latin-1."""


def passages(text: str, name: PurePosixPath, found: Format, limits: Limits) -> Iterator[Passage]:
    """Split a text.

    Args:
        text: As `decoded` gives it.
        name: The file's name.
        found: Its format; of JSON the texts in it count.
        limits: Bounds on JSON.
    """
    if found is Format.JSON and suffix(name) == ".json":
        try:
            value = load_json(text.encode("utf-8", "surrogatepass"), depth=limits.json_depth, values=limits.json_values)
        except (ParseError, UnicodeError):
            pass
        else:
            for each in _strings(value):
                yield from pieces(0, each, quoted=False)
            return
    if suffix(name) in _OF_OTHERS:
        yield from _paragraphs(0, text, quoted=True)
        return
    last = 0
    front = _FRONT.match(text)
    if front:
        yield from _paragraphs(0, front[0], quoted=True)
        last = front.end()
    own = [text[:last].translate(_BLANKED)]
    for quote in _QUOTED.finditer(text, last):
        yield from _paragraphs(quote.start(), quote[0], quoted=True)
        own += [text[last : quote.start()], " " * len(quote[0])]
        last = quote.end()
    own.append(text[last:])
    yield from _paragraphs(0, "".join(own), quoted=False)


class _Blanks(dict[int, int]):
    """Writes every character but line ends as a blank."""

    def __missing__(self, code: int) -> int:
        return code if code == 10 else 32


_BLANKED = _Blanks()


def _paragraphs(start: int, text: str, *, quoted: bool) -> Iterator[Passage]:
    at = 0
    for found in _PARAGRAPH.finditer(text):
        yield from pieces(start + at, text[at : found.start()], quoted=quoted)
        at = found.end()
    yield from pieces(start + at, text[at:], quoted=quoted)


def pieces(start: int, text: str, *, quoted: bool) -> Iterator[Passage]:
    """Cut a text into passages that overlap.

    Args:
        start: Characters before it.
        text: Anything.
        quoted: Whether somebody else speaks.
    """
    for at in range(0, max(1, len(text) - _OVERLAP), _LONGEST - _OVERLAP):
        piece = text[at : at + _LONGEST]
        if len(piece) >= _SHORTEST and not piece.isspace():
            yield Passage(start + at, piece, quoted)


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += [item for key, item in each.items() if key not in _TEMPLATES]
        elif isinstance(each, list):
            waiting += each
