"""whisper.cpp's models in ggml's old container: settings, filters, a vocabulary, tensors to the end.

Layout: `whisper_model_load` in whisper.cpp/src/whisper.cpp and models/convert-pt-to-ggml.py. The other programs that
used this container put other settings at its front and say nowhere which; those are not judged.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.ggml_types import BLOCKS
from gatekeeper.checks.files.problem import Problem, StructureError, UnsupportedError, to_the_end
from gatekeeper.checks.files.runtimes.cursor import Cursor
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_MAGIC = 0x67676D6C
_SETTINGS = 11
_FREQUENCIES = 201
"""Of a Fourier transform over 400 samples, which every whisper model has."""

_MOST_FILTERS = 1024
_MOST_DIMENSIONS = 4
_MOST_WORDS = 250_000
_NAME_BYTES = 256


def judge_whisper(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a whisper.cpp model to its end; other models in the same container are unjudged.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `tensors` bounds the work.
    """
    yield from to_the_end(_judge(Cursor(reader, size), limits))


def _judge(cursor: Cursor, limits: Limits) -> Iterator[Problem]:
    if cursor.left < 4 * (3 + _SETTINGS) or cursor.number("I", "the magic number") != _MAGIC:
        raise UnsupportedError("no check judges the formats that came before GGUF")
    settings = cursor.numbers(f"{_SETTINGS}i", "the settings")
    filters, frequencies = cursor.numbers("ii", "the filters")
    if filters != settings[9] or frequencies != _FREQUENCIES or not 0 < filters <= _MOST_FILTERS:
        raise UnsupportedError("no check judges the formats that came before GGUF")
    cursor.skip(4 * filters * frequencies, "the filters")
    _vocabulary(cursor, settings[0])
    names: set[str] = set()
    while cursor.left:
        if len(names) > limits.tensors:
            raise UnsupportedError("it has more tensors than are looked at")
        start = cursor.at
        name = _tensor(cursor)
        if name in names:
            yield Problem(slug="malformed", message=f"tensor {name!r} stands twice", offset=start, detail=name)
        names.add(name)
    if not names:
        yield Problem(slug="cut-off", message="the file has no tensors", offset=cursor.at)


def _vocabulary(cursor: Cursor, most: int) -> None:
    start = cursor.at
    words = cursor.number("i", "the vocabulary")
    if not 0 < words <= min(most, _MOST_WORDS):
        raise StructureError("malformed", f"the vocabulary has {words} words, the settings {most}", offset=start)
    for _ in range(words):
        cursor.skip(cursor.number("I", "the vocabulary"), "the vocabulary")


def _tensor(cursor: Cursor) -> str:
    start = cursor.at
    dimensions, length, kind = cursor.numbers("iii", "a tensor's head")
    if not 0 < dimensions <= _MOST_DIMENSIONS or not 0 < length <= _NAME_BYTES or kind not in BLOCKS:
        raise StructureError("malformed", "a tensor's head is impossible", offset=start)
    shape = cursor.numbers(f"{dimensions}i", "a tensor's shape")
    name = printable(cursor.take(length, "a tensor's name").decode("utf-8", "backslashreplace"), 80)
    block, width = BLOCKS[kind]
    if min(shape) < 1 or shape[0] % block:
        raise StructureError("malformed", f"tensor {name!r} has the shape {list(shape)}", offset=start, detail=name)
    cursor.skip(math.prod(shape) // block * width, f"tensor {name!r}")
    return name
