"""Torch archives against the storages that their pickles name."""

from __future__ import annotations

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.torch_zip import judge_torch_zip
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer, judged

SEEDS = seeds.both(seeds.of(Format.TORCH_ZIP, Format.TORCHSCRIPT), seeds.named(".pt"))
TOKENS = (
    b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"archive/data.pkl", b"archive/version", b"archive/data/0",
    b".data/version",
    b"FloatStorage", b"storage", b"ctorch\n", b"Q", b"K\x04", b"/",
)  # fmt: skip


def answer(data: bytes) -> Answer:
    return judged(judge_torch_zip, "m.pt", data, STRUCTURE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
