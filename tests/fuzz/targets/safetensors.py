"""safetensors headers."""

from __future__ import annotations

from safetensors import SafetensorError, deserialize

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.safetensors_header import BITS, judge_safetensors
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer, judged
from tests.fuzz.mutate import with_length

SEEDS = seeds.both(seeds.of(Format.SAFETENSORS), seeds.named(".safetensors"))
TOKENS = (
    b'"__metadata__"', b'"dtype"', b'"shape"', b'"data_offsets"', b"{}", b"[]", b"[0,0]", b"null", b"\\ud800", b"{",
    b"}",
    b" ", b",", b":", *(f'"{name}"'.encode() for name in BITS),
)  # fmt: skip
MEND = with_length


def answer(data: bytes) -> Answer:
    return judged(judge_safetensors, "m.safetensors", data, STRUCTURE)


def _read_by_its_own_library(data: bytes) -> None:
    try:
        deserialize(data)
    except SafetensorError as error:
        raise laws.LawError("the format's own library refuses what nothing is wrong with", error) from error


def one_input(data: bytes) -> None:
    found = laws.same_twice(answer, data)
    if not found:
        _read_by_its_own_library(data)
    laws.cut_is_told(answer, data, found)
