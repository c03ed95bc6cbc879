"""Files that are not downloaded: read by bounded ranged requests, where a check looks."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from gatekeeper.errors import LimitError
from gatekeeper.limits import KIB

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCK_BYTES = 256 * KIB
_BLOCKS = 16
"""Blocks of one reader kept at a time: 4 MiB."""

Fetch = Callable[[int, int], bytes]
"""Gives the bytes from the first position to the second, exclusive; exactly that many, or an error."""


class RangeContent:
    """A remote file of a known size. Nothing of it was hashed."""

    __slots__ = ("_fetch", "_size")

    def __init__(self, fetch: Fetch, size: int) -> None:
        """Take how to read it and how many bytes it is listed with."""
        self._fetch = fetch
        self._size = size

    def open(self) -> BinaryIO:
        """Open a fresh seekable reader at offset 0; it holds at most 4 MiB and one block more.

        Reading from it raises SourceError when the bytes can't be had.
        """
        return cast("BinaryIO", io.BufferedReader(_RangeReader(self._fetch, self._size), _BLOCK_BYTES))

    def read(self, limit: int) -> bytes:
        """Read the whole file.

        Raises:
            LimitError: When it is listed with more than `limit` bytes.
            SourceError: When the bytes can't be had.
        """
        if self._size > limit:
            raise LimitError(f"{self._size} bytes are more than the {limit} that may be read at once")
        with self.open() as reader:
            return reader.read()

    def unchanged(self) -> bool:
        """Give True: nothing was hashed, so that nothing can differ from it."""
        return True


class _RangeReader(io.RawIOBase):
    """Reads block by block, keeping the last few, so that a parser may seek to and fro."""

    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"position {base + offset} lies before the file")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        number, offset = divmod(self._position, _BLOCK_BYTES)
        data = self._block(number)[offset : offset + len(view)] if self._position < self._size else b""
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _block(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        start = number * _BLOCK_BYTES
        block = self._blocks[number] = self._fetch(start, min(start + _BLOCK_BYTES, self._size))
        if len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return block
