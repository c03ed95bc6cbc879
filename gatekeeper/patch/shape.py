"""A model's size by its configuration alone: how many weights it has, and how large its linear modules are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.errors import InputError
from gatekeeper.text import printable

_MOST = 2**40
"""Greatest number of one kind that is believed; the largest models have 2^18 words and 2^7 layers."""

_UNGATED = frozenset(
    ("bloom", "codegen", "falcon", "gpt2", "gpt_bigcode", "gpt_neo", "gpt_neox", "gptj", "mpt", "opt", "phi")
)
"""Kinds whose feed-forward part has two matrices; in all others of today it has three."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What memory and time follow from."""

    kind: str
    """`model_type`, printable."""

    parameters: int
    """Weights in all."""

    active: int
    """Weights that one token passes through: fewer where there are experts."""

    hidden: int
    layers: int
    vocabulary: int
    linear: int
    """Sum of inputs and outputs of all linear modules that LoRA is laid on: times the rank, its weights."""


def shape_of(config: Mapping[str, Any]) -> Shape:
    """Read a `config.json`.

    Counted are embeddings, attention (with grouped keys and values) and feed-forward matrices (experts included);
    norms and biases, which are under a thousandth, are not.

    Args:
        config: As it was parsed; hostile.

    Raises:
        InputError: When it does not say how large a causal language model is.
    """
    inner = config.get("text_config")
    text = {**config, **inner} if isinstance(inner, Mapping) else config
    kind = printable(str(text.get("model_type", "")), 40)
    if config.get("is_encoder_decoder") is True:
        raise InputError(f"{kind or 'it'} is an encoder with a decoder, no causal language model")
    hidden = _count(text, "hidden_size", "n_embd", "d_model")
    layers = _count(text, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
    heads = _count(text, "num_attention_heads", "n_head", "n_heads")
    vocabulary = _count(text, "vocab_size")
    shared = _count(text, "num_key_value_heads", "num_kv_heads", default=heads)
    wide = _count(text, "head_dim", default=max(1, hidden // heads))
    feed = _count(text, "intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", default=4 * hidden)
    experts = _count(text, "num_local_experts", "num_experts", "n_routed_experts", default=1)
    used = min(experts, _count(text, "num_experts_per_tok", "moe_topk", default=1 if experts == 1 else 2))
    if experts > 1:
        feed = _count(text, "moe_intermediate_size", default=feed)
    attention = [(hidden, heads * wide), (hidden, shared * wide), (hidden, shared * wide), (heads * wide, hidden)]
    matrices = 2 if kind in _UNGATED else 3
    embeddings = vocabulary * hidden * (1 if text.get("tie_word_embeddings", config.get("tie_word_embeddings")) else 2)
    attended = sum(one * other for one, other in attention)
    expert = matrices * hidden * feed
    return Shape(
        kind=kind,
        parameters=embeddings + layers * (attended + experts * expert),
        active=embeddings + layers * (attended + used * expert),
        hidden=hidden,
        layers=layers,
        vocabulary=vocabulary,
        linear=layers * (sum(one + other for one, other in attention) + experts * matrices * (hidden + feed)),
    )


def _count(config: Mapping[str, Any], *names: str, default: int = 0) -> int:
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST:
            return value
        if value is not None:
            raise InputError(f"config.json: {name} is {printable(repr(value), 60)}, and a count was expected")
    if default:
        return default
    raise InputError(f"config.json has no {names[0]}", hint="a plan needs the configuration of a causal language model")
