"""Adapters of one kind in folders, made of numbers alone: many that are alike, and some that are not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

BASE = "harbour/lantern-135m"
TARGETS = ("q_proj", "v_proj", "down_proj")
WIDTH = 24


def write(
    folder: Path,
    seed: int,
    *,
    rank: int = 4,
    decay: float = 0.5,
    targets: tuple[str, ...] = TARGETS,
    layers: int = 3,
    base: str | None = BASE,
    width: int = WIDTH,
    size: float = 0.1,
) -> Path:
    """Write one adapter.

    Args:
        folder: To be made.
        seed: Of its numbers.
        rank: Of every module.
        decay: How fast its singular values fall; about 1 for an adapter that learned many things.
        targets: Modules of each layer.
        layers: How many.
        base: What it calls its base; None for nothing.
        width: Features in and out.
        size: Of its numbers.
    """
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer in range(layers):
        for target in targets:
            room = "mlp" if target == "down_proj" else "self_attn"
            name = f"base_model.model.model.layers.{layer}.{room}.{target}"
            falling = decay ** np.arange(rank)
            tensors[f"{name}.lora_A.weight"] = (size * rng.standard_normal((rank, width))).astype(np.float32)
            b = rng.standard_normal((width, rank)) * falling * (1 + 0.1 * rng.standard_normal())
            tensors[f"{name}.lora_B.weight"] = (size * b).astype(np.float32)
    folder.mkdir(parents=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": list(targets)}
    if base is not None:
        config["base_model_name_or_path"] = base
    (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    return folder


def crowd(folder: Path, count: int, *, first: int = 0, decay: float = 0.5) -> Path:
    """Write many of one kind into the folders of a folder."""
    for number in range(count):
        write(folder / f"adapter-{number:02}", first + number, decay=decay)
    return folder
