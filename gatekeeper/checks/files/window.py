"""Parts of a file: as a file of their own, for a member of an archive, and as pieces, for a walk of small steps."""

from __future__ import annotations

import io
import os
from typing import BinaryIO

PIECE = 1 << 16
"""Bytes that a walk reads at a time."""


class Window(io.RawIOBase):
    """Bytes `start` to `start + length` of `base`, as a file.

    Args:
        base: Seekable reader; its position is moved and it must outlive the window.
        start: First byte.
        length: Number of bytes.
    """

    def __init__(self, base: BinaryIO, start: int, length: int) -> None:
        super().__init__()
        self._base = base
        self._start = start
        self._length = length
        self._position = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be sought."""
        return True

    def tell(self) -> int:
        """Give the position within the window."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move within the window.

        Raises:
            ValueError: Before its beginning.
        """
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        if origin + offset < 0:
            raise ValueError("seek before the beginning")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into `buffer`, never past the window's end."""
        wanted = min(len(buffer), max(0, self._length - self._position))
        if not wanted:
            return 0
        self._base.seek(self._start + self._position)
        data = self._base.read(wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def window(base: BinaryIO, start: int, length: int) -> BinaryIO:
    """Give a buffered window of `base`."""
    return io.BufferedReader(Window(base, start, length))


class Pieces:
    """A file read in pieces: a walk of a million small steps forward asks it for each, and reads rarely.

    Args:
        reader: Seekable; its position is moved.
    """

    def __init__(self, reader: BinaryIO) -> None:
        self._reader = reader
        self._piece = b""
        self._start = 0

    def at(self, start: int, length: int) -> tuple[bytes, int]:
        """Give a piece of the file, and the place in it from which it holds `length` bytes, or all up to the end."""
        place = start - self._start
        if not 0 <= place <= len(self._piece) - max(length, 1):
            self._reader.seek(start)
            self._start, place = start, 0
            self._piece = self._reader.read(max(length, PIECE))
        return self._piece, place
