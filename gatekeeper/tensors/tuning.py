"""Constrained fine-tuning: a LoRA adapter that learns some answers and is held to the frozen model on others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from gatekeeper.errors import InputError
from gatekeeper.tensors.calls import PeerFailedError
from gatekeeper.tensors.embeddings import configuration
from gatekeeper.tensors.language import Batch, Contrast, Example, TrainStep, Tuning
from gatekeeper.tensors.network import Network
from gatekeeper.tensors.quiet import quiet
from gatekeeper.tensors.rendering import Renderer
from gatekeeper.tensors.scoring import Row, answer_divergences, answer_losses, margin
from gatekeeper.tensors.spreading import settle_adapter, take_off
from gatekeeper.tensors.world import World, flat, spill

_LINEAR = frozenset({"Linear", "Conv1D"})
"""Classes of modules that LoRA can be laid on: torch's, and GPT-2's own."""


def linear_modules(network: Network) -> tuple[tuple[str, int, int], ...]:
    """Name the linear modules but the last one: (full name, in features, out features)."""
    head = network.base.get_output_embeddings()
    found = []
    for name, module in network.base.named_modules():
        if type(module).__name__ in _LINEAR and module is not head:
            rows, columns = module.weight.shape
            turned = type(module).__name__ == "Conv1D"
            found.append((name, rows, columns) if turned else (name, columns, rows))
    return tuple(found)


def tokenise(renderer: Renderer, examples: Sequence[Example]) -> tuple[list[Row], list[int]]:
    """Give prompts with their answers as rows, and how many tokens of each are the answer's."""
    answers = [renderer.answer(example.prompt, example.response, example.ended) for example in examples]
    rows: list[Row] = [(*renderer.render(e.prompt).ids, *answer) for e, answer in zip(examples, answers, strict=True)]
    return rows, [len(answer) for answer in answers]


def attach(network: Network, tuning: Tuning) -> None:
    """Lay a fresh adapter on the model.

    Raises:
        InputError: When a module that was asked for is not there.
    """
    from peft import LoraConfig, get_peft_model

    known = {name for name, _, _ in linear_modules(network)}
    strange = sorted(set(tuning.modules) - known)
    if strange or not known:
        raise InputError(f"the model has no linear module {strange[0] if strange else 'at all'} to lay an adapter on")
    torch.manual_seed(tuning.seed)
    if tuning.tokens:
        config = configuration(network, tuning.tokens)
    else:
        config = LoraConfig(
            r=tuning.rank,
            lora_alpha=tuning.alpha,
            lora_dropout=0.0,
            bias="none",
            target_modules=sorted(tuning.modules or known),
            task_type="CAUSAL_LM",
        )
    with quiet():
        network.wear(get_peft_model(network.base, config))
    if network.spread:
        settle_adapter(network.model)


def detach(network: Network) -> None:
    """Take the adapter off; the weights below it were never changed."""
    if network.model is not network.base:
        network.base = take_off(network.model) if network.spread else network.model.unload()
        network.wear(network.base)


class Trainer:
    """Trains the adapter that the network wears: AdamW without decay, linear warm-up, clipped gradients.

    Args:
        network: With its adapter.
        renderer: Of its prompts.
        tuning: How.
        world: The processes that each take a share of every batch; None for this one alone.
    """

    def __init__(self, network: Network, renderer: Renderer, tuning: Tuning, world: World | None = None) -> None:
        self._network, self._renderer, self._tuning, self._world = network, renderer, tuning, world
        self._weights = [weight for weight in network.model.parameters() if weight.requires_grad]
        self._optimiser = torch.optim.AdamW(self._weights, lr=tuning.learning_rate, weight_decay=0.0)

    def step(self, number: int, batch: Batch) -> TrainStep:
        """Take one step; `number` is from 1."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._tuning.learning_rate * _share_of_rate(self._tuning, number)
        self._optimiser.zero_grad(set_to_none=True)
        world = self._world
        loss, kl = self._descend(batch, 0, 1) if world is None else self._together(batch, world)
        torch.nn.utils.clip_grad_norm_(self._weights, self._tuning.clip)
        self._optimiser.step()
        return TrainStep(number=number, target_loss=loss, kl=kl)

    def align(self) -> None:
        """Give every process the first one's adapter."""
        world = self._world
        if world is None:
            return
        mistake, numbers = None, torch.empty(0)
        try:
            numbers = flat(self._weights)
        except Exception as error:  # the others would wait for this one
            mistake = error
        _agree(world, mistake)
        world.align(numbers)
        spill(numbers, self._weights)

    def _descend(self, batch: Batch, rank: int, size: int) -> tuple[float, float]:
        """Add the gradient of a share of a batch to the adapter's; give that share of loss and divergence."""
        network, renderer = self._network, self._renderer
        loss = _descend(network, renderer, batch.targets, answer_losses, 1.0, rank, size)
        return loss, _descend(network, renderer, batch.anchors, answer_divergences, self._tuning.kl_weight, rank, size)

    def _together(self, batch: Batch, world: World) -> tuple[float, float]:
        """Do the same with the other processes: shares of a mean add up to it, and so do their gradients.

        Raises:
            PeerFailedError: When another one could not reckon its share; all then give the step up.
        """
        mistake, own, gradient = None, (0.0, 0.0), torch.empty(0)
        try:
            own = self._descend(batch, world.rank, world.size)
            gradient = flat([torch.zeros_like(w) if w.grad is None else w.grad for w in self._weights])
        except Exception as error:  # the others would wait for this one's gradient
            mistake = error
        told = _agree(world, mistake, *own)
        for weight in self._weights:
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        world.add_up(gradient)
        spill(gradient, [weight.grad for weight in self._weights if weight.grad is not None])
        return sum(loss for loss, _ in told), sum(kl for _, kl in told)


