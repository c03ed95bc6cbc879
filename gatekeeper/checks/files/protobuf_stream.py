"""The protobuf wire format over a file of any size: fields are skipped, not read, and their number is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gatekeeper.checks.files.protobuf import BYTES, FIXED32, FIXED64, VARINT


@dataclass(frozen=True, slots=True)
class Field:
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
        self._reader = reader
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
                raise ValueError("it has more fields than are looked at")
            self._reader.seek(at)
            head = self._reader.read(min(20, end - at))  # a tag and a length
            tag, used = _varint(head, 0)
            number, wire = tag >> 3, tag & 7
            if not number or wire not in (VARINT, FIXED64, BYTES, FIXED32):
                raise ValueError("no such field")
            length, value = {FIXED64: 8, FIXED32: 4}.get(wire, 0), 0
            if wire in (VARINT, BYTES):
                value, used = _varint(head, used)
                length = value if wire == BYTES else 0
            at += used
            if at + length > end:
                raise ValueError("a field reaches beyond the end")
            yield Field(number, wire, at, length, value if wire == VARINT else 0)
            at += length

    def read(self, part: Field, most: int) -> bytes:
        """Read the content of a field, cut to `most` bytes."""
        self._reader.seek(part.start)
        return self._reader.read(min(part.length, most))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    for byte in data[at : at + 10]:
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a varint is cut off")
