"""Pairs of the shard index rules."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.checks_files.pairs.pair import Pair
from tests.support.samples import honest_safetensors

_INDEX = "model.safetensors.index.json"
_MAP = {"a": "one.safetensors", "b": "two.safetensors"}


def _sharded(weight_map: Mapping[str, str], total: int = 32) -> dict[str, bytes]:
    return {
        _INDEX: json.dumps({"metadata": {"total_size": total}, "weight_map": dict(weight_map)}).encode(),
        "one.safetensors": honest_safetensors(a=4),
        "two.safetensors": honest_safetensors(b=4),
    }


PAIRS = {
    "files/structure/index-unreadable": Pair(
        fires=lambda: {**_sharded(_MAP), _INDEX: b'{"weight_map": {}, "weight_map": {}}'}, near=lambda: _sharded(_MAP)
    ),
    "files/structure/index-missing": Pair(
        fires=lambda: _sharded({**_MAP, "b": "gone.safetensors"}), near=lambda: _sharded(_MAP)
    ),
    "files/structure/index-names": Pair(
        fires=lambda: _sharded({**_MAP, "c": "two.safetensors"}), near=lambda: _sharded(_MAP)
    ),
    # Tied weights are counted twice by some writers: less than a factor of two says nothing.
    "files/structure/index-size": Pair(
        fires=lambda: _sharded(_MAP, total=3_200_000), near=lambda: _sharded(_MAP, total=48)
    ),
}
