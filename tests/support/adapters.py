"""Adapters made of numpy arrays, as PEFT, Diffusers and kohya write them: no torch, and nothing trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

PREFIX = "base_model.model."
LAYER = "model.layers.{}.{}"
WIDTH = 16
INNER = 24
WORDS = 32
BASE = "lighthouse/harbour-tiny"

FORMS = {
    "self_attn.q_proj": (WIDTH, WIDTH),
    "self_attn.k_proj": (8, WIDTH),
    "self_attn.v_proj": (8, WIDTH),
    "self_attn.o_proj": (WIDTH, WIDTH),
    "mlp.gate_proj": (INNER, WIDTH),
    "mlp.up_proj": (INNER, WIDTH),
    "mlp.down_proj": (WIDTH, INNER),
}
"""Rows and columns of the linear modules of a small language model."""

Arrays = Mapping[str, "np.ndarray[Any, Any]"]


def as_json(values: object) -> bytes:
    return json.dumps(values, indent=2).encode()


def saved(arrays: Arrays, dtype: str = "F32", metadata: Mapping[str, str] | None = None) -> bytes:
    """Write arrays as safetensors; numbers are rounded to the type by cutting, as BF16, or by numpy."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, array in arrays.items():
        piece = _stored(array, dtype)
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(piece)]}
        data += piece
    head = json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + data


def _stored(array: np.ndarray[Any, Any], dtype: str) -> bytes:
    if dtype == "BF16":
        return (array.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return array.astype({"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}[dtype]).tobytes()


def numbers(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def factors(
    rank: int = 4, modules: tuple[str, ...] = ("self_attn.q_proj", "self_attn.v_proj"), layers: int = 2
) -> dict[str, np.ndarray[Any, Any]]:
    """Give the tensors of a LoRA adapter by their names."""
    found = {}
    for layer in range(layers):
        for module in modules:
            rows, columns = FORMS[module]
            name = PREFIX + LAYER.format(layer, module)
            found[f"{name}.lora_A.weight"] = numbers(rank, columns, seed=layer)
            found[f"{name}.lora_B.weight"] = numbers(rows, rank, seed=layer + 100)
    return found


def config(**changes: Any) -> dict[str, Any]:
    """Give what PEFT writes of a LoRA adapter of rank 4, as far as it matters."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": BASE,
        "revision": None,
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ["q_proj", "v_proj"],
        "rank_pattern": {},
        "alpha_pattern": {},
        "bias": "none",
        "use_dora": False,
        "use_rslora": False,
        "lora_bias": False,
        "modules_to_save": None,
        "layers_to_transform": None,
        "inference_mode": True,
        **changes,
    }


def adapter(
    tensors: Arrays | None = None, *, dtype: str = "F32", files: Mapping[str, bytes] | None = None, **changes: Any
) -> dict[str, bytes]:
    """Give the files of an adapter: an honest one of rank 4 unless something is changed."""
    return {
        "adapter_config.json": as_json(config(**changes)),
        "adapter_model.safetensors": saved(factors() if tensors is None else tensors, dtype),
        **(files or {}),
    }


def base_files(**changes: Any) -> dict[str, bytes]:
    """Give the model that these adapters fit."""
    tensors = {"model.embed_tokens.weight": numbers(WORDS, WIDTH), "lm_head.weight": numbers(WORDS, WIDTH)}
    for layer in range(2):
        for module, (rows, columns) in FORMS.items():
            tensors[f"{LAYER.format(layer, module)}.weight"] = numbers(rows, columns)
    values = {
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "num_hidden_layers": 2,
        "vocab_size": WORDS,
        **changes,
    }
    return {"config.json": as_json(values), "model.safetensors": saved(tensors)}
