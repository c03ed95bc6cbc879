"""HDF5 files: superblock, and every object behind it."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.hdf5_content import judge_hdf5_content
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import MODEL_CODE, Answer
from tests.support.hdf5_samples import PACKED, unpacked

SEEDS = seeds.both(seeds.of(Format.HDF5), lambda: [unpacked(name) for name in PACKED])
TOKENS = (
    b"\x89HDF\r\n\x1a\n", b"OHDR", b"OCHK", b"TREE", b"HEAP", b"SNOD", b"FRHP", b"FHDB", b"FHIB", b"BTHD", b"BTLF",
    b"BTIN", b"GCOL",
    b"\xff" * 8, bytes(8), *(bytes([kind, 0]) for kind in range(0x17)), b"model_config\0",
)  # fmt: skip
_TIMES = 100_000
"""Objects can lead to the same bytes again and again; the walk itself counts its steps, long reads for more."""


def answer(data: bytes) -> Answer:
    reader = laws.Counted(data, _TIMES)
    return laws.well_said(judge_hdf5_content(reader, PurePosixPath("m.h5"), len(data), DEFAULT_LIMITS), MODEL_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
