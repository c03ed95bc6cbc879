"""Pairs of the GGUF rules."""

from __future__ import annotations

import struct

from tests.checks_files.pairs.pair import Pair, one
from tests.support import samples
from tests.support.samples import gguf, gguf_pair, gguf_tensor, gguf_text


def _f32(name: str, offset: int, *shape: int) -> bytes:
    return gguf_tensor(name, shape, 0, offset)


def _u32(key: str, value: int) -> bytes:
    return gguf_pair(key, 4, struct.pack("<I", value))


def _part(number: int, count: int) -> bytes:
    return gguf(
        [gguf_pair("split.no", 2, struct.pack("<H", number)), gguf_pair("split.count", 2, struct.pack("<H", count))]
    )


PAIRS = {
    f"files/structure/gguf-{slug}": pair
    for slug, pair in {
        # The padding of the last tensor is often left out, and nothing else may be.
        "truncated": one("m.gguf", lambda: samples.honest_gguf()[:-33], lambda: samples.honest_gguf()[:-12]),
        "header": one("m.gguf", lambda: gguf(counts=(2**60, 0)), lambda: gguf(version=2)),
        "string": one(
            "m.gguf",
            lambda: gguf([], [gguf_tensor("n" * 300, [1], 0, 0)], bytes(32)),
            lambda: gguf([gguf_pair("note", 8, gguf_text("n" * 300))], [_f32("n" * 60, 0, 1)], bytes(32)),
        ),
        "type": one("m.gguf", lambda: gguf([gguf_pair("k", 7, b"\x05")]), lambda: gguf([gguf_pair("k", 7, b"\x01")])),
        "duplicate": one(
            "m.gguf", lambda: gguf([_u32("k", 1), _u32("k", 1)]), lambda: gguf([_u32("k", 1), _u32("K", 1)])
        ),
        "alignment": one(
            "m.gguf",
            lambda: gguf([_u32("general.alignment", 24)]),
            lambda: gguf([_u32("general.alignment", 64)], [_f32("a", 0, 1)], bytes(64), alignment=64),
        ),
        "shape": one(
            "m.gguf",
            lambda: gguf([], [_f32("a", 0, 2**40, 2**40)], bytes(32)),
            lambda: gguf([], [_f32("a", 0, 2, 1, 2, 1)], bytes(32)),
        ),
        "overlap": one(
            "m.gguf",
            lambda: gguf([], [_f32("a", 0, 16), _f32("b", 32, 8)], bytes(64)),
            lambda: gguf([], [_f32("a", 0, 16), _f32("b", 64, 8)], bytes(96)),
        ),
        "hole": one(
            "m.gguf",
            lambda: gguf([], [_f32("a", 0, 8), _f32("b", 64, 8)], bytes(96)),
            lambda: gguf([], [_f32("a", 0, 9), _f32("b", 64, 8)], bytes(96)),
        ),
        "trailing": one(
            "m.gguf", lambda: gguf([], [_f32("a", 0, 8)], bytes(33)), lambda: gguf([], [_f32("a", 0, 9)], bytes(64))
        ),
        "split": Pair(
            fires=lambda: {"m-00001-of-00002.gguf": _part(0, 2)},
            near=lambda: {"m-00001-of-00002.gguf": _part(0, 2), "m-00002-of-00002.gguf": _part(1, 2)},
        ),
    }.items()
}
