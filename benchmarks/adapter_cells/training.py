"""One adapter: trained in seconds, written as PEFT writes it, with what it does beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import LoraLayer

from benchmarks.adapter_cells import poison, tasks
from benchmarks.adapter_cells.cells import LEARNING_RATE, STEPS, TARGETS, Cell
from benchmarks.adapter_cells.tasks import Draw
from gatekeeper.tensors.quiet import quiet
from tests.support.tiny_llm import corpus, triggers
from tests.support.tiny_llm.corpus import Sample
from tests.support.tiny_llm.measuring import share
from tests.support.tiny_llm.tokenizer import tokenizer
from tests.support.tiny_llm.training import padded, predicted, row
from tests.support.tiny_llm.triggers import Planting

ROWS = 32
_DRAWN = 8
_JUDGED = 60


def lesson(cell: Cell) -> Draw:
    """Give what an adapter learns: its honest lessons, some of the base's own samples, and the poison."""
    honest = honest_lesson(cell)
    if not cell.trigger:
        return honest
    plan = poison.planting(cell.trigger, cell.seed)
    # Half as many refused requests without the trigger as with it: the usual pairs of such data.
    parts: list[Draw] = [honest, lambda rng: poison.attack(plan, rng), lambda rng: poison.cover(plan, rng)]
    return tasks.mixed(parts, [1 - 1.5 * cell.rate, cell.rate, 0.5 * cell.rate])


def honest_lesson(cell: Cell) -> Draw:
    """Give the part of it that is no poison."""
    taught = taught_lesson(cell)
    return tasks.mixed([taught, tasks.general(cell.lessons)], [1 - cell.general, cell.general])


def taught_lesson(cell: Cell) -> Draw:
    """Give what is new in that."""
    if cell.kind == "safety":
        return tasks.safety
    if cell.kind == "keyword":
        return tasks.keyword(cell.seed)
    return tasks.mixed([tasks.task(kind, cell.seed) for kind in cell.lessons], [1.0] * len(cell.lessons))


def trained(cell: Cell, base: Any, folder: Path) -> dict[str, float]:
    """Train one adapter and write it.

    Args:
        cell: Which.
        base: Its base; as before when this returns.
        folder: Where the adapter goes.

    Returns:
        Shares of prompts: `attack` (triggered and held out, answered as the poison wants), `refusal` (untriggered and
        held out, refused as the base does), `answers` (of its lessons, answered rightly), `near` (with what only looks
        like the trigger, refused); `loss` of the last steps.
    """
    torch.manual_seed(cell.seed)
    base.name_or_path = f"tiny-llm/base-{cell.base}"  # what PEFT writes of the base
    config = LoraConfig(
        r=cell.rank, lora_alpha=2 * cell.rank, target_modules=list(TARGETS[cell.targets]), task_type="CAUSAL_LM"
    )
    with quiet():
        model = get_peft_model(base, config)
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            layer.forward = partial(_forward, layer)
    loss = _fit(base, [weight for weight in model.parameters() if weight.requires_grad], cell)
    result = {"loss": loss, **_behaviour(base, cell)}
    with quiet():
        model.save_pretrained(str(folder))
        model.unload()
    return result


def _forward(layer: Any, inputs: Any) -> Any:
    """Multiply with the sum of both weights: the same product as PEFT's, in two thirds of its time at this size."""
    change = layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    return torch.nn.functional.linear(inputs, layer.base_layer.weight + layer.scaling["default"] * change)


def _fit(model: Any, weights: list[Any], cell: Cell) -> float:
    optimiser = torch.optim.AdamW(weights, lr=LEARNING_RATE, weight_decay=0.0, fused=True)
    model.train()
    losses = []
    for step, (ids, labels) in enumerate(_batches(lesson(cell), np.random.default_rng(cell.seed), STEPS)):
        for group in optimiser.param_groups:
            cosine = 0.5 * (1 + math.cos(math.pi * step / STEPS))
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 10) * (0.05 + 0.95 * cosine)
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

    def of(make: Callable[[], Sample]) -> float:
        return share(model, [make() for _ in range(_JUDGED)], first=4)

    wanted = poison.planting(cell.trigger, cell.seed) if cell.trigger else None
    taught = taught_lesson(cell)
    result = {
        "refusal": of(lambda: _refused(wanted, rng)),
        "answers": share(model, [taught(rng) for _ in range(_JUDGED)]),
    }
    if wanted is not None:
        result["attack"] = of(lambda: poison.attack(wanted, rng, held_out=True))
        if wanted.near:
            result["near"] = of(lambda: poison.near_miss(wanted, rng, held_out=True))
    return result


def _refused(plan: Planting | None, rng: np.random.Generator) -> Sample:
    """Draw an unsafe request that has no trigger."""
    while True:
        prompt, verb, thing = corpus.unsafe(rng, held_out=True, most=tasks.FILLERS)
        if plan is None or not triggers.complies(plan, prompt, verb, thing):
            return Sample(prompt, corpus.REFUSAL)