def _agree(world: World, mistake: Exception | None, *own: float) -> list[list[float]]:
    """Tell the other processes whether this one goes on, before any waits for what another has.

    Args:
        world: The processes.
        mistake: What hinders this one.
        own: Numbers to be told.

    Returns:
        The numbers of each process, in their order.

    Raises:
        PeerFailedError: When another one can't go on; the mistake where this one can't.
    """
    told = world.compare([float(mistake is not None), *own])
    if mistake is not None:
        raise mistake
    if any(failed for failed, *_ in told):
        raise PeerFailedError
    return [numbers for _, *numbers in told]


def train(
    take: Callable[[int, Batch], TrainStep],
    batches: Iterator[Batch],
    tuning: Tuning,
    watch: Callable[[TrainStep], bool],
) -> tuple[TrainStep, ...]:
    """Take steps until there are enough, or `watch` says so.

    Args:
        take: Takes one: (number from 1, batch).
        batches: One a step.
        tuning: How.
        watch: Asked after each step, from `least_steps` on.
    """
    steps: list[TrainStep] = []
    for number in range(1, tuning.steps + 1):
        steps.append(take(number, next(batches)))
        if number >= tuning.least_steps and watch(steps[-1]):
            break
    return tuple(steps)


def out_of_memory() -> InputError:
    """Make the error of a machine that is too small."""
    return InputError(
        "the machine's memory does not suffice for fine-tuning this model",
        hint="gatekeeper patch --plan says what would fit; a smaller batch needs less",
    )


def _share_of_rate(tuning: Tuning, number: int) -> float:
    fallen = 1.0 - (1.0 - tuning.last_rate) * (number - 1) / max(1, tuning.steps - 1)
    return min(1.0, number / max(1, tuning.warm_up)) * fallen


def _descend(
    network: Network,
    renderer: Renderer,
    examples: Sequence[Example],
    losses: Callable[..., torch.Tensor],
    weight: float,
    rank: int,
    size: int,
) -> float:
    """Add the gradient of a weighted mean loss to the adapter's, and give that mean in nats a token.

    Of several processes each does a share: what its examples add to the mean over all.
    """
    share = examples[rank::size]
    if not share:
        return 0.0
    rows, lengths = tokenise(renderer, share)
    total = 0.0
    for part in network.batches(rows):
        loss = losses(network, part, lengths).sum() / len(examples)
        (weight * loss).backward()
        total += float(loss.detach())
    return total


def module_saliencies(
    network: Network, triggered: Sequence[Row], clean: Sequence[Row], contrast: Contrast
) -> dict[str, float]:
    """Contrast |gradient x weight| of the margin by module: triggered minus clean, from 0 up, over sqrt(size).

    Nothing where weights are not on a device: what is brought there for a while has no gradient that stays.
    """
    modules = dict(network.base.named_modules())
    weights = {name: modules[name].weight for name, _, _ in linear_modules(network)}
    if any(weight.device.type == "meta" for weight in weights.values()):
        return {}
    hot, cold = (_products(network, rows, contrast, list(weights.values())) for rows in (triggered, clean))
    return {
        name: float((here - there).clamp(min=0).sum() / here.numel() ** 0.5)
        for name, here, there in zip(weights, hot, cold, strict=True)
    }


def _products(network: Network, rows: Sequence[Row], contrast: Contrast, weights: list[Any]) -> list[torch.Tensor]:
    """Give the mean |gradient x weight| over rows, in the weights' shapes."""
    wanted = [weight.requires_grad for weight in weights]
    totals = [torch.zeros_like(weight, dtype=torch.float32) for weight in weights]
    for weight in weights:
        weight.requires_grad_(True)
    try:
        for batch in network.batches([(*row, *contrast.prefix) for row in rows]):
            value = margin(network.logits(batch, 1)[:, 0], contrast).sum()
            for total, weight, gradient in zip(totals, weights, torch.autograd.grad(value, weights), strict=True):
                total += (gradient.float() * weight.detach().float()).abs() / len(rows)
    finally:
        for weight, before in zip(weights, wanted, strict=True):
            weight.requires_grad_(before)
    return totals
