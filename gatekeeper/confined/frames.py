"""How bytes go over the pipes: a kind and a length before each piece, as plain as it can be."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

_HEAD = struct.Struct(">cI")
HEAD_BYTES = _HEAD.size
"""Bytes before each piece."""

ANSWER = b"A"
"""A piece of what the job found out."""

ERROR = b"E"
"""Why it gave up; its last piece."""

HEADER = b"H"
"""JSON between the two sides of a server; a piece with the job's own bytes follows."""

READY = b"R"
"""The server can take jobs; its first piece, and empty."""

MOST_HEADER = 1 << 16
"""Bytes of such JSON."""


def write(descriptor: int, kind: bytes, data: bytes) -> None:
    """Write one piece whole.

    Raises:
        OSError: When the other side is gone.
    """
    view = memoryview(_HEAD.pack(kind, len(data)) + data)
    while view:
        view = view[os.write(descriptor, view) :]


def head(data: bytes) -> tuple[bytes, int]:
    """Read the kind and length of the next piece from its first `HEAD_BYTES` bytes."""
    kind, length = _HEAD.unpack(data)
    return kind, length


def whole(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Split what a job wrote into pieces; one that is not whole is left out, with all that follows."""
    at = 0
    while at + HEAD_BYTES <= len(data):
        kind, length = head(data[at : at + HEAD_BYTES])
        at += HEAD_BYTES
        if at + length > len(data):
            return
        yield kind, data[at : at + length]
        at += length
