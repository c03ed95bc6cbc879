"""Pairs of the npy and HDF5 rules."""

from __future__ import annotations

from tests.checks_files.pairs.pair import one
from tests.support.samples import hdf5, npy

PAIRS = {
    "files/structure/npy-header": one("a.npy", lambda: npy(b"", "<f4", "(-1,)"), lambda: npy(b"", "<f4", "(0, 3)")),
    "files/structure/npy-truncated": one(
        "a.npy", lambda: npy(bytes(3), "<f4", "(1,)"), lambda: npy(bytes(4), "<f4", "()")
    ),
    "files/structure/npy-trailing": one(
        "a.npy", lambda: npy(bytes(5), "<f4", "(1,)"), lambda: npy(bytes(5), "|u1", "(5,)")
    ),
    "files/structure/hdf5-header": one(
        "m.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes([77]) * 120, lambda: hdf5(bytes(64))
    ),
    # A user block before the superblock, or bytes that no group leads to, are allowed by the format.
    "files/structure/hdf5-truncated": one("m.h5", lambda: hdf5(bytes(64), claimed=10_000), lambda: hdf5(bytes(64))),
}
