"""Bounded reads of an HDF5 file, and its headers of objects, both versions.

After the HDF5 File Format Specification 3.0. Nothing is believed that leads out of the file, and every step costs one
of a fixed number, so that circles and chains of hostile addresses end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

NOWHERE = 2**64 - 1
"""The undefined address."""

_CONTINUES = 0x10
_MOST_BLOCK = 16 * 2**20
"""Bytes of one block of a header: honest ones have less than 64 KiB, dense storage more."""

_STEP_BYTES = 256
"""Bytes that count as one step more."""


class Hdf5Error(ValueError):
    """The file can't be made sense of at some place; the message says where, in printable words."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an object's header (IV.A.2)."""

    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Superblock:
    """Where the file begins and ends by its own word (II)."""

    root: int
    """Address of the root group's header."""

    end: int
    """Address of the first byte after the file."""


class Hdf5File:
    """Bounded access to the bytes of one file.

    Args:
        reader: Seekable, at any position.
        size: Bytes of the file.
        steps: Reads and messages that may be made in all; long reads count for more.
    """

    def __init__(self, reader: BinaryIO, size: int, *, steps: int) -> None:
        self._reader = reader
        self.size = size
        self._steps = steps

    def read(self, address: int, length: int) -> bytes:
        """Read exactly `length` bytes.

        Raises:
            Hdf5Error: When they lie outside the file, are too many, or the steps are used up.
        """
        self._spend(1 + length // _STEP_BYTES)
        if length > _MOST_BLOCK or address + length > self.size:
            raise Hdf5Error(f"{length} bytes at {address} lead out of the file")
        self._reader.seek(address)
        data = self._reader.read(length)
        if len(data) != length:
            raise Hdf5Error(f"bytes at {address} can't be read")
        return data

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise Hdf5Error("it has more parts than are looked at")

    def signed(self, address: int, signature: bytes, length: int) -> bytes:
        """Read a structure that begins with a signature.

        Raises:
            Hdf5Error: As `read`, or when the signature is another.
        """
        data = self.read(address, length)
        if not data.startswith(signature):
            raise Hdf5Error(f"no {signature.decode()} at {address}")
        return data

    def superblock(self) -> Superblock:
        """Read the superblock, with addresses of eight bytes, at offset 0.

        Raises:
            Hdf5Error: On other versions, widths or base addresses.
        """
        head = self.read(0, min(self.size, 96))
        version = head[8] if len(head) > 13 else -1
        width = head[13 if version < 2 else 9] if len(head) > 13 else 0
        start = {0: 24, 1: 28, 2: 12, 3: 12}.get(version)
        if start is None or width != 8 or len(head) < (start + 48 if version < 2 else 44):
            raise Hdf5Error("the superblock can't be read")
        if number(head, start) != 0:
            raise Hdf5Error("its addresses do not count from its first byte")
        return Superblock(
            root=number(head, start + 40 if version < 2 else start + 24),
            end=number(head, start + 16),
        )

    def messages(self, address: int) -> Iterator[Message]:
        """Read the messages of the object whose header lies at `address`.

        Raises:
            Hdf5Error: When the header can't be read.
        """
        start = self.read(address, 16)
        yield from self._second(address) if start.startswith(b"OHDR") else self._first(address, start)

    def _first(self, address: int, start: bytes) -> Iterator[Message]:
        if start[0] != 1:
            raise Hdf5Error(f"no object header at {address}")
        waiting = [(address + 16, number(start, 8, 4))]
        while waiting:
            where, length = waiting.pop()
            block = self.read(where, length)
            at = 0
            while at + 8 <= len(block):
                self._spend(1)
                kind, size = number(block, at, 2), number(block, at + 2, 2)
                data = block[at + 8 : at + 8 + size]
                at += 8 + size
                if kind == _CONTINUES:
                    waiting.append((number(data, 0), number(data, 8)))
                else:
                    yield Message(kind, data)

    def _second(self, address: int) -> Iterator[Message]:
        flags = self.read(address, 6)[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        length = number(self.read(address + at, width), 0, width)
        waiting = [(address + at + width, length, 0)]
        head = 6 if flags & 4 else 4
        while waiting:
            where, length, skipped = waiting.pop()
            block = self.read(where, length)[skipped:]
            at = 0
            while at + head <= len(block):
                self._spend(1)
                kind, size = block[at], number(block, at + 1, 2)
                data = block[at + head : at + head + size]
                at += head + size
                if kind == _CONTINUES:
                    following, span = number(data, 0), number(data, 8)
                    self.signed(following, b"OCHK", 4)
                    waiting.append((following, max(0, span - 4), 4))
                else:
                    yield Message(kind, data)


def number(data: bytes, at: int, width: int = 8) -> int:
    """Read an unsigned little-endian number.

    Raises:
        Hdf5Error: When the bytes are not all there.
    """
    piece = data[at : at + width]
    if len(piece) != width:
        raise Hdf5Error("a structure is cut off")
    return int.from_bytes(piece, "little")
