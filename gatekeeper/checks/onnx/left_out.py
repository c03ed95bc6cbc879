"""Weights that were left out before a model was parsed: how they are marked, and what is known of them.

The mark is the name of a file that tensors seem to lie in. It is chosen anew for each reading, so that no file can
bear it; every reader that doesn't ask for it takes such a tensor for one whose elements are elsewhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from onnx import TensorProto

_EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 13, 14, 1


class LeftOut(NamedTuple):
    """What one field of a tensor held."""

    field: str
    """Its name in `TensorProto`."""

    length: int
    """Bytes of its content in the file."""

    sha256: str
    """Of these bytes, in hex; empty when it was not asked for."""


def new_mark() -> str:
    """Choose a mark that no file can know."""
    return f"left-out-{secrets.token_hex(16)}"


def marked(mark: str, parts: Iterable[LeftOut]) -> bytes:
    """Give what is appended to a tensor in the wire format: that its elements are elsewhere, and what they were."""
    entries = [("location", mark), *((part.field, f"{part.length} {part.sha256}") for part in parts)]
    told = b"".join(_message(_EXTERNAL_DATA, _text(1, key) + _text(2, value)) for key, value in entries)
    return told + varint(_DATA_LOCATION << 3) + varint(_EXTERNAL)


def left_out(tensor: TensorProto, mark: str) -> tuple[LeftOut, ...]:
    """Give what was left out of a tensor; nothing for one that is as the file has it."""
    found: list[LeftOut] = []
    ours = False
    for entry in tensor.external_data if mark else ():
        if ours:
            length, _, sha256 = entry.value.partition(" ")
            found.append(LeftOut(entry.key, int(length), sha256))
        ours = ours or entry.value == mark  # ours stand last
    return tuple(found)


def varint(value: int) -> bytes:
    """Write a number as the wire format does (https://protobuf.dev/programming-guides/encoding/)."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field_head(number: int, length: int) -> bytes:
    """Write what stands before a field's bytes."""
    return varint(number << 3 | 2) + varint(length)


def _message(number: int, content: bytes) -> bytes:
    return field_head(number, len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())
