"""Repos that hold less, or more, than loaders look for, beside repos that are whole."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tests.checks_files.pairs.pair import Pair

_CONFIG = {"config.json": json.dumps({"model_type": "llama"}).encode()}
_WEIGHTS = {"model.safetensors": b"x"}
_ADAPTER = {"adapter_config.json": b"{}"}

PAIRS: Mapping[str, Pair] = {
    "files/load-path/weights-missing": Pair(
        fires=lambda: _ADAPTER,
        near=lambda: _ADAPTER | {"adapter_model.safetensors": b"x"},
    ),
    "files/load-path/nothing-to-load": Pair(
        fires=lambda: _CONFIG,
        near=lambda: _CONFIG | _WEIGHTS,
    ),
    "files/load-path/two-sets": Pair(
        fires=lambda: _CONFIG | _WEIGHTS | {"pytorch_model.bin": b"x"},
        near=lambda: _CONFIG | _WEIGHTS | {"model.fp16.safetensors": b"x"},
    ),
}
