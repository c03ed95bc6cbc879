"""Whether the numbers of an adapter are numbers, read once from front to back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gatekeeper.checks.adapter.layout import AdapterTensor
from gatekeeper.checks.adapter.values import UnreadableError, read_pieces
from gatekeeper.limits import Limits
from gatekeeper.progress import Progress

_WHOLE_NUMBERS = frozenset({"BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64"})
"""Types that have nothing but numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """What was found."""

    wrong: tuple[AdapterTensor, ...]
    """Tensors with a value that is no number, or infinite."""

    unread: tuple[str, ...]
    """Why tensors were not looked at, each reason once; printable."""


def scan(tensors: Iterable[AdapterTensor], limits: Limits, progress: Progress) -> Scan:
    """Look for values that are no numbers or infinite.

    Args:
        tensors: What to read.
        limits: `adapter_scan_bytes` bounds the reading.
        progress: Told of bytes.

    Raises:
        ContentChangedError: When a file is no longer the one that was hashed.
    """
    import numpy as np

    chosen = [tensor for tensor in tensors if tensor.dtype not in _WHOLE_NUMBERS]
    left = limits.adapter_scan_bytes
    wrong, unread = [], {}
    with progress.task("reading the adapter", sum(tensor.size for tensor in chosen), "bytes") as advance:
        for tensor in chosen:
            left -= tensor.size
            if left < 0:
                unread[f"tensors were not read: more than adapter_scan_bytes allows ({limits.adapter_scan_bytes})"] = 1
                break
            try:
                for piece in read_pieces(tensor):
                    if not np.isfinite(piece).all():
                        wrong.append(tensor)
                        break
            except UnreadableError as error:
                unread[str(error)] = 1
            advance(tensor.size)
    return Scan(wrong=tuple(wrong), unread=tuple(unread))
