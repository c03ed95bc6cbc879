"""Pairs of the npy and HDF5 rules."""

from __future__ import annotations

from tests.checks_files.pairs.pair import one
from tests.support.samples import hdf5, npy


def _flax(kind: int = 1, length: int = 8) -> bytes:
    """One array of two float32 values, as Flax writes them."""
    array = b"\x93\x91\x02\xa7float32\xc4" + bytes([length]) + bytes(length)
    return b"\x81\xa1w\xc7" + bytes([len(array), kind]) + array


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
    "files/structure/msgpack-truncated": one("m.msgpack", lambda: _flax()[:-1], lambda: _flax()),
    "files/structure/msgpack-trailing": one("m.msgpack", lambda: _flax() + b"\0", lambda: _flax()),
    "files/structure/msgpack-header": one("m.msgpack", lambda: b"\x81\xa1a\xc1", lambda: b"\x81\xa1a\xc0"),
    "files/structure/msgpack-type": one("m.msgpack", lambda: _flax(kind=9), lambda: _flax(kind=3)),
    "files/structure/msgpack-array": one("m.msgpack", lambda: _flax(length=5), lambda: _flax()),
    "files/structure/hdf5-truncated": one("m.h5", lambda: hdf5(bytes(64), claimed=10_000), lambda: hdf5(bytes(64))),
}
