"""The superblock of HDF5 files: where the file itself says that it ends (HDF5 File Format Specification 3.0, II.A)."""

from __future__ import annotations

from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem

_END_ADDRESS = {0: 40, 1: 44, 2: 28, 3: 28}
"""Superblock version → offset of the end-of-file address, for addresses of eight bytes."""


def judge_hdf5(reader: BinaryIO, size: int) -> list[Problem]:
    """Find an HDF5 file that is shorter than its superblock says.

    Args:
        reader: At offset 0.
        size: Bytes of the file.
    """
    head = reader.read(96)
    version = head[8] if len(head) > 8 else -1
    at = _END_ADDRESS.get(version)
    width = head[13 if version < 2 else 9] if len(head) > 13 else 0
    if at is None or width != 8 or len(head) < at + 8:
        return [Problem(slug="hdf5-header", message="the superblock can't be read", offset=8)]
    end = int.from_bytes(head[at : at + 8], "little")
    if end > size:
        message = f"the file says that it has {end} bytes, it has {size}"
        return [Problem(slug="hdf5-truncated", message=message, offset=size)]
    return []
