"""The header of numpy's `.npy` files, read without numpy and without evaluating anything.

Format: NEP 1 (`numpy.lib.format`), versions 1 to 3. An array of objects is followed by a pickle.
"""

from __future__ import annotations

import ast
import math
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

from gatekeeper.checks.files.problem import StructureError

_MAGIC = b"\x93NUMPY"
_MOST_HEADER = 1 << 16
_NESTING = 16
_TYPE = re.compile(r"[<>=|]?([?a-zA-Z])(\d*)(?:\[.*\])?\Z")
_WIDTHS = {"?": 1, "b": 1, "B": 1}
_UNITS = {"U": 4}


@dataclass(frozen=True, kw_only=True, slots=True)
class NpyHeader:
    """What the header says."""

    objects: bool
    """Whether the content is a pickle of Python objects."""

    start: int
    """Offset of the content."""

    length: int | None
    """Bytes of content; None for objects and types whose width is not told."""


def read_npy(reader: BinaryIO) -> NpyHeader:
    """Read the header of an `.npy` file.

    Args:
        reader: At offset 0.

    Raises:
        StructureError: When the header is cut off or no `.npy` header.
    """
    prefix = reader.read(8)
    if len(prefix) < 8 or prefix[:6] != _MAGIC or prefix[6] not in (1, 2, 3):
        raise StructureError("npy-header", "the file does not begin with an npy header of version 1 to 3", offset=0)
    width = 2 if prefix[6] == 1 else 4
    length = int.from_bytes(reader.read(width), "little")
    if length > _MOST_HEADER:
        raise StructureError("npy-header", f"the header claims {length} bytes", offset=8)
    data = reader.read(length)
    if len(data) != length:
        raise StructureError("npy-truncated", "the file ends within its header", offset=8 + width + len(data))
    header = _literal(data)
    start = 8 + width + length
    if _has_objects(header["descr"], _NESTING):
        return NpyHeader(objects=True, start=start, length=None)
    item = _width(header["descr"], _NESTING)
    size = None if item is None else item * math.prod(header["shape"])
    return NpyHeader(objects=False, start=start, length=size)


def _literal(data: bytes) -> dict[str, Any]:
    depth = deepest = 0
    for byte in data:
        depth += (byte in b"([{") - (byte in b")]}")
        deepest = max(deepest, depth)
    if deepest > _NESTING:
        raise StructureError("npy-header", "the header is nested too deeply", offset=10)
    try:
        header = ast.literal_eval(data.decode("utf-8").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise StructureError("npy-header", "the header is no literal", offset=10) from error
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise StructureError("npy-header", "the header must have descr, fortran_order and shape", offset=10)
    shape = header["shape"]
    if not isinstance(shape, tuple) or not all(type(extent) is int and 0 <= extent < 2**63 for extent in shape):
        raise StructureError("npy-header", "the shape is no tuple of sizes", offset=10)
    return header


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


def _width(descr: Any, nesting: int) -> int | None:
    if isinstance(descr, str):
        match = _TYPE.match(descr)
        if not match:
            return None
        count = int(match[2]) if match[2] else _WIDTHS.get(match[1], 0)
        return count * _UNITS.get(match[1], 1)
    if isinstance(descr, tuple) and len(descr) == 2 and nesting:
        return _field_width(("", *descr), nesting - 1)
    if isinstance(descr, list) and nesting:
        widths = [_field_width(part, nesting - 1) for part in descr]
        return None if None in widths else sum(width for width in widths if width is not None)
    return None


def _field_width(part: Any, nesting: int) -> int | None:
    width = _width(part[1], nesting)
    if len(part) == 2 or width is None:
        return width
    shape = part[2] if isinstance(part[2], tuple) else (part[2],)
    return width * math.prod(shape) if all(type(extent) is int and extent >= 0 for extent in shape) else None
