"""Whether a protobuf file is whole: its outermost fields end where the file does, and none is missing.

Nothing inside a field is read, so a graph of gigabytes costs its few outermost fields
(https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import BinaryIO

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.problem import Problem, UnsupportedError
from gatekeeper.checks.files.protobuf import HEAD_BYTES, VARINT, CutOffError, read_head
from gatekeeper.limits import Limits

_NEEDED: Mapping[Format, Mapping[int, str]] = MappingProxyType(
    {
        Format.ONNX: {7: "a graph", 8: "an operator set"},
        Format.SAVED_MODEL: {2: "a graph"},
        Format.SENTENCEPIECE: {1: "pieces", 2: "the trainer's settings"},
        Format.COREML: {1: "a version", 2: "a description"},
    }
)
"""Fields that every writer of the format puts there, the last ones among them."""

_BUFFER = 1 << 16


def judge_protobuf(
    reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits, *, kind: Format
) -> Iterator[Problem]:
    """Walk the outermost fields of a protobuf message.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: `fields` bounds the walk.
        kind: What message it is.

    Raises:
        UnsupportedError: When it has more fields than are looked at.
    """
    # A buffer of its own: ranged and hashed readers answer small reads slowly.
    stream = io.BufferedReader(reader, _BUFFER) if isinstance(reader, io.RawIOBase) else reader
    seen: set[int] = set()
    at = 0
    for _ in range(limits.fields):
        if at == size:
            break
        found = _field(stream, at)
        if found is None or found[1] > size:
            yield Problem(slug="protobuf-truncated", message="a field ends after the file does", offset=at)
            return
        number, at = found
        if not number:
            yield Problem(slug="protobuf-header", message="there is no field where one should begin", offset=at)
            return
        seen.add(number)
    else:
        raise UnsupportedError("more fields than are looked at")
    for number, what in _NEEDED.get(kind, {}).items():
        if number not in seen:
            yield Problem(slug="protobuf-truncated", message=f"it lacks {what}", offset=size)
            return


def _field(stream: BinaryIO, at: int) -> tuple[int, int] | None:
    """Give a field's number and where it ends; None when its head is cut off, number 0 when it is none."""
    stream.seek(at)
    try:
        number, wire, value, used = read_head(stream.read(HEAD_BYTES), 0)
    except CutOffError:
        return None
    except ValueError:
        return 0, at
    return number, at + used + (0 if wire == VARINT else value)
