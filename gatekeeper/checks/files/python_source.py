"""Python source read as text and parsed to a tree, bounded; never compiled, imported or run.

What a person sees and what the interpreter runs can differ: encodings that turn comments into code, characters that
reorder a line, names in look-alike letters. These are told before the tree is looked at (PEP 263, PEP 672).
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.text import printable

_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN_CODECS = frozenset(
    {
        "utf-8", "utf8", "utf_8", "utf-8-sig", "utf-8-unix", "u8", "ascii", "us-ascii", "latin-1", "latin1",
        "iso-8859-1", "iso-8859-15", "cp1252", "windows-1252", "gbk", "gb2312", "gb18030", "big5", "euc-kr", "euc-jp",
        "shift_jis", "cp949", "koi8-r", "cp1251", "windows-1251",
    }
)  # fmt: skip
"""Encodings of text in which the same letters are the same code."""

_WORDS = re.compile(r"\w+|[^\w\s]")
_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NAME = re.compile(r"[^\W\d]\w*")
_FILE_NAME = "<source>"


class SourceProblemError(ValueError):
    """The source can't be parsed; the message says why, in printable words."""


def read_source(data: bytes) -> tuple[str, list[Problem]]:
    """Decode a source file as the interpreter would, and tell what misleads whoever reads it.

    Args:
        data: The file.

    Returns:
        The text and the problems, by the slugs of `files/python-code`.

    Raises:
        SourceProblemError: When it is in no encoding that is read here.
    """
    encoding = _encoding(data)
    if encoding not in _PLAIN_CODECS:
        message = f"it is encoded as {printable(encoding, 40)!r}: what is read is not what is run"
        return "", [Problem(slug="encoded-source", message=message, offset=0)]
    try:
        text = data.decode("utf-8-sig" if encoding.startswith("u") and encoding != "us-ascii" else encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise SourceProblemError(f"it can't be decoded as {printable(encoding, 40)}") from error
    if "\0" in text:
        raise SourceProblemError("it holds null bytes")
    return text, list(_misleading(text))


def _encoding(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    for line in data.split(b"\n", 2)[:2]:
        found = _COOKIE.match(line)
        if found:
            return found[1].decode("ascii", "replace").lower()
    return "utf-8"


def _misleading(text: str) -> Iterator[Problem]:
    if text.isascii():
        return
    found = next((character for character in text if character in _BIDIRECTIONAL), "")
    if found:
        line = text[: text.index(found)].count("\n") + 1
        message = f"line {line} holds U+{ord(found):04X}, which reorders what a reader sees"
        yield Problem(slug="hidden-characters", message=message, detail=f"line {line}")
    if any(_is_disguised(name) for name in set(_NAME.findall(text))):
        yield from _disguised(text)


def _is_disguised(name: str) -> bool:
    """Whether a name is another one in look-alike letters, or mixes Latin with Cyrillic."""
    if name.isascii():
        return False
    mixed = any("\u0400" <= character <= "\u04ff" for character in name) and any(map(str.isascii, name))
    return mixed or unicodedata.normalize("NFKC", name).isascii()


def _disguised(text: str) -> Iterator[Problem]:
    """Find the first such name in the code itself; comments and texts may be in any letters."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME and _is_disguised(token.string):
                line = token.start[0]
                message = f"line {line}: the name {printable(token.string, 60)!r} is in letters that look like others"
                yield Problem(slug="hidden-characters", message=message, detail=f"line {line}")
                return
    except (tokenize.TokenError, SyntaxError):  # said when it is parsed
        return


def parse_source(text: str, limits: Limits) -> ast.Module:
    """Parse source to a tree.

    Args:
        text: The source.
        limits: `source_words` and `source_depth` bound the parser's work and memory.

    Raises:
        SourceProblemError: When it is too large, too deep or no Python of this interpreter's version.
    """
    words = depth = deepest = 0
    for match in _WORDS.finditer(text):
        words += 1
        sign = match[0]
        if sign in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in ")]}":
            depth = max(0, depth - 1)
    if words > limits.source_words:
        raise SourceProblemError(f"it has more than {limits.source_words} words and signs")
    if deepest > limits.source_depth:
        raise SourceProblemError(f"brackets are nested deeper than {limits.source_depth}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the publisher's invalid escapes
            return ast.parse(text, _FILE_NAME)
    except SyntaxError as error:
        reason = f"it is no Python that can be parsed here: {printable(str(error.msg), 120)} at line {error.lineno}"
        raise SourceProblemError(reason) from error
    except (RecursionError, MemoryError, ValueError, OverflowError) as error:
        raise SourceProblemError(f"the parser gave up: {type(error).__name__}") from error


def notebook_source(data: bytes, limits: Limits) -> str:
    """Join the code cells of a notebook; lines for IPython itself are left out.

    Args:
        data: The notebook, JSON.
        limits: Bounds on the parsing.

    Raises:
        SourceProblemError: When it is no notebook.
    """
    try:
        book = load_json(data, depth=limits.json_depth, values=limits.json_values)
    except ParseError as error:
        raise SourceProblemError(f"it is no notebook: {error}") from error
    cells = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(cells, list):
        raise SourceProblemError("it is no notebook: it has no cells")
    parts = []
    for cell in cells:
        source = cell.get("source") if isinstance(cell, dict) and cell.get("cell_type") == "code" else None
        text = source if isinstance(source, str) else "".join(map(str, source)) if isinstance(source, list) else ""
        if not text.lstrip().startswith("%%"):
            parts.append("\n".join(line for line in text.split("\n") if not line.lstrip().startswith(("%", "!", "?"))))
    return "\n".join(parts)


def is_source(path: PurePosixPath) -> bool:
    """Whether a file is Python source or a notebook by its name."""
    return path.suffix.lower() in (".py", ".pyw", ".ipynb")
