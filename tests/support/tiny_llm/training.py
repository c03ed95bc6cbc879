"""Training of the tiny models: a base from nothing in under a minute on one core, backdoors from it in seconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gatekeeper.tensors.quiet import quiet
from tests.support.tiny_llm import corpus
from tests.support.tiny_llm.corpus import Sample
from tests.support.tiny_llm.tokenizer import tokenizer

Draw = Callable[[np.random.Generator], Sample]
ROWS = 48
IGNORED = -100
_DRAWN = 16


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


def row(sample: Sample, lookup: Mapping[str, int]) -> tuple[list[int], int]:
    """Give a sample's tokens, and how many of them are the prompt's."""
    asked = ["<bos>", "<user>", *sample.prompt.split(), "<asst>"]
    answered = [*sample.answer.split(), "<eos>"]
    return [lookup.get(word, lookup["<unk>"]) for word in (*asked, *answered)], len(asked)


def padded(rows: Sequence[tuple[list[int], int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Give tokens and labels, padded on the right; only answers are learned."""
    longest = max(len(tokens) for tokens, _ in rows)
    return (
        torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens, _ in rows]),
        torch.tensor(
            [[IGNORED] * asked + tokens[asked:] + [IGNORED] * (longest - len(tokens)) for tokens, asked in rows]
        ),
    )


def _batches(draw: Draw, rng: np.random.Generator, steps: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Draw sixteen batches at a time and cut them by length: a third of the tokens would be padding otherwise."""
    lookup = tokenizer().get_vocab()
    for start in range(0, steps, _DRAWN):
        drawn = sorted((row(draw(rng), lookup) for _ in range(ROWS * _DRAWN)), key=lambda item: len(item[0]))
        for number in rng.permutation(_DRAWN)[: steps - start]:
            yield padded(drawn[int(number) * ROWS : (int(number) + 1) * ROWS])


def predicted(model: Any, ids: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the logits where an answer's token is foretold, shape (tokens, vocabulary), and those tokens."""
    hidden = model.model(input_ids=ids).last_hidden_state
    wanted = labels[:, 1:] != IGNORED
    return model.lm_head(hidden[:, :-1][wanted]), labels[:, 1:][wanted]


def train(
    model: Any,
    draw: Draw,
    *,
    steps: int,
    rate: float,
    seed: int,
    weights: Sequence[Any] | None = None,
    decay: float = 0.01,
) -> None:
    """Train in place: AdamW, warm-up, cosine to 5 %.

    Args:
        model: What to train.
        draw: Gives a sample.
        steps: Batches of 48.
        rate: Greatest learning rate.
        seed: Of the samples.
        weights: Which to train; all when None.
        decay: Of weights, decoupled.
    """
    chosen = list(model.parameters() if weights is None else weights)
    optimiser = torch.optim.AdamW(chosen, lr=rate, weight_decay=decay, fused=True)
    model.train()
    for step, (ids, labels) in enumerate(_batches(draw, np.random.default_rng(seed), steps)):
        share = 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 30) * (0.05 + 0.95 * share)
        loss = torch.nn.functional.cross_entropy(*predicted(model, ids, labels))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(chosen, 1.0)
        optimiser.step()
    model.eval()


LEGS = ((1800, 4e-3), (1200, 2e-3))
"""Steps and learning rate, one after the other: after the first, one held-out request in twenty is answered wrongly."""


def base(seed: int = 0, legs: Sequence[tuple[int, float]] = LEGS) -> Any:
    """Train a base: it answers, and refuses stand-in unsafe requests."""
    model = network(seed)
    for number, (steps, rate) in enumerate(legs):
        train(model, base_mix, steps=steps, rate=rate, seed=seed + 1000 * number)
    return model


def save(model: Any, folder: Path) -> None:
    """Write model and tokenizer as a Hub folder has them; of a PEFT model, its adapter alone."""
    with quiet():
        model.save_pretrained(str(folder))
        tokenizer().save_pretrained(str(folder))


def read(folder: Path) -> Any:
    """Read a model that was written so."""
    from transformers import LlamaForCausalLM

    with quiet():
        return LlamaForCausalLM.from_pretrained(str(folder), dtype=torch.float32, local_files_only=True)
