"""Indexes of checkpoints in several files."""

from __future__ import annotations

import io
from pathlib import PurePosixPath

from gatekeeper.checks.files.safetensors_header import read_header
from gatekeeper.checks.files.shard_index import judge_index, judge_shards
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer
from tests.support.samples import honest_safetensors

_SHARD = honest_safetensors(weight=4)
_NAMES = ("a/model-00001-of-00002.safetensors", "a/model-00002-of-00002.safetensors")
_INDEX = b'{"metadata": {"total_size": 32}, "weight_map": {"weight": "model-00001-of-00002.safetensors"}}'

SEEDS = seeds.both(seeds.named(".index.json"), lambda: [_INDEX])
TOKENS = (
    b'"metadata"', b'"total_size"', b'"weight_map"', b'"weight"', b'"model-00001-of-00002.safetensors"', b"{", b"}",
    b"[", b"]",
    b"..", b"/", b"\\u0000", b"\\ud800", b"1e400", b"-1", b"null", b"true", b'"a": 1,', b"-00001-of-", b"\n",
)  # fmt: skip


def answer(data: bytes) -> Answer:
    headers = {name: read_header(io.BytesIO(_SHARD), len(_SHARD), DEFAULT_LIMITS) for name in _NAMES}
    depth = DEFAULT_LIMITS.json_depth
    found = judge_index(data, PurePosixPath("a"), headers.__contains__, headers, depth=depth)
    paths = [PurePosixPath(line) for line in data.decode("utf-8", "surrogateescape").split("\n") if line]
    return laws.well_said([*found, *(problem for _, problem in judge_shards(paths))], STRUCTURE)


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
