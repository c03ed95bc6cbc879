"""The superblock of HDF5 files: where the file itself says that it ends (HDF5 File Format Specification 3.0, II.A)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits

_END_ADDRESS = {0: 40, 1: 44, 2: 28, 3: 28}
"""Superblock version → offset of the end-of-file address, for addresses of eight bytes."""


_UNDEFINED = 2**64 - 1


def judge_hdf5(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Find an HDF5 file that is shorter than its superblock says.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Bytes of the file.
        limits: Not used; 96 bytes are read.
    """
    reader.seek(0)
    head = reader.read(96)
    version = head[8] if len(head) > 8 else -1
    at = _END_ADDRESS.get(version)
    width = head[13 if version < 2 else 9] if len(head) > 13 else 0
    if at is None or width != 8 or len(head) < at + 8:
        yield Problem(slug="hdf5-header", message="the superblock can't be read", offset=8)
        return
    end = int.from_bytes(head[at : at + 8], "little")
    if end == _UNDEFINED or not end:
        yield Problem(slug="hdf5-header", message="the superblock does not say where the file ends", offset=at)
    elif end > size:
        message = f"the file says that it has {end} bytes, it has {size}"
        yield Problem(slug="hdf5-truncated", message=message, offset=size)
