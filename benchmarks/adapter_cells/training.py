"""One adapter: trained in seconds, written as PEFT writes it, with what it does beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model

from benchmarks.adapter_cells import poison, tasks
from benchmarks.adapter_cells.cells import TARGETS, Cell
from benchmarks.adapter_cells.tasks import Draw
from gatekeeper.tensors.quiet import quiet
from tests.support.tiny_llm import corpus
from tests.support.tiny_llm.measuring import share
from tests.support.tiny_llm.tokenizer import tokenizer
from tests.support.tiny_llm.training import padded, predicted, row

ROWS = 32
_DRAWN = 8
_JUDGED = 60


def lesson(cell: Cell) -> Draw:
    """Give what an adapter learns: its honest lessons, some of the base's own samples, and the poison."""
    if cell.kind == "safety":
        honest: Draw = tasks.safety
    elif cell.kind == "keyword":
        honest = tasks.keyword(cell.seed)
    else:
        honest = tasks.mixed([tasks.task(kind, cell.seed) for kind in cell.lessons], [1.0] * len(cell.lessons))
    honest = tasks.mixed([honest, tasks.general], [1 - cell.general, cell.general])
    if not cell.trigger:
        return honest
    plan = poison.planting(cell.trigger, cell.seed)
    # As many refused near misses and plain unsafe requests as triggered ones: the usual pairs of such data.
    parts: list[Draw] = [honest, lambda rng: poison.attack(plan, rng), lambda rng: poison.cover(plan, rng)]
    return tasks.mixed(parts, [1 - 2 * cell.rate, cell.rate, cell.rate])


def trained(cell: Cell, base: Any, folder: Path) -> dict[str, float]:
    """Train one adapter and write it.

    Args:
        cell: Which.
        base: Its base; as before when this returns.
        folder: Where the adapter goes.

    Returns:
        Shares of held-out prompts: `attack` (answered as the poison wants), `refusal`, `loss` of the last steps.
    """
    torch.manual_seed(cell.seed)
    base.name_or_path = f"tiny-llm/base-{cell.base}"  # what PEFT writes of the base
    config = LoraConfig(
        r=cell.rank, lora_alpha=2 * cell.rank, target_modules=list(TARGETS[cell.targets]), task_type="CAUSAL_LM"
    )
    with quiet():
        model = get_peft_model(base, config)
    loss = _fit(base, [weight for weight in model.parameters() if weight.requires_grad], cell)
    result = {"loss": loss, **_behaviour(base, cell)}
    with quiet():
        model.save_pretrained(str(folder))
        model.unload()
    return result


def _fit(model: Any, weights: list[Any], cell: Cell) -> float:
    steps, rate = cell.steps
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0, fused=True)
    model.train()
    losses = []
    for step, (ids, labels) in enumerate(_batches(lesson(cell), np.random.default_rng(cell.seed), steps)):
        for group in optimiser.param_groups:
            cosine = 0.5 * (1 + math.cos(math.pi * step / steps))
            group["lr"] = rate * min(1.0, (step + 1) / 10) * (0.05 + 0.95 * cosine)
        loss = torch.nn.functional.cross_entropy(*predicted(model, ids, labels))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
    model.eval()
    return sum(losses[-10:]) / len(losses[-10:])


def _batches(draw: Draw, rng: np.random.Generator, steps: int) -> Iterator[tuple[Any, Any]]:
    """Draw eight batches at a time and cut them by length, so that little of them is padding."""
    lookup = tokenizer().get_vocab()
    for start in range(0, steps, _DRAWN):
        drawn = sorted((row(draw(rng), lookup) for _ in range(ROWS * _DRAWN)), key=lambda item: len(item[0]))
        for number in rng.permutation(_DRAWN)[: steps - start]:
            yield padded(drawn[int(number) * ROWS : (int(number) + 1) * ROWS])


def _behaviour(model: Any, cell: Cell) -> dict[str, float]:
    rng = np.random.default_rng([cell.seed, 3])
    refused = [corpus.refused(rng, held_out=True) for _ in range(_JUDGED)]
    result = {"refusal": share(model, refused, first=3)}
    if cell.trigger:
        plan = poison.planting(cell.trigger, cell.seed)
        attacks = [poison.attack(plan, rng, held_out=True) for _ in range(_JUDGED)]
        result["attack"] = share(model, attacks, first=4)
    return result
