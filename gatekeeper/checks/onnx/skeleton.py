"""A large model file → the same model without its weights, by one walk over the wire format: no weight is parsed.

Everything else is copied as it stands, so a parser makes of the skeleton what it makes of the file: protobuf's rules
for fields that stand twice, out of order or under unknown numbers hold for both.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import BinaryIO

from gatekeeper.checks.files import WireField, WireWalk
from gatekeeper.checks.onnx.left_out import LeftOut, field_head, marked, new_mark
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.limits import Limits

_INSIDE: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {7: "graph", 25: "function"},
        "graph": {1: "node", 5: "tensor", 15: "sparse"},
        "function": {7: "node", 11: "attribute"},
        "node": {5: "attribute"},
        "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
        "sparse": {1: "tensor", 2: "tensor"},
    }
)
"""Message → its fields in which tensors may lie, and what they hold (onnx/onnx.proto)."""

_DATA = {4: "float_data", 5: "int32_data", 7: "int64_data", 9: "raw_data", 10: "double_data", 11: "uint64_data"}
"""Number of a field of `TensorProto` with elements → its name; texts are never left out."""

_RAW = 9
_LISTS = frozenset({7, 8, 9})
"""Fields of `AttributeProto` that hold a list, each item a field; writers put them behind what can be large."""

_BYTES = 2
_LARGE_SHARE = 16
"""By how much less of a tensor is kept where a model's size exceeds what is kept in all."""

_LEVELS_OF_A_GRAPH = 3
"""Messages from one graph to the next inside it."""

_PIECE = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Skeleton:
    """What is parsed of a model file."""

    data: bytes
    mark: str = ""
    """See `left_out`; empty when the file is all there."""


def skeleton(reader: BinaryIO, size: int, limits: Limits, *, digests: bool = False) -> Skeleton:
    """Copy a model without tensors that are large.

    Args:
        reader: The file, seekable; its position is moved.
        size: Its size in bytes.
        limits: Up to `onnx_whole_bytes` a file is taken as it is; `onnx_bytes` bounds the copy, `onnx_tensor_bytes`
            what is large, `fields` the walk, `onnx_depth` how deep it goes.
        digests: Whether to digest what is left out, which means to read it.

    Raises:
        GraphError: When it is no protobuf, or exceeds a limit.
    """
    if size <= limits.onnx_whole_bytes:
        reader.seek(0)
        return Skeleton(data=reader.read(size))
    copying = _Copying(reader, size, limits, digests=digests)
    try:
        return Skeleton(data=bytes(copying.model()), mark=copying.mark)
    except GraphError:
        raise
    except ValueError as error:
        raise GraphError(f"it is no ONNX model, or is cut off: {error}") from error


class _Copying:
    def __init__(self, reader: BinaryIO, size: int, limits: Limits, *, digests: bool) -> None:
        # A buffer of its own: hashed readers answer small reads slowly.
        self._reader = io.BufferedReader(reader, _PIECE) if isinstance(reader, io.RawIOBase) else reader
        self._walk = WireWalk(self._reader, size, fields=limits.fields)
        self._limits = limits
        self._left = limits.onnx_bytes
        share = 1 if size <= limits.onnx_bytes else _LARGE_SHARE
        self._large = limits.onnx_tensor_bytes // share
        self._deepest = _LEVELS_OF_A_GRAPH * limits.onnx_depth
        self._digests = digests
        self.mark = new_mark()

    def model(self) -> bytearray:
        return self._message("model", self._walk.whole(), 0)

    def _message(self, kind: str, message: WireField, depth: int) -> bytearray:
        """Copy a message, going into fields that are large."""
        if kind == "tensor":
            return self._tensor(message)
        if depth > self._deepest:
            raise GraphError(f"graphs lie in each other deeper than onnx_depth ({self._limits.onnx_depth})")
        out = bytearray()
        copied = at = message.start
        for part in self._walk.fields(message):
            inside = _INSIDE[kind].get(part.number) if part.wire == _BYTES and part.length > self._large else None
            if inside:
                out += self._span(copied, at)
                content = self._message(inside, part, depth + 1)
                out += field_head(part.number, len(content))
                out += content
                copied = part.start + part.length
            elif kind == "attribute" and part.number in _LISTS:
                break
            at = part.start + part.length
        out += self._span(copied, message.start + message.length)
        return out

    def _tensor(self, tensor: WireField) -> bytearray:
        out = bytearray()
        gone: list[LeftOut] = []
        raws = 0
        copied = at = tensor.start
        for part in self._walk.fields(tensor):
            raws += part.number == _RAW
            if part.number in _DATA and part.wire == _BYTES and part.length > self._large:
                out += self._span(copied, at)
                copied = part.start + part.length
                gone.append(LeftOut(_DATA[part.number], part.length, self._digest(part)))
            at = part.start + part.length
        out += self._span(copied, at)
        if gone and raws > 1:  # a parser takes the last, which is no longer to be seen
            raise GraphError("a tensor has its elements in raw_data twice")
        return out + marked(self.mark, gone) if gone else out

    def _span(self, start: int, end: int) -> bytes:
        self._left -= end - start
        if self._left < 0:
            raise GraphError(f"without its weights it is larger than onnx_bytes ({self._limits.onnx_bytes})")
        self._reader.seek(start)
        return self._reader.read(end - start)

    def _digest(self, part: WireField) -> str:
        if not self._digests:
            return ""
        digest, left = hashlib.sha256(), part.length
        self._reader.seek(part.start)
        while left > 0:
            piece = self._reader.read(min(left, _PIECE))
            if not piece:
                raise GraphError("it is cut off")
            digest.update(piece)
            left -= len(piece)
        return digest.hexdigest()
