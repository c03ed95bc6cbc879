"""HDF5 files: superblock, and every object behind it."""

from __future__ import annotations

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.hdf5_content import judge_hdf5_content
from tests.fuzz import laws, seeds
from tests.fuzz.judging import MODEL_CODE, Answer, judged
from tests.support.hdf5_samples import PACKED, unpacked

SEEDS = seeds.both(seeds.of(Format.HDF5), lambda: [unpacked(name) for name in PACKED])
TOKENS = (
    b"\x89HDF\r\n\x1a\n", b"OHDR", b"OCHK", b"TREE", b"HEAP", b"SNOD", b"FRHP", b"FHDB", b"FHIB", b"BTHD", b"BTLF", b"BTIN", b"GCOL",
    b"\xff" * 8, bytes(8), *(bytes([kind, 0]) for kind in range(0x17)), b"model_config\0",
)  # fmt: skip


def answer(data: bytes) -> Answer:
    return judged(judge_hdf5_content, "m.h5", data, MODEL_CODE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
