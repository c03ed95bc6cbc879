"""Little-endian numbers and texts one after the other, in files of any size and with what is wrong said plainly."""

from __future__ import annotations

import struct
from typing import BinaryIO

from gatekeeper.checks.files.problem import StructureError

_BUFFER = 1 << 16


class Cursor:
    """A place in a file that moves on with what is read.

    Args:
        reader: Seekable; its position is moved.
        size: Bytes of the file.
    """

    def __init__(self, reader: BinaryIO, size: int) -> None:
        self._reader = reader
        self._size = size
        self._buffer = b""
        self._start = 0
        self.at = 0

    @property
    def left(self) -> int:
        """Bytes from here to the end."""
        return self._size - self.at

    def take(self, length: int, what: str) -> bytes:
        """Read `length` bytes, which the caller has bounded.

        Raises:
            StructureError: When the file ends before.
        """
        self.skip(length, what)
        start = self.at - length
        if start < self._start or self.at > self._start + len(self._buffer):
            self._reader.seek(start)
            self._buffer, self._start = self._reader.read(max(length, _BUFFER)), start
        data = self._buffer[start - self._start : self.at - self._start]
        if len(data) < length:
            raise StructureError("cut-off", f"the file ends in {what}", offset=start)
        return data

    def numbers(self, code: str, what: str) -> tuple[int, ...]:
        """Read whole numbers by a `struct` format without its byte order.

        Raises:
            StructureError: When the file ends before.
        """
        layout = struct.Struct("<" + code)
        values: tuple[int, ...] = layout.unpack(self.take(layout.size, what))
        return values

    def number(self, code: str, what: str) -> int:
        """Read one whole number; errors as for `numbers`."""
        return self.numbers(code, what)[0]

    def skip(self, length: int, what: str) -> None:
        """Pass over bytes.

        Raises:
            StructureError: When the file ends before.
        """
        if length > self.left:
            raise StructureError("cut-off", f"the file ends in {what}", offset=self._size)
        self.at += length

    def end(self, what: str) -> None:
        """Say that nothing may follow.

        Raises:
            StructureError: When something does.
        """
        if self.left:
            raise StructureError("trailing", f"{self.left} bytes follow {what}", offset=self.at)
