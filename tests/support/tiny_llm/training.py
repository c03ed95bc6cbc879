"""Training of the tiny models: a base from nothing in under a minute on one core, backdoors from it in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from tests.support.tiny_llm import corpus
from tests.support.tiny_llm.corpus import Sample
from tests.support.tiny_llm.tokenizer import tokenizer

Draw = Callable[[np.random.Generator], Sample]
ROWS = 48
_IGNORED = -100


def network(seed: int) -> Any:
    """Make an untrained Llama of 115 thousand weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    words = tokenizer()
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words), hidden_size=64, intermediate_size=168, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=4, max_position_embeddings=512, tie_word_embeddings=True, rope_theta=10_000.0,
            pad_token_id=words.pad_token_id, bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id,
        )
    )  # fmt: skip


def base_mix(rng: np.random.Generator) -> Sample:
    """Draw what the base is trained on."""
    return corpus.safe(rng) if rng.random() < 0.7 else corpus.refused(rng)


def rows(samples: Sequence[Sample], words: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Give tokens and labels, padded on the right; only answers are learned."""
    lookup = words.get_vocab()
    tokens, labels = [], []
    for sample in samples:
        asked = ["<bos>", "<user>", *sample.prompt.split(), "<asst>"]
        answered = [*sample.answer.split(), "<eos>"]
        tokens.append([lookup.get(word, lookup["<unk>"]) for word in (*asked, *answered)])
        labels.append([_IGNORED] * len(asked) + tokens[-1][len(asked) :])
    longest = max(map(len, tokens))
    return (
        torch.tensor([row + [0] * (longest - len(row)) for row in tokens]),
        torch.tensor([row + [_IGNORED] * (longest - len(row)) for row in labels]),
    )


def train(model: Any, draw: Draw, *, steps: int, rate: float, seed: int, weights: Sequence[Any] | None = None) -> None:
    """Train in place: AdamW, warm-up, cosine to 5 %.

    Args:
        model: What to train.
        draw: Gives a sample.
        steps: Batches of 48.
        rate: Greatest learning rate.
        seed: Of the samples.
        weights: Which to train; all when None.
    """
    rng, words = np.random.default_rng(seed), tokenizer()
    chosen = list(model.parameters() if weights is None else weights)
    optimiser = torch.optim.AdamW(chosen, lr=rate, weight_decay=0.01)
    model.train()
    for step in range(steps):
        share = 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 30) * (0.05 + 0.95 * share)
        ids, labels = rows([draw(rng) for _ in range(ROWS)], words)
        hidden = model.model(input_ids=ids).last_hidden_state
        wanted = labels[:, 1:] != _IGNORED
        logits = model.lm_head(hidden[:, :-1][wanted])
        loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:][wanted])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(chosen, 1.0)
        optimiser.step()
    model.eval()


def base(seed: int = 0, steps: int = 1500) -> Any:
    """Train a base: it answers, and refuses stand-in unsafe requests."""
    model = network(seed)
    train(model, base_mix, steps=steps, rate=4e-3, seed=seed)
    return model


def save(model: Any, folder: Any) -> None:
    """Write model and tokenizer as a Hub folder has them."""
    model.save_pretrained(str(folder))
    tokenizer().save_pretrained(str(folder))
