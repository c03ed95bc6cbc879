"""A file read forward in blocks, with the offsets of a pickle's opcodes: any size, little memory."""

from __future__ import annotations

from typing import BinaryIO

_BLOCK = 1 << 20
_FIRST = 3 << 16
"""Bytes of the first block: ten thousand pickles can follow each other, most of them short."""

LINE = 1 << 16
"""Bytes that are always at hand after an opcode, unless the file ends: enough for any name."""


class Tape:
    """Blocks of a part of a file.

    Args:
        reader: The file, seekable.
        start: Where the part begins.
        end: Where it ends.
    """

    __slots__ = ("_end", "_next", "_reader", "base", "block", "soft")

    def __init__(self, reader: BinaryIO, start: int, end: int) -> None:
        self._reader = reader
        self._end = end
        self._next = _FIRST
        self.move(start)

    def move(self, offset: int) -> None:
        """Have the bytes from `offset` on at hand."""
        self._reader.seek(offset)
        self.base = offset
        """Offset of the block in the file."""

        wanted = max(0, min(self._next, self._end - offset))
        self._next = _BLOCK
        self.block = self._reader.read(wanted)
        """The bytes at hand."""

        last = offset + len(self.block) >= self._end or len(self.block) < wanted
        self.soft = len(self.block) if last else len(self.block) - 2 * LINE
        """Index in the block from which on another block must be had first; its length when it is the last."""

    @property
    def is_last(self) -> bool:
        """Whether nothing comes after this block."""
        return self.soft == len(self.block)

    @property
    def end(self) -> int:
        """Where the part ends."""
        return self._end

    def line(self, at: int) -> int:
        """Give the index after the next newline, which can lie far behind this block; -1 when there is none."""
        found = self.block.find(b"\n", at)
        if found >= 0 or self.is_last:
            return found + 1 if found >= 0 else -1
        offset = self.base + len(self.block)
        while offset < self._end:
            self._reader.seek(offset)
            piece = self._reader.read(min(_BLOCK, self._end - offset))
            if not piece:
                return -1
            found = piece.find(b"\n")
            if found >= 0:
                return offset + found + 1 - self.base
            offset += len(piece)
        return -1

    def read(self, start: int, end: int) -> bytes:
        """Read some bytes of the part; the block at hand stays."""
        self._reader.seek(start)
        return self._reader.read(max(0, min(end, self._end) - start))
