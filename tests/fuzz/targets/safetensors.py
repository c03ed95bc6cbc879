"""safetensors headers."""

from __future__ import annotations

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


def one_input(data: bytes) -> None:
    found = laws.same_twice(answer, data)
    laws.cut_is_told(answer, data, found)
