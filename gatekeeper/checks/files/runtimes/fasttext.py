"""fastText's `.bin` and `.ftz`: settings, a dictionary, and two matrices, quantised or not.

Layout: `FastText::saveModel` and the `save` of args.cc, dictionary.cc, densematrix.cc, quantmatrix.cc and
productquantizer.cc in facebookresearch/fastText, versions 11 and 12. The library itself checks nothing of this and
reads beyond its memory where the numbers disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem, StructureError, UnsupportedError
from gatekeeper.checks.files.runtimes.cursor import Cursor
from gatekeeper.limits import Limits

MAGIC = 793712314
_VERSIONS = (11, 12)
_SUPERVISED = 3
_LOSSES, _MODELS = range(1, 5), range(1, 4)
_CENTROIDS = 256
_MOST_DIMENSIONS = 100_000
_ENTRY = re.compile(rb"[^\0]{0,65536}\0.{7}[\0-\x7f]([\0\1])", re.DOTALL)
"""A word, its zero byte, how often it was seen (not negative), and whether it is a word or a label."""

_PIECE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class _Head:
    """What the matrices are held against."""

    dimensions: int
    supervised: bool
    words: int
    labels: int
    rows: int
    """Rows that the input matrix must have."""


def judge_fasttext(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a model to its end.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `fasttext_words` bounds the work.
    """
    cursor = Cursor(reader, size)
    try:
        head = _head(cursor, limits)
        quantised = _flag(cursor, "the input matrix")
        _matrix(cursor, quantised, head.rows, head.dimensions, "the input matrix")
        quantised = _flag(cursor, "the output matrix") and quantised
        rows = head.labels if head.supervised else head.words
        _matrix(cursor, quantised, rows, head.dimensions, "the output matrix")
        cursor.end("the output matrix")
    except StructureError as error:
        yield error.problem
    except UnsupportedError as error:
        yield Problem(slug=UNJUDGED, message=str(error))


def _head(cursor: Cursor, limits: Limits) -> _Head:
    magic, version = cursor.numbers("ii", "the version")
    if magic != MAGIC or version not in _VERSIONS:
        raise UnsupportedError(f"fastText's version {version} is not known")
    settings = cursor.numbers("12i", "the settings")
    dimensions, loss, model, bucket = settings[0], settings[6], settings[7], settings[8]
    if not 0 < dimensions <= _MOST_DIMENSIONS or loss not in _LOSSES or model not in _MODELS or min(settings) < 0:
        raise StructureError("malformed", "the settings are impossible", offset=8)
    cursor.skip(8, "the settings")
    start = cursor.at
    entries, words, labels, tokens, pruned = cursor.numbers("iiiqq", "the dictionary")
    if min(words, labels, tokens) < 0 or words + labels != entries or not -1 <= pruned <= max(0, bucket):
        raise StructureError("malformed", "the dictionary's numbers disagree", offset=start)
    if entries > limits.fasttext_words:
        raise UnsupportedError(f"its dictionary of {entries} words is larger than fasttext_words allows")
    found = _words(cursor, entries)
    if found != words:
        message = f"the dictionary holds {found} words and says {words}"
        raise StructureError("malformed", message, offset=start)
    cursor.skip(8 * max(0, pruned), "the pruned words")
    rows = words + (bucket if pruned < 0 else pruned)
    return _Head(dimensions=dimensions, supervised=model == _SUPERVISED, words=words, labels=labels, rows=rows)


def _words(cursor: Cursor, entries: int) -> int:
    """Pass over the dictionary and count the words that are no labels."""
    words = 0
    buffer, at = b"", 0
    for _ in range(entries):
        found = _ENTRY.match(buffer, at)
        while found is None:
            wanted = min(_PIECE, cursor.left)
            if not wanted or len(buffer) - at > _PIECE:
                what = "malformed" if wanted else "cut-off"
                raise StructureError(what, "a word of the dictionary can't be read", offset=cursor.at)
            buffer, at = buffer[at:] + cursor.take(wanted, "the dictionary"), 0
            found = _ENTRY.match(buffer, at)
        at = found.end()
        words += found[1] == b"\0"
    cursor.at -= len(buffer) - at
    return words


def _matrix(cursor: Cursor, quantised: bool, rows: int, columns: int, what: str) -> None:
    start = cursor.at
    norms = quantised and _flag(cursor, what)
    shape = cursor.numbers("qq", what)
    if shape != (rows, columns):
        message = f"{what} is of shape {list(shape)}, not {[rows, columns]}"
        raise StructureError("malformed", message, offset=start)
    if not quantised:
        cursor.skip(4 * rows * columns, what)
        return
    codes = cursor.number("i", what)
    if codes < 0:
        raise StructureError("malformed", f"{what} has {codes} codes", offset=start)
    cursor.skip(codes, what)
    parts = _quantiser(cursor, columns, what)
    if codes != rows * parts:
        raise StructureError("malformed", f"{what} has {codes} codes, not {rows * parts}", offset=start)
    if norms:
        cursor.skip(rows, what)
        _quantiser(cursor, 1, what)


def _quantiser(cursor: Cursor, columns: int, what: str) -> int:
    """Pass over a product quantiser and give into how many parts it cuts a row."""
    start = cursor.at
    width, parts, part, last = cursor.numbers("iiii", what)
    if width != columns or min(parts, part, last) < 1 or last > part or (parts - 1) * part + last != width:
        raise StructureError("malformed", f"the quantiser of {what} is impossible", offset=start)
    cursor.skip(4 * width * _CENTROIDS, what)
    return parts


def _flag(cursor: Cursor, what: str) -> bool:
    start = cursor.at
    value = cursor.number("B", what)
    if value > 1:
        raise StructureError("malformed", f"{what} begins with a truth value of {value}", offset=start)
    return bool(value)
