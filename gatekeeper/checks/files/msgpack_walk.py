"""Whether a msgpack file (Flax weights) is whole: one value that ends where the file does.

Values are stepped over and not read, so weights cost their headers. A container adds to the number of values that are
still owed, so that nesting needs no stack (https://github.com/msgpack/msgpack/blob/master/spec.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem, UnsupportedError
from gatekeeper.limits import Limits

_FIXED = {0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8,
          0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}  # fmt: skip
"""First byte → bytes that follow."""

_COUNTED = {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1),
            0xD9: (1, 0), 0xDA: (2, 0), 0xDB: (4, 0)}  # fmt: skip
"""First byte → bytes of the length that follows, and bytes beyond the content that it counts."""

_CONTAINERS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
"""First byte → bytes of the count that follows, and values for each item."""


def judge_msgpack(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Step over the values of a msgpack file.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: `fields` bounds the walk.

    Raises:
        UnsupportedError: When it has more values than are looked at.
    """
    at = 0
    owed = 1
    for _ in range(limits.fields):
        if not owed:
            break
        reader.seek(at)
        found = _step(reader.read(5))
        if found is None:
            yield Problem(slug="msgpack-header", message="there is no value where one should begin", offset=at)
            return
        at, owed = at + found[0], owed - 1 + found[1]
        if at > size or (owed and at == size):
            yield Problem(slug="msgpack-truncated", message="a value ends after the file does", offset=size)
            return
    if owed:
        raise UnsupportedError("more values than are looked at")
    if at < size:
        yield Problem(slug="msgpack-trailing", message=f"{size - at} bytes follow the value", offset=at)


def _step(head: bytes) -> tuple[int, int] | None:
    """Give the bytes that a value takes and the values that it owes; None for a byte that begins none."""
    if not head:
        return 1, 0  # the end of the file, which the caller sees
    first = head[0]
    if first < 0x80 or first >= 0xE0:
        return 1, 0
    if first < 0x90:
        return 1, 2 * (first & 0x0F)
    if first < 0xA0:
        return 1, first & 0x0F
    if first < 0xC0:
        return 1 + (first & 0x1F), 0
    if first in _FIXED:
        return 1 + _FIXED[first], 0
    if first in _COUNTED:
        width, more = _COUNTED[first]
        return 1 + width + more + int.from_bytes(head[1 : 1 + width], "big"), 0
    if first in _CONTAINERS:
        width, each = _CONTAINERS[first]
        return 1 + width, each * int.from_bytes(head[1 : 1 + width], "big")
    return None
