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
    """Give what was added to embeddings, by the weight's name: shape (vocabulary, width), 32-bit floats.

    A head that is tied to them is left out: it has no weights of its own.
    """
    for name, module in network.model.base_model.model.named_modules():
        if hasattr(module, "trainable_tokens_delta") and module.tied_adapter is None:
            rows = module.token_indices["default"]
            added = torch.zeros_like(module.base_layer.weight, dtype=torch.float32, device="cpu")
            with torch.no_grad():
                added[rows] = (module.trainable_tokens_delta["default"] - module.base_layer.weight[rows]).float().cpu()
            yield f"{name}.weight", added
