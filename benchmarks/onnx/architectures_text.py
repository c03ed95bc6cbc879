"""Networks that read token ids."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import nn

from benchmarks.onnx.architectures import HIDDEN, TOKENS, VOCABULARY, architecture, ids, masked, seeded
from benchmarks.onnx.exporting import Module

_BERT = {
    "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 64, "max_position_embeddings": 80, "num_labels": 6,
}  # fmt: skip
_CAUSAL = {
    "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "intermediate_size": 64, "max_position_embeddings": 80, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip


def network(kind: str, config: str, **options: Any) -> Any:
    """Make a Hugging Face network from a configuration alone."""
    library = import_module("transformers")
    return seeded(lambda: getattr(library, kind)(getattr(library, config)(**options)))


@architecture("text", held_out=False)
def bert() -> Module:
    """BERT with a head for classes."""
    return masked(network("BertForSequenceClassification", "BertConfig", **_BERT))


@architecture("text", held_out=True)
def distilbert() -> Module:
    """DistilBERT with a head for classes."""
    options = {"vocab_size": VOCABULARY, "dim": HIDDEN, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "num_labels": 6}
    return masked(network("DistilBertForSequenceClassification", "DistilBertConfig", **options))


@architecture("causal", held_out=False)
def llama() -> Module:
    """Llama: the next token, without a cache."""
    return masked(network("LlamaForCausalLM", "LlamaConfig", **_CAUSAL), use_cache=False)


@architecture("causal", held_out=False)
def gpt2() -> Module:
    """GPT-2: the next token, without a cache."""
    options = {"vocab_size": VOCABULARY, "n_embd": HIDDEN, "n_layer": 2, "n_head": 2, "n_positions": 80}
    return masked(network("GPT2LMHeadModel", "GPT2Config", **options, bos_token_id=1, eos_token_id=2), use_cache=False)


@architecture("causal", held_out=True)
def phi3() -> Module:
    """Phi-3: the next token, without a cache."""
    return masked(network("Phi3ForCausalLM", "Phi3Config", **_CAUSAL), use_cache=False)


@architecture("text", held_out=False)
def gru_tagger() -> Module:
    """A bidirectional recurrent network that gives each token classes."""
    layers = seeded(
        lambda: nn.ModuleList(
            [
                nn.Embedding(VOCABULARY, HIDDEN),
                nn.GRU(HIDDEN, HIDDEN // 2, batch_first=True, bidirectional=True),
                nn.Linear(HIDDEN, HIDDEN),
                nn.Linear(HIDDEN, 6),
            ]
        )
    )

    def call(net: Any, given: torch.Tensor) -> torch.Tensor:
        embedded = net[0](given)
        hidden = embedded + net[1](embedded)[0]
        logits: torch.Tensor = net[3](hidden + torch.relu(net[2](hidden)))
        return logits

    return Module(network=layers, call=call, inputs={"input_ids": (ids(), TOKENS)})


@architecture("causal with cache", held_out=False)
def qwen2_cached() -> Module:
    """Qwen2 with keys and values of the past as inputs and outputs."""
    return cached(network("Qwen2ForCausalLM", "Qwen2Config", **_CAUSAL))


def cached(net: Any, layers: int = 2, heads: int = 2, width: int = HIDDEN // 2) -> Module:
    """Call a causal network with the past, as exports for generation do."""
    library = import_module("transformers")
    names = [f"past_key_values.{layer}.{part}" for layer in range(layers) for part in ("key", "value")]
    past = {0: "batch", 2: "past"}
    inputs: dict[str, Any] = {
        "input_ids": (ids(2, 9), TOKENS),
        "attention_mask": (torch.ones(2, 14, dtype=torch.long), {0: "batch", 1: "past+sequence"}),
    }
    inputs |= {name: (torch.randn(2, heads, 5, width), past) for name in names}

    def call(net: Any, given: torch.Tensor, mask: torch.Tensor, *flat: torch.Tensor) -> tuple[torch.Tensor, ...]:
        cache = library.DynamicCache(ddp_cache_data=[(flat[2 * at], flat[2 * at + 1]) for at in range(layers)])
        answer = net(input_ids=given, attention_mask=mask, past_key_values=cache, use_cache=True)
        present = [part for layer in answer.past_key_values.layers for part in (layer.keys, layer.values)]
        return (answer.logits, *present)

    presents = tuple(name.replace("past_key_values", "present") for name in names)
    return Module(network=net, call=call, inputs=inputs, outputs=("logits", *presents))


def prefill(net: Any) -> Module:
    """Call a causal network without a past, giving the cache that the next turn takes."""

    def call(inner: Any, given: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        answer = inner(input_ids=given, attention_mask=mask, use_cache=True)
        present = [part for layer in answer.past_key_values.layers for part in (layer.keys, layer.values)]
        return (answer.logits, *present)

    example = ids()
    inputs = {"input_ids": (example, TOKENS), "attention_mask": (torch.ones_like(example), TOKENS)}
    names = tuple(f"present.{layer}.{part}" for layer in range(2) for part in ("key", "value"))
    return Module(network=net, call=call, inputs=inputs, outputs=("logits", *names))
