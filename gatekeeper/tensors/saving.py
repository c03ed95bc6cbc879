"""A tuned model as files: the adapter as PEFT writes it, the merged model with every untouched tensor as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from gatekeeper.errors import InputError
from gatekeeper.tensors.embeddings import changed, tied
from gatekeeper.tensors.network import Network
from gatekeeper.tensors.quiet import quiet
from gatekeeper.tensors.spreading import weights_of

_INDEX = "model.safetensors.index.json"
_TEXTS = frozenset({".json", ".txt", ".model", ".jinja", ".md"})
"""What is taken along from the model's folder: configuration, tokenizer, template, card. Never code."""

_WEIGHTS = frozenset({".safetensors", ".bin", ".gguf", ".pt", ".pth", ".onnx"})


def deltas(network: Network) -> dict[str, torch.Tensor]:
    """Give what the adapter adds to each weight, by the weight's name in the model without adapter, 32-bit floats.

    Raises:
        InputError: When the model wears no adapter.
    """
    if network.model is network.base:
        raise InputError("there is no adapter: nothing was tuned")
    found: dict[str, torch.Tensor] = {}
    for name, module in network.model.base_model.model.named_modules():
        if hasattr(module, "get_delta_weight") and hasattr(module, "lora_A"):
            with torch.no_grad():
                found[f"{name}.weight"] = module.get_delta_weight("default").float().cpu()
    found.update(changed(network))
    return found


def save_adapter(network: Network, folder: Path) -> None:
    """Write the adapter: `adapter_config.json` and `adapter_model.safetensors`."""
    with quiet():
        network.model.save_pretrained(str(folder))
    # PEFT's card is a form with nothing filled in.
    (folder / "README.md").unlink(missing_ok=True)


def save_merged(network: Network, source: Path | None, tokenizer: Any, folder: Path) -> None:
    """Write the model with its adapter merged.

    Args:
        network: Wearing the adapter.
        source: Folder of safetensors that the weights were read from; their untouched tensors stay as they are, byte
            for byte. None when there is no such folder: everything is written from memory.
        tokenizer: Written when there is no folder to take it from.
        folder: Exists and is empty.
    """
    added = deltas(network)
    shards = _shards(source) if source is not None else {}
    same = tied(network)
    if source is not None and set(added) <= set(shards):
        # A file may hold a tied head beside the embeddings: were it left as it was, it would be tied no more.
        _rewrite(source, shards, {**added, **{name: added[own] for name, own in same.items()}}, folder)
        return
    state = {name.replace(".base_layer", ""): weight for name, weight in _plain_state(network).items()}
    for name, delta in added.items():
        state[name] = (state[name].float().cpu() + delta).to(state[name].dtype)
    state.update({name: state[own] for name, own in same.items()})
    with quiet():
        network.base.save_pretrained(str(folder), state_dict=state)
        tokenizer.save_pretrained(str(folder))


def _plain_state(network: Network) -> Mapping[str, torch.Tensor]:
    model = network.model.base_model.model
    state = weights_of(model) if network.spread else model.state_dict()
    return {name: weight for name, weight in state.items() if ".lora_" not in name and ".trainable_tokens_" not in name}


def _shards(source: Path) -> dict[str, str]:
    """Say in which file of a folder each tensor lies; empty when it holds no safetensors."""
    from safetensors import safe_open

    index = source / _INDEX
    if index.is_file():
        return {str(k): str(v) for k, v in json.loads(index.read_text("utf-8"))["weight_map"].items()}
    single = source / "model.safetensors"
    if not single.is_file():
        return {}
    with safe_open(str(single), framework="pt") as file:
        return dict.fromkeys(file.keys(), single.name)


def _rewrite(source: Path, shards: Mapping[str, str], added: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Copy a model's files, with some tensors changed; one shard at a time is in memory."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    for shard in sorted(set(shards.values())):
        with safe_open(str(source / shard), framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping, despite keys()
            metadata = file.metadata()
        for name, tensor in tensors.items():
            if name in added:
                tensors[name] = (tensor.float() + added[name]).to(tensor.dtype).contiguous()
        save_file(tensors, str(folder / shard), metadata=metadata)
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix in _TEXTS and not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
