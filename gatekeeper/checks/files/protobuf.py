"""Just enough of the protobuf wire format to tell one format without a magic number from another."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


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
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not number or wire not in (VARINT, FIXED64, BYTES, FIXED32):
            raise ValueError("no such field")
        if wire == VARINT:
            value, at = _varint(data, at)
            yield number, wire, value, b""
            continue
        length = {FIXED64: 8, FIXED32: 4}.get(wire, 0)
        if wire == BYTES:
            length, at = _varint(data, at)
        if at + length > limit:
            raise ValueError("a field reaches beyond the end")
        yield number, wire, length, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a varint is cut off")


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
