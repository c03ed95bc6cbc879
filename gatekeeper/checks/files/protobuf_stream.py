"""The protobuf wire format over a file of any size: fields are skipped, not read, and their number is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from gatekeeper.checks.files.protobuf import BYTES, FIXED32, FIXED64, VARINT
from gatekeeper.checks.files.window import PIECE, Pieces

_HEAD = 20
"""Bytes of the longest tag and length."""

_TOO_MANY = "it has more fields than are looked at"
_WIRES = frozenset({VARINT, FIXED64, BYTES, FIXED32})
_WIDTHS = {FIXED64: 8, FIXED32: 4}


class Field(NamedTuple):
    """One field, as a span of the file."""

    number: int
    wire: int
    start: int
    length: int
    """Bytes of its content; 0 for a varint."""

    value: int = 0
    """What a varint says; 0 for the others."""


class ProtobufStream:
    """Walks messages in a file.

    Args:
        reader: Seekable; its position is moved.
        size: Bytes of the file.
        fields: Fields that may be read in all.
    """

    def __init__(self, reader: BinaryIO, size: int, *, fields: int) -> None:
        self._pieces = Pieces(reader)
        self._size = size
        self._left = fields

    def whole(self) -> Field:
        """Give the file as one message."""
        return Field(0, BYTES, 0, self._size)

    def fields(self, message: Field) -> Iterator[Field]:
        """Give the fields of a message in their order.

        Raises:
            ValueError: When it is no protobuf, or the fields are more than may be read.
        """
        at, end = message.start, message.start + message.length
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError(_TOO_MANY)
            piece, place = self._pieces.at(at, min(_HEAD, end - at))
            tag, used = _varint(piece, place)
            number, wire = tag >> 3, tag & 7
            if not number or wire not in _WIRES:
                raise ValueError("no such field")
            length, value = _WIDTHS.get(wire, 0), 0
            if wire in (VARINT, BYTES):
                value, used = _varint(piece, used)
                length = value if wire == BYTES else 0
            at += used - place
            if at + length > end:
                raise ValueError("a field reaches beyond the end")
            yield Field(number, wire, at, length, value if wire == VARINT else 0)
            at += length

    def read(self, part: Field, most: int) -> bytes:
        """Read the content of a field, cut to `most` bytes."""
        length = min(part.length, most)
        piece, place = self._pieces.at(part.start, length)
        return piece[place : place + length]

    def contents(self, message: Field, most: int) -> list[tuple[int, bytes]]:
        """Give the fields of a message that hold bytes: their numbers, and their contents cut to `most` bytes.

        Raises:
            ValueError: As `fields`.
        """
        if message.length > PIECE:
            return [(part.number, self.read(part, most)) for part in self.fields(message) if part.wire == BYTES]
        # Graphs hold a million of small messages: these are walked in memory, without a value for each field.
        piece, at = self._pieces.at(message.start, message.length)
        end = at + message.length
        found = []
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise ValueError(_TOO_MANY)
            tag, at = _varint(piece, at)
            wire = tag & 7
            if tag < 8 or wire not in _WIRES:
                raise ValueError("no such field")
            length = _WIDTHS.get(wire, 0)
            if wire in (VARINT, BYTES):
                value, at = _varint(piece, at)
                length = value if wire == BYTES else 0
            if at + length > end:
                raise ValueError("a field reaches beyond the end")
            if wire == BYTES:
                found.append((tag >> 3, piece[at : at + min(length, most)]))
            at += length
        return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    if at < len(data) and data[at] < 0x80:
        return data[at], at + 1
    value = shift = 0
    for byte in data[at : at + 10]:
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a varint is cut off")
