"""Reads a safetensors file back without its library: every tensor's type, shape and digest, for comparison."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gatekeeper.limits import MIB, Limits
from gatekeeper.parsing import ParseError, load_json_object

_PIECE = 1 * MIB


class ReadbackError(ValueError):
    """The file is not what its writer says; the message says how."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorRecord:
    """One tensor, as it was read back."""

    name: str
    dtype: str
    """As safetensors spells it."""

    shape: tuple[int, ...]
    sha256: str
    """Hexadecimal digest of its bytes, in row-major order and little endian."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readback:
    """All of one file."""

    tensors: tuple[TensorRecord, ...]
    """Sorted by name."""

    metadata: dict[str, str]
    size: int
    """Bytes of the file."""

    tensor_bytes: int
    sha256: str
    """Hexadecimal digest of the whole file."""


def read_back(path: Path, limits: Limits) -> Readback:
    """Read a file in one pass.

    Args:
        path: The file; a symbolic link or anything but a regular file is refused.
        limits: Bounds on the header.

    Raises:
        ReadbackError: When it can't be read as the format says (spans must follow each other without holes).
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ReadbackError(f"the result can't be opened: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as reader:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            raise ReadbackError("the result is no plain file")
        try:
            return _read(reader, status.st_size, limits)
        except (ParseError, KeyError, TypeError, ValueError) as error:
            raise ReadbackError(f"the result can't be read back: {error}") from error


def _read(reader: BinaryIO, size: int, limits: Limits) -> Readback:
    whole = hashlib.sha256()
    prefix = reader.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > min(limits.header_bytes, size - 8):
        raise ReadbackError("the result has no header")
    text = reader.read(length)
    whole.update(prefix + text)
    header = load_json_object(text, depth=limits.json_depth)
    metadata = header.pop("__metadata__", {})
    tensors = []
    at = 0
    for name, entry in sorted(header.items(), key=lambda item: _span(item[1])):
        begin, end = _span(entry)
        if begin != at or end < begin:
            raise ReadbackError("the result has holes between its tensors")
        digest = hashlib.sha256()
        for piece in _pieces(reader, end - begin):
            digest.update(piece)
            whole.update(piece)
        at = end
        shape = tuple(int(extent) for extent in entry["shape"])
        tensors.append(TensorRecord(name=name, dtype=str(entry["dtype"]), shape=shape, sha256=digest.hexdigest()))
    if 8 + length + at != size:
        raise ReadbackError("the result has other bytes than its tensors")
    ordered = tuple(sorted(tensors, key=lambda each: each.name))
    return Readback(tensors=ordered, metadata=metadata, size=size, tensor_bytes=at, sha256=whole.hexdigest())


def _span(entry: Any) -> tuple[int, int]:
    begin, end = entry["data_offsets"]
    return int(begin), int(end)


def _pieces(reader: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        piece = reader.read(min(length, _PIECE))
        if not piece:
            raise ReadbackError("the result is cut off")
        length -= len(piece)
        yield piece
