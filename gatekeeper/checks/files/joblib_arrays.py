"""Where joblib spliced array bytes into a pickle: `joblib.load` steps over them, other readers trip.

`joblib.dump` writes a `NumpyArrayWrapper`, and after its BUILD a byte of padding length, the padding and the array's
bytes; then the pickle goes on (joblib/numpy_pickle.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from gatekeeper.checks.files.pickle_values import Box, Made, Row, Value, rows

WRAPPER = b"NumpyArrayWrapper"
WRAPPERS = frozenset(
    {"joblib.numpy_pickle.NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper"}
)
"""Names under which joblib finds an array in a pickle."""

_PADDED = "numpy_array_alignment_bytes"
_TYPE = re.compile(r"[<>|=]?([a-zA-Z])(\d+)\Z")


class ArrayError(ValueError):
    """The length of an array can't be told; the message says why."""


def array_bytes(state: Value, byte_at: Callable[[int], bytes], here: int) -> int | None:
    """Tell how many bytes of array follow a wrapper.

    Args:
        state: The wrapper's state.
        byte_at: Gives the byte at an offset, or nothing behind the end.
        here: Offset of the first of them.

    Returns:
        Bytes, padding included; None for an array of objects, which is a pickle.

    Raises:
        ArrayError: When that can't be told.
    """
    entries = state.known() if isinstance(state, Box) else None
    if entries is None:
        raise ArrayError("its wrapper's state is no small dictionary")
    kind = entries.get("dtype")
    if _holds_objects(kind):
        return None
    shape, item = entries.get("shape"), width(kind)
    extents = rows(shape)
    if item is None or not isinstance(shape, Row) or shape.items is None:
        raise ArrayError("its length is not told")
    if not all(type(extent) is int and extent >= 0 for extent in extents):
        raise ArrayError("its shape is no row of lengths")
    length = item * math.prod(extent for extent in extents if isinstance(extent, int))
    if entries.get(_PADDED) is None:
        return length
    padding = byte_at(here)
    return length + 1 + (padding[0] if padding else 0)


def width(kind: Value) -> int | None:
    """Give the bytes of one item of a `numpy.dtype`; None when they can't be told."""
    if not isinstance(kind, Made) or kind.callee is None or kind.callee.name != "numpy.dtype":
        return None
    name = rows(kind.arguments)[0] if rows(kind.arguments) else None
    match = _TYPE.match(name) if isinstance(name, str) else None
    if not match or match[1] == "O":
        return None
    return int(match[2][:12]) * (4 if match[1] == "U" else 1)


def _holds_objects(kind: Value) -> bool:
    if not isinstance(kind, Made) or kind.callee is None or kind.callee.name != "numpy.dtype":
        return False
    return rows(kind.arguments)[:1] in (("O",), ("O8",))
