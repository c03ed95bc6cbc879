"""The protobuf wire format over a file of any size: fields are skipped, not read, and their number is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from gatekeeper.checks.files.protobuf import BYTES, HEAD_BYTES, VARINT, WIDTHS, WIRES, read_head, varint
from gatekeeper.checks.files.window import PIECE, Pieces

_TOO_MANY = "it has more fields than are looked at"


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
            piece, place = self._pieces.at(at, min(HEAD_BYTES, end - at))
            number, wire, value, used = read_head(piece, place)
            length = 0 if wire == VARINT else value
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
            tag, at = varint(piece, at)
            wire = tag & 7
            if tag < 8 or wire not in WIRES:
                raise ValueError("no such field")
            length = WIDTHS.get(wire, 0)
            if wire in (VARINT, BYTES):
                value, at = varint(piece, at)
                length = value if wire == BYTES else 0
            if at + length > end:
                raise ValueError("a field reaches beyond the end")
            if wire == BYTES:
                found.append((tag >> 3, piece[at : at + min(length, most)]))
            at += length
        return found
