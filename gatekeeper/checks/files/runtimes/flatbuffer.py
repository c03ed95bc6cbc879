"""Flatbuffers, read with every offset held against the file (https://flatbuffers.dev/internals/)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from gatekeeper.checks.files.problem import StructureError, UnsupportedError

_PIECE = 1 << 16


class Flatbuffer:
    """Tables of a file by their places.

    Args:
        reader: Seekable; its position is moved.
        size: Bytes of the file.
        tables: Tables that may be read in all: they can be shared, so their number has no bound in the file's size.
    """

    def __init__(self, reader: BinaryIO, size: int, *, tables: int) -> None:
        self._reader = reader
        self._size = size
        self._left = tables
        self._buffer = b""
        self._start = 0
        self.end = 0
        """One more than the last byte that was looked at or passed over."""

    def root(self) -> Table:
        """Give the outermost table.

        Raises:
            StructureError: When it does not lie in the file.
        """
        return self.table(self.number(0, "I"))

    def table(self, at: int) -> Table:
        """Read where a table's fields lie.

        Raises:
            StructureError: When they don't lie in the file.
            UnsupportedError: When it is one table too many.
        """
        self._left -= 1
        if self._left < 0:
            raise UnsupportedError("it has more parts than are looked at")
        places = at - self.number(at, "i")
        width, length = self.number(places, "H"), self.number(places + 2, "H")
        if width < 4 or width % 2 or length < 4:
            raise StructureError("malformed", "a table's list of fields is impossible", offset=at)
        self._take(at, length)
        fields = struct.unpack(f"<{width // 2 - 2}H", self._take(places + 4, width - 4))
        if max(fields, default=0) >= length:
            raise StructureError("malformed", "a field lies outside its table", offset=at)
        return Table(self, at, fields)

    def number(self, at: int, code: str) -> int:
        """Read one whole number by its `struct` code."""
        layout = struct.Struct("<" + code)
        value: int = layout.unpack(self._take(at, layout.size))[0]
        return value

    def vector(self, at: int, width: int) -> tuple[int, int]:
        """Give where a vector's elements of `width` bytes begin and how many there are.

        Raises:
            StructureError: When they don't lie in the file.
        """
        count = self.number(at, "I")
        self.span(at + 4, count * width)
        return at + 4, count

    def numbers(self, at: int, code: str, most: int) -> tuple[int, ...]:
        """Read a vector of at most `most` whole numbers."""
        start, count = self.vector(at, struct.calcsize("<" + code))
        self._left -= count >> 6  # vectors can be shared as tables can
        if count > most or self._left < 0:
            raise UnsupportedError("it has more parts than are looked at")
        return struct.unpack(f"<{count}{code}", self._take(start, count * struct.calcsize("<" + code)))

    def text(self, at: int, most: int) -> str:
        """Read a string, cut to `most` bytes."""
        start, length = self.vector(at, 1)
        self.span(start, length + 1)  # a zero byte that is not counted
        return self._take(start, min(length, most)).decode("utf-8", "backslashreplace")

    def span(self, start: int, length: int) -> None:
        """Pass over bytes.

        Raises:
            StructureError: When they don't lie in the file.
        """
        if not 0 <= start <= start + length <= self._size:
            raise StructureError("cut-off", f"a part would end at byte {start + length}", offset=self._size)
        self.end = max(self.end, start + length)

    def _take(self, start: int, length: int) -> bytes:
        self.span(start, length)
        if start < self._start or start + length > self._start + len(self._buffer):
            self._start = max(0, start - _PIECE // 4)  # tables point backwards as well
            self._reader.seek(self._start)
            self._buffer = self._reader.read(max(start + length - self._start, _PIECE))
        return self._buffer[start - self._start : start - self._start + length]


class Table:
    """One table: fields by their numbers, absent ones with a default.

    Args:
        file: What it lies in.
        at: Where it begins.
        fields: Places of its fields within it; 0 for an absent one.
    """

    def __init__(self, file: Flatbuffer, at: int, fields: tuple[int, ...]) -> None:
        self._file = file
        self.at = at
        self._fields = fields

    def number(self, field: int, code: str, default: int = 0) -> int:
        """Read a whole number."""
        at = self._place(field)
        return self._file.number(at, code) if at else default

    def text(self, field: int, most: int) -> str:
        """Read a string, cut to `most` bytes; empty when there is none."""
        at = self._target(field)
        return self._file.text(at, most) if at else ""

    def numbers(self, field: int, code: str, most: int) -> tuple[int, ...]:
        """Read a vector of whole numbers; empty when there is none."""
        at = self._target(field)
        return self._file.numbers(at, code, most) if at else ()

    def table(self, field: int) -> Table | None:
        """Read a table; None when there is none."""
        at = self._target(field)
        return self._file.table(at) if at else None

    def tables(self, field: int) -> list[Table]:
        """Read a vector of tables; empty when there is none."""
        at = self._target(field)
        if not at:
            return []
        start, count = self._file.vector(at, 4)
        return [self._file.table(where + self._file.number(where, "I")) for where in range(start, start + 4 * count, 4)]

    def length(self, field: int, width: int = 1) -> int:
        """Give how many elements a vector has, without reading them; 0 when there is none."""
        at = self._target(field)
        return self._file.vector(at, width)[1] if at else 0

    def _place(self, field: int) -> int:
        place = self._fields[field] if field < len(self._fields) else 0
        return self.at + place if place else 0

    def _target(self, field: int) -> int:
        at = self._place(field)
        return at + self._file.number(at, "I") if at else 0
