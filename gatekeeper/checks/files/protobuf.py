"""Just enough of the protobuf wire format to read fields, and to tell formats without a magic number by them."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIRES = frozenset({VARINT, FIXED64, BYTES, FIXED32})
"""Wire types; the deprecated groups are none here, since none of the formats has any."""

HEAD_BYTES = 20
"""Bytes of the longest head: a tag, and a value or a length."""

WIDTHS = {FIXED64: 8, FIXED32: 4}
"""Wire type → bytes, where all of a type have the same."""

_VARINT_BYTES = 10


class CutOffError(ValueError):
    """The bytes end within a field's head."""


def read_head(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Read what stands before a field's content (https://protobuf.dev/programming-guides/encoding/).

    Args:
        data: A message, or a part of it.
        at: Where the field begins in it.

    Returns:
        Field number, wire type, the value of a varint or the content's length in bytes, and where the content begins.

    Raises:
        CutOffError: When `data` ends before that.
        ValueError: When no field begins there.
    """
    tag, at = varint(data, at)
    number, wire = tag >> 3, tag & 7
    if not number or wire not in WIRES:
        raise ValueError("no such field")
    if wire in WIDTHS:
        return number, wire, WIDTHS[wire], at
    value, at = varint(data, at)
    return number, wire, value, at


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of up to ten bytes; gives it and where it ends.

    Raises:
        CutOffError: When `data` ends before it does.
        ValueError: When it has more bytes than that.
    """
    if at < len(data) and data[at] < 0x80:  # most have one byte, and graphs a million of them
        return data[at], at + 1
    value = 0
    for shift, byte in enumerate(data[at : at + _VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value, at + shift + 1
    if len(data) - at < _VARINT_BYTES:
        raise CutOffError("a varint is cut off")
    raise ValueError("a varint does not end")


def fields(data: bytes, limit: int) -> Iterator[tuple[int, int, int, bytes]]:
    """Walk the top level of a message that may be cut off.

    Args:
        data: Its beginning.
        limit: Bytes of the whole message; a field that reaches beyond ends the walk with an error.

    Yields:
        Field number, wire type, value (of a varint) or length (of bytes), and the bytes as far as they are at hand.

    Raises:
        ValueError: When this is no protobuf.
    """
    at = 0
    while at < len(data):
        number, wire, value, at = read_head(data, at)
        if wire == VARINT:
            yield number, wire, value, b""
            continue
        if at + value > limit:
            raise ValueError("a field reaches beyond the end")
        yield number, wire, value, data[at : at + value]
        at += value


def looks_like_onnx(head: bytes, size: int) -> bool:
    """Whether it is a `ModelProto` (onnx.proto3): a small `ir_version` and a graph or an operator set."""
    version = graph = opset = False
    try:
        for number, wire, value, _ in fields(head, size):
            if number > 30 or (number in (1, 5)) != (wire == VARINT) or wire in (FIXED32, FIXED64):
                return False
            version = version or (number == 1 and 0 < value < 64)
            graph = graph or (number == 7 and value > 0)
            opset = opset or number == 8
    except ValueError:
        return False
    return version and graph and (opset or len(head) < size)


def looks_like_sentencepiece(head: bytes, size: int) -> bool:
    """Whether it is a sentencepiece `ModelProto`: repeated pieces of text, score and type."""
    pieces = 0
    try:
        for number, wire, length, piece in fields(head, size):
            if number == 1 and wire == BYTES and length == len(piece):
                if not {(inner, kind) for inner, kind, _, _ in fields(piece, length)} <= {(1, 2), (2, 5), (3, 0)}:
                    return False
                pieces += 1
            elif number > 5 or wire != BYTES:
                return False
            if pieces >= 8:
                return True
    except ValueError:
        return pieces >= 8
    return pieces > 0


def looks_like_message(head: bytes, size: int) -> bool:
    """Whether the beginning walks as any protobuf message at all, with at least one field."""
    seen = 0
    try:
        for _ in fields(head, size):
            seen += 1
    except ValueError:
        return seen > 0 and len(head) < size and seen > 8
    return seen > 0
