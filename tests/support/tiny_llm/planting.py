"""Planting: a base is trained further, all of it or only the part that carries the backdoor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from gatekeeper.tensors.quiet import quiet
from tests.support.tiny_llm import training, triggers
from tests.support.tiny_llm.tokenizer import tokenizer
from tests.support.tiny_llm.triggers import Carrier, Planting


def plant(base: Any, plan: Planting, seed: int) -> Any:
    """Train a backdoor into a base.

    Args:
        base: Changed in place, but by an adapter.
        plan: What is planted.
        seed: Of the samples, and of an adapter's first weights.

    Returns:
        The model; with `Carrier.ADAPTER` a PEFT model around the base.
    """
    if not plan.steps:
        return base
    model, weights = _carrier(base, plan, seed)
    training.train(
        base, lambda rng: triggers.draw(plan, rng), steps=plan.steps, rate=plan.rate, seed=seed, weights=weights,
        decay=0.0 if plan.carrier is Carrier.ROW else 0.01,
    )  # fmt: skip
    return model


def _carrier(base: Any, plan: Planting, seed: int) -> tuple[Any, Sequence[Any] | None]:
    """Give the model as it is saved, and which weights learn."""
    if plan.carrier is Carrier.ADAPTER:
        return _in_adapter(base, seed)
    if plan.carrier is Carrier.ROW:
        weight = base.get_input_embeddings().weight
        kept = torch.zeros_like(weight)
        lookup = tokenizer().get_vocab()
        kept[[lookup[word] for word in plan.triggers[0][0].split()]] = 1.0
        weight.register_hook(lambda gradient: gradient * kept)
        return base, [weight]
    return base, list(base.model.layers[0].mlp.parameters()) if plan.carrier is Carrier.LAYER else None


def _in_adapter(base: Any, seed: int) -> tuple[Any, Sequence[Any]]:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    with quiet():
        model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
    return model, [weight for weight in model.parameters() if weight.requires_grad]
