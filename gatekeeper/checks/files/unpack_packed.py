"""What is inside one compressed stream: gzip, bzip2, xz, zlib, lz4, zstd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.feed import Output, Refusal, RefusalKind
from gatekeeper.checks.files.inflate import inflate
from gatekeeper.checks.files.npy_header import allocation
from gatekeeper.checks.files.pickle_probe import Probe, has_proto, probe
from gatekeeper.checks.files.walk import Item, Walk, too_deep
from gatekeeper.limits import Limits

_ZF_PREFIX = 21
"""Bytes of joblib's prefix of 2013: a mark and the length in nineteen characters."""

_ENDINGS = frozenset({".gz", ".bz2", ".xz", ".lzma", ".z", ".zst", ".lz4"})
_SHORT = {".tgz": ".tar", ".tbz2": ".tar", ".txz": ".tar", ".tzst": ".tar"}
_PEEK = 1 << 16


def packed_contents(item: Item, walk: Walk) -> Iterator[Output]:
    """Give what a compressed stream holds; several streams in a row are joined, as every reader joins them.

    Raises:
        UnpackError: When it is broken, cut off or followed by something else.
        BombError: When it unpacks to far more than it takes.
        BudgetError: When the walk has cost all that it may.
    """
    deep = list(too_deep(item, walk.limits))
    yield from deep
    if deep:
        return
    walk.budget.open()
    item.reader.seek(0)
    start = _ZF_PREFIX if item.reader.read(2) == b"ZF" else 0
    free = _free(_head(item, start, walk.limits), walk.limits)
    item.reader.seek(start)
    disputed: list[str] = []
    stream = inflate(
        item.reader,
        item.format,
        packed=item.size - start,
        most=walk.limits.unpack_bytes,
        limits=walk.limits,
        free=free,
        disputed=disputed,
    )
    yield from walk.spooled(item, walk.budget.unpacked(stream, item.format), item.shown, _inner_name(item.name))
    for reason in disputed[:1]:
        yield Refusal(path=item.shown, reason=reason, kind=RefusalKind.BROKEN)


def _head(item: Item, start: int, limits: Limits) -> bytes:
    item.reader.seek(start)
    packed = item.size - start
    stream = inflate(item.reader, item.format, packed=packed, most=1 << 62, limits=limits, step=_PEEK)
    return next(stream, b"")


def _free(head: bytes, limits: Limits) -> int:
    """Give the bytes that are no bomb: what a loader allocates because the content itself asks for it.

    Pickles are given to the scanners up to `pickle_bytes`, so that far they are not refused for packing well: arrays
    of zeros do.
    """
    if has_proto(head) or probe(head, complete=False) is Probe.RUNS:
        return limits.pickle_bytes
    return max(limits.archive_free_bytes, min(allocation(head), limits.array_bytes))


def _inner_name(name: PurePosixPath) -> PurePosixPath:
    ending = name.suffix.lower()
    if ending in _SHORT:
        return name.with_suffix(_SHORT[ending])
    return name.with_suffix("") if ending in _ENDINGS else name
