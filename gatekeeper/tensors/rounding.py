"""Weights rounded to eight bits, to see what quantisation would do to a model's behaviour."""

from __future__ import annotations

from typing import Any

import torch

_GREATEST = 127
_LINEAR = frozenset({"Linear", "Conv1D"})


def round_weights(model: Any) -> int:
    """Round the weights of linear modules to eight bits and back, in place.

    Symmetric, with one scale for each output: what weight-only int8 loaders do. Embeddings, norms and the output layer
    stay, as they do there.

    Args:
        model: Of `transformers`.

    Returns:
        How many modules were rounded.
    """
    head = model.get_output_embeddings()
    count = 0
    for module in model.modules():
        if type(module).__name__ not in _LINEAR or module is head:
            continue
        # GPT-2's own linear modules have their outputs in columns.
        inputs = 0 if type(module).__name__ == "Conv1D" else 1
        with torch.no_grad():
            weight = module.weight.float()
            scale = (weight.abs().amax(dim=inputs, keepdim=True) / _GREATEST).clamp(min=1e-12)
            rounded = (weight / scale).round().clamp(-_GREATEST, _GREATEST) * scale
            module.weight.copy_(rounded.to(module.weight.dtype))
        count += 1
    return count
