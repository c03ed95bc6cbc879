"""The header of numpy's `.npy` files, read without numpy and without evaluating anything.

Format: NEP 1 (`numpy.lib.format`), versions 1 to 3. An array of objects is followed by a pickle.
"""

from __future__ import annotations

import ast
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from gatekeeper.checks.files.problem import Problem, StructureError
from gatekeeper.limits import Limits

_MAGIC = b"\x93NUMPY"
_MOST_HEADER = 10_000
"""Bytes of a header that numpy itself reads without being told to (`numpy.lib.format`, `max_header_size`)."""

_MOST_BYTES = 2**63
_NESTING = 16
_TYPE = re.compile(r"[<>=|]?([?a-zA-Z])(\d{0,19})(?:\[[^\]]*\])?\Z")
_CODES = {
    "?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "l": 8, "L": 8, "q": 8, "Q": 8,
    "e": 2, "f": 4, "d": 8, "g": 16, "F": 8, "D": 16, "G": 32, "S": 0, "U": 0, "V": 0,
}  # fmt: skip
"""Bytes of types that are written as one letter."""

_WIDTHS: dict[str, frozenset[int]] = {
    "b": frozenset({1}), "i": frozenset({1, 2, 4, 8}), "u": frozenset({1, 2, 4, 8}),
    "f": frozenset({2, 4, 8, 12, 16}), "c": frozenset({8, 16, 24, 32}), "m": frozenset({8}), "M": frozenset({8}),
}  # fmt: skip
"""Bytes that types with a number may have; those of text and of plain bytes are free."""

_UNITS = {"U": 4, "S": 1, "a": 1, "V": 1}
_OLD_INTEGER = re.compile(rb"(?<=\d)L(?=[,)\s])")
"""How Python 2 wrote long integers; numpy still reads them in versions 1 and 2."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NpyHeader:
    """What the header says."""

    objects: bool
    """Whether the content is a pickle of Python objects."""

    start: int
    """Offset of the content."""

    length: int | None
    """Bytes of content; None for objects."""


def judge_npy(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Hold an `.npy` file's header against its size.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: Not used; the header is bounded by what numpy reads.
    """
    reader.seek(0)
    try:
        header = read_npy(reader)
    except StructureError as error:
        yield error.problem
        return
    if header.length is None or header.start + header.length == size:
        return
    slug = "npy-truncated" if header.start + header.length > size else "npy-trailing"
    message = f"the header asks for {header.start + header.length} bytes, the file has {size}"
    yield Problem(slug=slug, message=message, offset=min(size, header.start + header.length))


def allocation(head: bytes) -> int:
    """Give the bytes that an `.npy` file must have by its own header; 0 for anything else and for objects.

    Args:
        head: Its beginning.
    """
    if not head.startswith(_MAGIC):
        return 0
    try:
        header = read_npy(io.BytesIO(head))
    except StructureError:
        return 0
    return 0 if header.length is None else header.start + header.length


def read_npy(reader: BinaryIO) -> NpyHeader:
    """Read the header of an `.npy` file.

    Args:
        reader: At offset 0.

    Raises:
        StructureError: When the header is cut off or no `.npy` header.
    """
    prefix = reader.read(8)
    if len(prefix) < 8 or prefix[:6] != _MAGIC or prefix[6] not in (1, 2, 3) or prefix[7]:
        raise StructureError("npy-header", "the file does not begin with an npy header of version 1 to 3", offset=0)
    width = 2 if prefix[6] == 1 else 4
    length = int.from_bytes(reader.read(width), "little")
    if length > _MOST_HEADER:
        raise StructureError("npy-header", f"the header claims {length} bytes, more than numpy reads", offset=8)
    data = reader.read(length)
    if len(data) != length:
        raise StructureError("npy-truncated", "the file ends within its header", offset=8 + width + len(data))
    header = _literal(data, prefix[6])
    start = 8 + width + length
    if _has_objects(header["descr"], _NESTING):
        return NpyHeader(objects=True, start=start, length=None)
    size = _width(header["descr"], _NESTING) * math.prod(header["shape"])
    if size >= _MOST_BYTES:
        raise StructureError("npy-header", "the shape asks for more bytes than a size can count", offset=10)
    return NpyHeader(objects=False, start=start, length=size)


def _literal(data: bytes, version: int) -> dict[str, Any]:
    depth = deepest = 0
    for byte in data:
        depth += (byte in b"([{") - (byte in b")]}")
        deepest = max(deepest, depth)
    if deepest > _NESTING:
        raise StructureError("npy-header", "the header is nested too deeply", offset=10)
    if data.count(b"descr") > 1 and len(re.findall(rb"""['"]descr['"]\s*:""", data)) > 1:
        raise StructureError("npy-header", "the header says twice what its type is; readers differ", offset=10)
    if version < 3:
        data = _OLD_INTEGER.sub(b"", data)
    try:
        header = ast.literal_eval(data.decode("utf-8" if version == 3 else "latin-1").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise StructureError("npy-header", "the header is no literal", offset=10) from error
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise StructureError("npy-header", "the header must have descr, fortran_order and shape", offset=10)
    if not _is_shape(header["shape"]):
        raise StructureError("npy-header", "the shape is no tuple of sizes", offset=10)
    if type(header["fortran_order"]) is not bool:
        raise StructureError("npy-header", "fortran_order is neither true nor false", offset=10)
    return header


def _is_shape(shape: Any) -> bool:
    most = 64  # numpy's limit on dimensions
    return (
        isinstance(shape, tuple)
        and len(shape) <= most
        and all(type(extent) is int and 0 <= extent < _MOST_BYTES for extent in shape)
    )


def _has_objects(descr: Any, nesting: int) -> bool:
    """Whether any field holds objects; what is no type description counts as objects, since numpy might."""
    if isinstance(descr, str):
        match = _TYPE.match(descr)
        return not match or match[1] == "O"
    if isinstance(descr, tuple) and len(descr) == 2 and nesting:
        return _has_objects(descr[0], nesting - 1)
    if isinstance(descr, list) and nesting:
        return any(
            not isinstance(part, tuple) or len(part) not in (2, 3) or _has_objects(part[1], nesting - 1)
            for part in descr
        )
    return True


def _width(descr: Any, nesting: int) -> int:
    """Give the bytes of one element of a type without objects.

    Raises:
        StructureError: When numpy has no such type.
    """
    if isinstance(descr, str):
        width = _simple_width(descr)
        if width is not None:
            return width
    elif isinstance(descr, tuple) and nesting:
        return _field_width(("", *descr), nesting - 1)
    elif isinstance(descr, list) and nesting:
        return sum(_field_width(part, nesting - 1) for part in descr)
    raise StructureError("npy-header", "the header names a type that numpy does not have", offset=10)


def _simple_width(descr: str) -> int | None:
    match = _TYPE.match(descr)
    if not match:
        return None
    letter, digits = match[1], match[2]
    if not digits:
        return _CODES.get(letter) if "[" not in descr else None
    count = int(digits)
    if letter in _UNITS:
        return count * _UNITS[letter]
    return count if count in _WIDTHS.get(letter, ()) else None


def _field_width(part: Any, nesting: int) -> int:
    width = _width(part[1], nesting)
    if len(part) == 2:
        return width
    shape = part[2] if isinstance(part[2], tuple) else (part[2],)
    if not _is_shape(shape):
        raise StructureError("npy-header", "the shape of a field is no tuple of sizes", offset=10)
    return width * math.prod(shape)
