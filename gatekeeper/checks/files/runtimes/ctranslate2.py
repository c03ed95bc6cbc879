"""CTranslate2's `model.bin`: a specification's name, variables with their shapes and bytes, aliases.

Layout: `ModelSpec._serialize` in ctranslate2/specs/model_spec.py and `Model::load` in src/models/model.cc; versions 2
to 6, of which the first ones write the width of a value instead of its type.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem, StructureError, UnsupportedError, to_the_end
from gatekeeper.checks.files.runtimes.cursor import Cursor
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_OLDEST, _NEWEST = 2, 6
_SPECIFICATIONS = frozenset(
    {
        "TransformerSpec", "TransformerDecoderSpec", "TransformerEncoderSpec", "TransformerBase", "TransformerBig",
        "WhisperSpec", "Wav2Vec2Spec", "Wav2Vec2BertSpec",
    }
)  # fmt: skip
"""Names that the library builds a model for; of others it refuses to load any."""

_LAST_REVISION = 100
"""Far ahead of the eighth, which is the last: a new one is news, a random number is not."""

_WITH_ALIASES, _WITH_TYPES = 3, 4
_WIDTHS = (4, 1, 2, 4, 2, 2)
"""Bytes of one value by type: float32, int8, int16, int32, float16, bfloat16."""

_MOST_DIMENSIONS = 8


def judge_ctranslate2(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a `model.bin` to its end.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `tensors` bounds the work.
    """
    yield from to_the_end(_judge(Cursor(reader, size), limits))


def _judge(cursor: Cursor, limits: Limits) -> Iterator[Problem]:
    version = cursor.number("I", "the version")
    if not _OLDEST <= version <= _NEWEST:
        raise UnsupportedError(f"CTranslate2's version {version} is not known")
    name = _text(cursor, "the specification's name")
    if name not in _SPECIFICATIONS:
        raise UnsupportedError(f"CTranslate2's specification {name!r} is not known")
    revision = cursor.number("I", "the specification's revision")
    if not 0 < revision <= _LAST_REVISION:
        raise StructureError("malformed", f"{name} has no revision {revision}", offset=cursor.at - 4)
    names = {""}
    for _ in range(_count(cursor, limits, "variables")):
        start = cursor.at
        name = _text(cursor, "a variable's name")
        if name in names:
            yield Problem(slug="malformed", message=f"variable {name!r} stands twice", offset=start, detail=name)
        names.add(name)
        yield from _variable(cursor, name, version)
    if version >= _WITH_ALIASES:
        for _ in range(_count(cursor, limits, "aliases")):
            start = cursor.at
            alias, target = _text(cursor, "an alias"), _text(cursor, "an alias")
            if target not in names or alias in names:
                message = f"alias {alias!r} of {target!r} hides a variable or stands for none"
                yield Problem(slug="malformed", message=message, offset=start, detail=alias)
    cursor.end("the last variable")


def _variable(cursor: Cursor, name: str, version: int) -> Iterator[Problem]:
    start = cursor.at
    rank = cursor.number("B", f"variable {name!r}")
    if rank > _MOST_DIMENSIONS:
        raise StructureError("malformed", f"variable {name!r} has {rank} dimensions", offset=start, detail=name)
    shape = cursor.numbers(f"{rank}I", f"variable {name!r}")
    kind = cursor.number("B", f"variable {name!r}")
    length = cursor.number("I", f"variable {name!r}")
    if version >= _WITH_TYPES:
        if kind >= len(_WIDTHS):
            raise StructureError("malformed", f"variable {name!r} is of the unknown type {kind}", offset=start)
        width = _WIDTHS[kind]
    else:
        width, length = kind, length * kind
    if width not in _WIDTHS or math.prod(shape) * width != length:
        message = f"variable {name!r} of shape {list(shape)} takes {length} bytes"
        yield Problem(slug="malformed", message=message, offset=start, detail=name)
    cursor.skip(length, f"variable {name!r}")


def _count(cursor: Cursor, limits: Limits, what: str) -> int:
    start = cursor.at
    count = cursor.number("I", f"the number of {what}")
    if count > min(limits.tensors, cursor.left):
        raise StructureError("malformed", f"it says that it has {count} {what}", offset=start)
    return count


def _text(cursor: Cursor, what: str) -> str:
    """Read a text that ends in a zero byte, which its length counts."""
    start = cursor.at
    data = cursor.take(cursor.number("H", what), what)
    if data.find(b"\0") != len(data) - 1:
        raise StructureError("malformed", f"{what} does not end where it should", offset=start)
    return printable(data[:-1].decode("utf-8", "backslashreplace"), 160)
