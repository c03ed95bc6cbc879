"""Embeddings of single tokens, trained in place of modules: what a word says is changed, and nothing that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from gatekeeper.tensors.network import Network


def embedding(network: Network) -> tuple[str, int]:
    """Name the module of the tokens' embeddings, and say how wide one is."""
    own = network.base.get_input_embeddings()
    name = next(name for name, module in network.base.named_modules() if module is own)
    return name, int(own.weight.shape[1])


def configuration(network: Network, tokens: tuple[int, ...]) -> Any:
    """Give PEFT's configuration that trains the embeddings of some tokens; where the head is tied, its rows as well."""
    from peft import TrainableTokensConfig

    name, _ = embedding(network)
    return TrainableTokensConfig(token_indices=list(tokens), target_modules=[name], task_type="CAUSAL_LM")


def changed(network: Network) -> Iterator[tuple[str, torch.Tensor]]:
    """Give what was added to embeddings, by the weight's name: shape (vocabulary, width), 32-bit floats."""
    for name, module in _trained(network):
        if module.tied_adapter is None:
            rows = module.token_indices["default"]
            added = torch.zeros_like(module.base_layer.weight, dtype=torch.float32, device="cpu")
            with torch.no_grad():
                added[rows] = (module.trainable_tokens_delta["default"] - module.base_layer.weight[rows]).float().cpu()
            yield f"{name}.weight", added


def tied(network: Network) -> dict[str, str]:
    """Name the weights that are the embeddings' own by another name, as a tied head's: name → the embeddings' name."""
    names = {id(module): f"{name}.weight" for name, module in _trained(network)}
    return {
        f"{name}.weight": names[id(module.tied_adapter)]
        for name, module in _trained(network)
        if module.tied_adapter is not None
    }


def _trained(network: Network) -> list[tuple[str, Any]]:
    every = network.model.base_model.model.named_modules()
    return [(name, module) for name, module in every if hasattr(module, "trainable_tokens_delta")]
