"""safetensors headers."""

from __future__ import annotations

from pathlib import PurePosixPath

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.safetensors_header import BITS, judge_safetensors
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.mutate import with_length
from tests.fuzz.slugs import STRUCTURE

SEEDS = seeds.both(seeds.of(Format.SAFETENSORS), seeds.named(".safetensors"))
TOKENS = (
    b"__metadata__", b'"dtype"', b'"shape"', b'"data_offsets"', b"{}", b"[]", b"[0,0]", b"null", b"\\ud800", b"{", b"}", b" ",
    *(f'"{name}"'.encode() for name in BITS),
)  # fmt: skip
MEND = with_length


def answer(data: bytes) -> tuple[Problem, ...]:
    name = PurePosixPath("m.safetensors")
    return laws.well_said(judge_safetensors(laws.Counted(data), name, len(data), DEFAULT_LIMITS), STRUCTURE)


def one_input(data: bytes) -> None:
    found = laws.same_twice(answer, data)
    laws.cut_is_told(answer, data, found)
