"""Headers of `.npy` files."""

from __future__ import annotations

import io
import warnings

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.npy_header import allocation, judge_npy, read_npy
from gatekeeper.checks.files.problem import StructureError
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer, judged
from tests.support.samples import npy

SEEDS = seeds.both(
    seeds.of(Format.NPY),
    lambda: (
        [npy(bytes(8), descr, "(2,)") for descr in ("<f4", "|O", "<M8[ns]", "<U1")] + [npy(bytes(12), "|V6", "(2, 1)")]
    ),
)
TOKENS = (
    b"\x93NUMPY\x01\0", b"\x93NUMPY\x02\0", b"\x93NUMPY\x03\0", b"'descr'", b"'fortran_order'", b"'shape'", b"True",
    b"False", b"()", b"(1,)",
    b"'<f4'", b"'|O'", b"[('a', '<i2')]", b"('<f4', (2,))", b"[('a', '<i2', (3,))]", b"{", b"}", b"L", b"-1", b"1e9",
    b"\n", b" ", b"#", b"\\x",
    b"'" * 3, b"lambda:0", b"(" * 20, b"b''", b"1j", b"9" * 30,
)  # fmt: skip


def answer(data: bytes) -> Answer:
    if allocation(data) < 0:
        raise laws.LawError("less than nothing")
    return judged(judge_npy, "a.npy", data, STRUCTURE)


def one_input(data: bytes) -> None:
    found = laws.same_twice(answer, data)
    if not _holds_objects(data) and _numpy_would_unpickle(data):
        raise laws.LawError("numpy would unpickle what is said to hold no objects")
    if not found and not _holds_objects(data):
        laws.cut_is_told(answer, data, found)


def _holds_objects(data: bytes) -> bool:
    """Whether the header says so, or can't be read, which is told."""
    try:
        return read_npy(io.BytesIO(data)).objects
    except StructureError:
        return True


def _numpy_would_unpickle(data: bytes) -> bool:
    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # numpy raises whatever a header makes it trip over
        return "Object arrays" in str(error)
    return False
