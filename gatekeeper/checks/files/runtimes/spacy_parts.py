"""The parts of a spaCy pipeline that are msgpack: walked to their end, with nothing in them but plain data.

Layout: the msgpack specification; `srsly.msgpack_dumps`, which spaCy and thinc write with, knows no extensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem, StructureError, UnsupportedError
from gatekeeper.limits import Limits

_PIECE = 1 << 20
_FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4,
          0xD3: 8}  # fmt: skip
"""Markers of nil, truth values and numbers → the bytes that follow."""

_COUNTED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Markers of bytes and texts → the bytes of their length."""

_HOLDING = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""Markers of lists and maps → the bytes of their count, and the values for each."""


def judge_spacy_part(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge one part of a pipeline.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `msgpack_values` and `json_depth` bound the walk.
    """
    try:
        end = _Walk(reader, size).value(limits)
        if end < size:
            yield Problem(slug="trailing", message=f"{size - end} bytes follow the last value", offset=end)
    except StructureError as error:
        yield error.problem
    except UnsupportedError as error:
        yield Problem(slug=UNJUDGED, message=str(error))


class _Walk:
    def __init__(self, reader: BinaryIO, size: int) -> None:
        self._reader = reader
        self._size = size
        self._buffer = b""
        self._start = 0

    def value(self, limits: Limits) -> int:
        """Pass over one value and all that it holds; give where it ends."""
        at, left = 0, limits.msgpack_values
        waiting = [1]
        while waiting:
            if not waiting[-1]:
                waiting.pop()
                continue
            waiting[-1] -= 1
            left -= 1
            if left < 0:
                raise UnsupportedError("it has more values than are looked at")
            at, inner = self._one(at)
            if inner:
                waiting.append(inner)
                if len(waiting) > limits.json_depth:
                    raise StructureError("malformed", "it is nested too deeply", offset=at)
        return at

    def _one(self, at: int) -> tuple[int, int]:
        """Pass over a marker and what belongs to it; give where that ends and how many values stand inside."""
        marker = self._number(at, 1)
        at += 1
        if marker <= 0x7F or marker >= 0xE0:
            return at, 0
        if marker <= 0x9F:
            return at, (marker & 0x0F) * (2 if marker <= 0x8F else 1)
        if marker <= 0xBF:
            return self._skipped(at, marker & 0x1F), 0
        if marker in _FIXED:
            return self._skipped(at, _FIXED[marker]), 0
        if marker in _COUNTED:
            width = _COUNTED[marker]
            return self._skipped(at + width, self._number(at, width)), 0
        if marker in _HOLDING:
            width, each = _HOLDING[marker]
            return at + width, each * self._number(at, width)
        raise StructureError("malformed", f"the marker 0x{marker:02x} is of no plain data", offset=at - 1)

    def _number(self, at: int, width: int) -> int:
        self._skipped(at, width)
        start = at - self._start
        if start < 0 or start + width > len(self._buffer):
            self._reader.seek(at)
            self._buffer, self._start, start = self._reader.read(_PIECE), at, 0
        return int.from_bytes(self._buffer[start : start + width], "big")

    def _skipped(self, at: int, length: int) -> int:
        if at + length > self._size:
            raise StructureError("cut-off", "the file ends inside a value", offset=self._size)
        return at + length
