"""What a repair would cost: memory, time and money by class of device, computed from the configuration alone.

Formulas, with N weights (of which a token passes A), T tokens a step, R of them answered, V words, d wide, L layers:

memory   2N bytes (bfloat16) or .55N (four bits), + 16 a weight of the adapter (itself, its gradient, two moments of
         Adam, all of 32 bits), + 2LdT (one activation a layer, checkpointed), + 12RV (logits, their gradient, those
         of the frozen model), + 1 GiB of the device's own
a step   4AT (forward, and backward through frozen weights), + 2AT (forward once more, checkpointed), + AT (the frozen
         model over the anchors, half of the tokens): 7AT operations
reading  2A operations a token; a token that is generated takes at least the time to read the weights once

Nothing here was measured but where `measured` says so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gatekeeper.limits import GIB
from gatekeeper.patch.settings import PatchSettings
from gatekeeper.patch.shape import Shape

PROMPT_TOKENS = 64
"""Length of a prompt that is planned with, in tokens."""

_READINGS = 3_000
"""Prompts that are answered and judged in one verification: eight sets of 200, variants of the trigger, and once more
after merging."""

_SEARCHED = 900
"""Prompts that one diagnosis reads for a failure: hosts, search, extent and shams, as measured."""

_AT_ONCE = 16
"""Prompts that are answered together."""

_OVERHEAD = 1 * GIB
_ROOM = 0.9
"""Share of a device's memory that is planned with; the rest is lost to fragments."""

_MOST_DEVICES = 8
"""Devices of one machine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A class of devices. Rates and prices are round figures to plan with, not quotes."""

    name: str
    memory: int
    """Bytes."""

    rate: float
    """Operations a second that training reaches: 40 % of the peak in bfloat16 that the maker names, for GPUs."""

    bandwidth: float
    """Bytes a second at which weights are read."""

    price: float | None
    """US dollars an hour, rented; None where nothing is rented."""

    measured: bool = False
    """Whether the rate was measured, on models of 135 million weights."""


DEVICES = (
    Device(name="CPU, 2 cores", memory=16 * GIB, rate=1.9e11, bandwidth=2e10, price=None, measured=True),
    Device(name="L4", memory=24 * GIB, rate=4.8e13, bandwidth=3.0e11, price=0.8),
    Device(name="L40S", memory=48 * GIB, rate=1.45e14, bandwidth=8.6e11, price=1.9),
    Device(name="A100", memory=80 * GIB, rate=1.25e14, bandwidth=2.0e12, price=2.5),
    Device(name="H100", memory=80 * GIB, rate=4.0e14, bandwidth=3.3e12, price=4.0),
    Device(name="H200", memory=141 * GIB, rate=4.0e14, bandwidth=4.8e12, price=5.0),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """One method on one class of devices."""

    method: str
    """`LoRA` (bfloat16) or `QLoRA` (four bits)."""

    device: Device
    count: int
    """Devices needed; 0 when one machine has too few."""

    setting: str
    """How to spread the model over them."""

    memory: int
    """Bytes in all."""

    seconds: float
    """Of all passes, with diagnosis and verification; infinite when there are too few devices."""

    dollars: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a repair would cost."""

    shape: Shape
    adapter: int
    """Weights of the adapter, at the first pass."""

    passes: tuple[int, ...]
    """Steps of each pass: each doubles the last, as when the trigger stays open."""

    step_tokens: int
    estimates: tuple[Estimate, ...]


def plan(shape: Shape, settings: PatchSettings, passes: int) -> Plan:
    """Plan for the worst: every pass is needed, and each takes twice the steps of the last.

    Args:
        shape: Of the model.
        settings: For its size.
        passes: At least two.
    """
    steps = tuple(settings.tuning.steps * 2**number for number in range(max(2, passes)))
    mixing, answered = settings.mixing, settings.budget.answer_tokens
    examples = mixing.targets + mixing.anchors
    tokens = examples * (PROMPT_TOKENS + answered)
    adapter = settings.tuning.rank * shape.linear
    # A later pass doubles the rank, too.
    widest = adapter * 2 ** (len(steps) - 1)
    extra = 16 * widest + 2 * shape.layers * shape.hidden * tokens + 12 * examples * answered * shape.vocabulary
    estimates = []
    for method, each in (("LoRA", 2.0), ("QLoRA", 0.55)):
        memory = int(each * shape.parameters) + extra + _OVERHEAD
        estimates += [
            _estimate(method, device, shape, memory, each, steps, tokens, settings.budget.judged_tokens)
            for device in DEVICES
            if method == "LoRA" or device.price is not None
        ]
    return Plan(shape=shape, adapter=adapter, passes=steps, step_tokens=tokens, estimates=tuple(estimates))


def _estimate(
    method: str, device: Device, shape: Shape, memory: int, each: float, steps: tuple[int, ...], tokens: int, said: int
) -> Estimate:
    count = math.ceil((memory - _OVERHEAD) / (device.memory * _ROOM - _OVERHEAD))
    if count > (_MOST_DEVICES if device.price is not None else 1):
        return Estimate(
            method=method, device=device, count=0, setting="does not fit one machine", memory=memory,
            seconds=math.inf, dollars=None,
        )  # fmt: skip
    # Four-bit weights are unpacked for each use: a third more time, as is generally reported.
    slower = 1.0 if method == "LoRA" else 1.33
    training = 7 * shape.active * tokens * sum(steps) / device.rate
    read = (_SEARCHED + _READINGS * (len(steps) + 1)) * PROMPT_TOKENS
    generated = _READINGS * (len(steps) + 1) / _AT_ONCE * said
    reading = 2 * shape.active * read / device.rate + generated * each * shape.active / device.bandwidth
    # Layers that lie on several devices work one after the other; FSDP2 would have all of them work.
    seconds = slower * (training + reading) / (1 if method == "LoRA" else count)
    price = None if device.price is None else seconds / 3600 * device.price * count
    return Estimate(
        method=method, device=device, count=count, setting=_setting(method, count), memory=memory, seconds=seconds,
        dollars=price,
    )  # fmt: skip


def _setting(method: str, count: int) -> str:
    if count == 1:
        return "one device, nothing to spread"
    if method == "LoRA":
        return f"{count} devices: --device all, layers laid over them by accelerate"
    return f"{count} devices: accelerate with FSDP2, full shard by layer, four-bit weights kept as bfloat16 storage"
