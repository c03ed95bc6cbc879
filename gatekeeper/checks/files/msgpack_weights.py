"""Flax's weights in msgpack: the whole file is walked, every array is held against its type and shape.

Layout: the msgpack specification (2013-2021), and `flax/serialization.py` for the types 1 (array), 2 (complex number)
and 3 (scalar). Array bytes are skipped, not read.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem, StructureError
from gatekeeper.checks.files.window import Pieces
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_ARRAY, _COMPLEX, _SCALAR = 1, 2, 3
_WIDTHS = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "uint32": 4,
    "float32": 4, "int64": 8, "uint64": 8, "float64": 8, "complex64": 8, "complex128": 16, "V2": 2, "float8_e4m3fn": 1,
    "float8_e5m2": 1, "float8_e4m3b11fnuz": 1, "int4": 1, "uint4": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
}  # fmt: skip
_MOST = 50
"""Problems of one file that are told."""

_SHORT = 4096
"""Bytes of an array's own header, and of a name."""

_FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4,
          0xD3: 8}  # fmt: skip
"""Markers of numbers, nil and booleans, with the bytes that follow."""

_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENDED = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


def judge_msgpack(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a file of msgpack weights.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `tensors` and `json_depth` bound the walk: every array is a value, and so is every name.

    Yields:
        Problems by the slugs of `files/structure`.
    """
    walk = _Walk(reader, size, limits)
    try:
        yield from islice(walk.value(), _MOST)
        if walk.is_done and walk.at < size:
            message = f"{size - walk.at} bytes follow the last value"
            yield Problem(slug="msgpack-trailing", message=message, offset=walk.at)
    except StructureError as error:
        yield error.problem


class _Walk:
    def __init__(self, reader: BinaryIO, size: int, limits: Limits) -> None:
        self._pieces = Pieces(reader)
        self._size = size
        self._limits = limits
        self._left = limits.tensors
        self.at = 0
        self.is_done = False

    def value(self) -> Iterator[Problem]:
        """Walk one value and all that it holds, without recursion."""
        open_: list[int] = [1]
        while open_:
            if not open_[-1]:
                open_.pop()
                continue
            open_[-1] -= 1
            self._left -= 1
            if self._left < 0:
                raise StructureError("msgpack-header", "it has more values than are looked at", offset=self.at)
            inner = yield from self._one()
            if inner:
                open_.append(inner)
                if len(open_) > self._limits.json_depth:
                    raise StructureError("msgpack-header", "it is nested too deeply", offset=self.at)
        self.is_done = True

    def _one(self) -> Generator[Problem, None, int]:
        """Walk one marker and what belongs to it; return how many values stand inside."""
        marker = self._number(1)
        inner = 0
        if marker <= 0x7F or marker >= 0xE0:
            pass
        elif marker <= 0x8F:
            inner = 2 * (marker & 0x0F)
        elif marker <= 0x9F:
            inner = marker & 0x0F
        elif marker <= 0xBF:
            self._skip(marker & 0x1F)
        elif marker in _FIXED:
            self._skip(_FIXED[marker])
        elif marker in _BYTES:
            self._skip(self._number(_BYTES[marker]))
        elif marker in _LISTS:
            inner = self._number(_LISTS[marker])
        elif marker in _MAPS:
            inner = 2 * self._number(_MAPS[marker])
        elif marker in _EXTENDED or 0xD4 <= marker <= 0xD8:
            length = self._number(_EXTENDED[marker]) if marker in _EXTENDED else 1 << (marker - 0xD4)
            yield from self._extension(self._number(1), length)
        else:
            raise StructureError("msgpack-header", f"the marker 0x{marker:02x} means nothing", offset=self.at - 1)
        return inner

    def _extension(self, kind: int, length: int) -> Iterator[Problem]:
        start = self.at
        self._skip(length)
        if kind not in (_ARRAY, _COMPLEX, _SCALAR):
            message = f"a value is of type {kind}, which Flax does not write"
            yield Problem(slug="msgpack-type", message=message, offset=start)
        elif kind != _COMPLEX:
            yield from self._array(start, length)

    def _array(self, start: int, length: int) -> Iterator[Problem]:
        """Hold an array `(shape, dtype, bytes)` against the bytes that it takes."""
        length_read = min(length, _SHORT)
        piece, place = self._pieces.at(start, length_read)
        head = piece[place : place + length_read]
        try:
            shape, dtype, at, held = _array_head(head)
        except (IndexError, ValueError) as error:
            yield Problem(slug="msgpack-array", message=f"an array's header can't be read: {error}", offset=start)
            return
        width = _WIDTHS.get(dtype)
        if width is None:
            message = f"an array has the unknown type {printable(dtype, 40)!r}"
            yield Problem(slug="msgpack-array", message=message, offset=start)
        elif math.prod(shape) * width != held or at + held != length:
            message = f"an array of {dtype} and shape {shape[:8]} takes {held} bytes"
            yield Problem(slug="msgpack-array", message=message, offset=start)

    def _number(self, width: int) -> int:
        self._skip(width)
        piece, place = self._pieces.at(self.at - width, width)
        return int.from_bytes(piece[place : place + width], "big")

    def _skip(self, length: int) -> None:
        if self.at + length > self._size:
            raise StructureError("msgpack-truncated", "the file ends inside a value", offset=self._size)
        self.at += length


def _array_head(head: bytes) -> tuple[list[int], str, int, int]:
    """Read shape, type and the length of the bytes; raise on anything that msgpack would not write for them."""
    if head[0] != 0x93:
        raise ValueError("it is no triple")
    count, at = _count(head, 1)
    shape = []
    for _ in range(count):
        value, at = _unsigned(head, at)
        shape.append(value)
    if head[at] == 0xD9:
        length, at = head[at + 1], at + 2
    else:
        length, at = head[at] & 0x1F, at + 1
    dtype = head[at : at + length].decode("ascii", "replace")
    at += length
    width = _BYTES.get(head[at])
    if width is None:
        raise ValueError("its values are no bytes")
    held = int.from_bytes(head[at + 1 : at + 1 + width], "big")
    return shape, dtype, at + 1 + width, held


def _count(head: bytes, at: int) -> tuple[int, int]:
    if 0x90 <= head[at] <= 0x9F:
        return head[at] & 0x0F, at + 1
    raise ValueError("its shape is no list")


def _unsigned(head: bytes, at: int) -> tuple[int, int]:
    marker = head[at]
    if marker <= 0x7F:
        return marker, at + 1
    width = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}.get(marker)
    if width is None:
        raise ValueError("its shape holds no numbers")
    return int.from_bytes(head[at + 1 : at + 1 + width], "big"), at + 1 + width
