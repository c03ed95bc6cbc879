"""Which tensors of an adapter take the place of the base's, and what kind of module each is of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from gatekeeper.checks.adapter.config import AdapterConfig
from gatekeeper.checks.adapter.layout import Adapter, AdapterTensor, Part

_EMBEDDINGS = frozenset({
    "embed_tokens", "wte", "wpe", "word_embeddings", "embeddings", "embed_in", "embedding", "tok_embeddings",
    "embed_positions", "position_embeddings", "token_embedding", "shared", "embed", "token_type_embeddings",
})  # fmt: skip
_HEADS = frozenset({"lm_head", "embed_out", "output", "output_layer", "unembed", "final_logits"})
_NEW_HEADS = {
    "SEQ_CLS": frozenset({"score", "classifier", "classification_head", "pre_classifier", "summary", "v_head"}),
    "TOKEN_CLS": frozenset({"score", "classifier"}),
    "QUESTION_ANS": frozenset({"qa_outputs"}),
}
"""Layers that a task adds to a language model: there is nothing of the base's that they could replace."""

_MOST_SAVED = 1_000
"""Names in `modules_to_save` that are looked at; a tensor that a later one would declare counts as not declared."""

_NORM = re.compile(r"(?:^|[._])(?:layer_?norm|rms_?norm|norm\d*|ln_?\w*|\w*_norm|\w*layernorm\w*)$", re.IGNORECASE)

Replaced = Mapping[str, tuple[str, ...]]
"""Slug of `adapter/scope` → names of what it is about."""


def replaced(adapter: Adapter) -> Replaced:
    """Sort what an adapter replaces, or changes where adapters rarely do, by what it is.

    Args:
        adapter: As read.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    for tensor in adapter.whole:
        slug = _slug(tensor, adapter.config)
        if slug:
            found[slug].append(tensor.name)
    for module in adapter.modules:
        parts = {tensor.part for tensor in module.tensors}
        if Part.B_BIAS in parts:
            found["bias"].append(module.name)
        if Part.EMBEDDING_A in parts or module.target in _EMBEDDINGS:
            found["embeddings"].append(module.name)
        elif module.target in _HEADS:
            found["output-layer"].append(module.name)
        elif _NORM.search(module.name):
            found["norm"].append(module.name)
    return {slug: tuple(names) for slug, names in found.items()}


def _slug(tensor: AdapterTensor, config: AdapterConfig | None) -> str:
    """Say which rule a whole tensor falls under; empty when it replaces nothing."""
    word = tensor.module.rpartition(".")[2]
    declared = _is_declared(tensor, config)
    if tensor.part is Part.TOKENS:
        said = config is None or config.tokens or config.peft_type == "TRAINABLE_TOKENS"
        return "token-rows" if said else "hidden-weights"
    # PEFT saves both by itself when the vocabulary was resized, and the configuration does not tell.
    if word in _EMBEDDINGS and len(tensor.shape) == 2:
        return "embeddings"
    if word in _HEADS and len(tensor.shape) == 2:
        return "output-layer"
    if not declared:
        return "hidden-weights"
    task = str(config.values.get("task_type")) if config else ""
    if any(part in _NEW_HEADS.get(task, ()) for part in tensor.module.split(".")):
        return ""
    if tensor.part is Part.BIAS:
        return "bias"
    return "norm" if _NORM.search(tensor.module) else "whole-layer"


def _is_declared(tensor: AdapterTensor, config: AdapterConfig | None) -> bool:
    if config is None:
        return False
    # A name in `modules_to_save` stands for every module whose path ends so, and for whatever lies below it.
    words = tensor.module.split(".")
    above = [".".join(words[:end]) for end in range(1, len(words) + 1)]
    if any(path.endswith(name) for name in config.saved[:_MOST_SAVED] for path in above):
        return True
    if str(config.values.get("task_type")) in _NEW_HEADS and words[-1] in _NEW_HEADS[str(config.values["task_type"])]:
        return True
    return tensor.part is Part.BIAS and config.bias in {"all", "lora_only"}
