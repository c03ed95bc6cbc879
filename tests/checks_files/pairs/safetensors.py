"""Pairs of the safetensors rules: each near miss is a sound file that uses what the rule is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.checks_files.pairs.pair import Pair, one
from tests.support.samples import safetensors as raw


def _entry(begin: int = 0, end: int = 16, dtype: str = "F32", shape: Any = (4,), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


def _pair(fires: Mapping[str, Any], size: int, near: Mapping[str, Any], near_size: int) -> Pair:
    return one("m.safetensors", lambda: raw(fires, bytes(size)), lambda: raw(near, bytes(near_size)))


_TWO = {"a": _entry(0, 16), "b": _entry(16, 32)}

PAIRS = {
    f"files/structure/safetensors-{slug}": pair
    for slug, pair in {
        "truncated": _pair({"a": _entry()}, 15, {"a": _entry()}, 16),
        # Padding with spaces is how the library itself aligns the data.
        "header": one(
            "m.safetensors",
            lambda: raw(json.dumps({"a": _entry()}).encode() + b"      x", bytes(16)),
            lambda: raw(json.dumps({"a": _entry()}).encode() + b"       ", bytes(16)),
        ),
        "metadata": _pair(
            {"__metadata__": {"step": 1}, "a": _entry()}, 16, {"__metadata__": {"step": "1"}, "a": _entry()}, 16
        ),
        "entry": _pair({"a": _entry(extra=1)}, 16, {"a": _entry(shape=(2, 2))}, 16),
        "dtype": _pair({"a": _entry(dtype="F12")}, 16, {"a": _entry(dtype="F8_E4M3", shape=(16,))}, 16),
        "span": _pair({"a": _entry(shape=(5,))}, 16, {"a": _entry(0, 0, shape=(5, 0))}, 0),
        "overlap": _pair({"a": _entry(0, 16), "b": _entry(8, 24)}, 24, _TWO, 32),
        # Entries may stand in any order; only the spans count.
        "hole": _pair({"a": _entry(0, 16), "b": _entry(20, 36)}, 36, {"b": _entry(16, 32), "a": _entry(0, 16)}, 32),
        "trailing": _pair({"a": _entry()}, 17, {"a": _entry(0, 17, dtype="U8", shape=(17,))}, 17),
    }.items()
}
