"""Whether a file of `torch.save` before 1.6 is whole: five pickles, then each storage with its length, to the end.

Only the pickles and eight bytes of each storage are read (torch/serialization.py, `_legacy_save`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.pickle_record import Broken, Record, Spent
from gatekeeper.checks.files.pickle_walk import walk_pickle
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.torch_ids import StorageId
from gatekeeper.checks.files.torch_zip import named_storages
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_BEFORE = 3
"""Pickles before the object: magic number, protocol, system."""

_COUNT = 8
"""Bytes of a storage's number of elements."""


def judge_torch_legacy(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Follow a file of torch's old format from its first pickle to its last storage.

    Args:
        reader: The file, seekable.
        name: Its name; of no matter here.
        size: Its size in bytes.
        limits: `pickle_*` bound the work.
    """
    record = Record(limits=limits)
    listed = Record(limits=limits, texts=[])
    at = 0
    try:
        for _ in range(_BEFORE):
            at = walk_pickle(reader, at, size, Record(limits=limits))
        at = walk_pickle(reader, at, size, record)
        at = walk_pickle(reader, at, size, listed)
    except Broken as broken:
        slug = "torch-legacy-truncated" if broken.truncated else "torch-legacy-streams"
        yield Problem(slug=slug, message=f"one of its five pickles breaks off: {broken.message}", offset=at)
        return
    except Spent as spent:
        yield Problem(slug="torch-legacy-streams", message=f"its pickles were not followed: {spent}", offset=at)
        return
    yield from _storages(reader, at, size, named_storages(record), listed.texts or [])


def _storages(
    reader: BinaryIO, at: int, size: int, named: dict[str, StorageId], listed: list[str]
) -> Iterator[Problem]:
    if set(named) != set(listed) or len(set(listed)) != len(listed):
        odd = sorted(set(named) ^ set(listed))[:3]
        message = f"its list of storages and its pickle differ ({printable(', '.join(odd) or 'one stands twice', 120)})"
        yield Problem(slug="torch-legacy-storage", message=message, offset=at)
        return
    for key in listed:
        storage = named[key]
        if at + _COUNT > size:
            yield Problem(
                slug="torch-legacy-truncated", message=f"storage {printable(key, 80)!r} is cut off", offset=at
            )
            return
        reader.seek(at)
        elements = int.from_bytes(reader.read(_COUNT), "little", signed=True)
        if elements != storage.elements:
            message = f"storage {printable(key, 80)!r} has {elements} elements, the pickle says {storage.elements}"
            yield Problem(slug="torch-legacy-storage", message=message, offset=at)
            return
        at += _COUNT + storage.size
    if at > size:
        yield Problem(slug="torch-legacy-truncated", message=f"it ends {at - size} bytes before its last storage does")
    elif at < size:
        message = f"{size - at} bytes follow the last storage"
        yield Problem(slug="torch-legacy-trailing", message=message, offset=at)
