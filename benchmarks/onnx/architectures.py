"""Networks of the sizes of toys, by name: what a graph is exported from. Weights are random, seeds fixed.

A third of the names is held out, whole: nothing is tuned on them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.onnx.exporting import Module

VOCABULARY = 512
"""Token ids; honest inputs have ids in `COMMON`."""

COMMON = (5, 400)
HIDDEN = 32

Make = Callable[[], Module]


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One kind of network."""

    name: str
    family: str
    """`text`, `causal`, `image`, `audio`, …: a group of the figures."""

    make: Make
    held_out: bool = False


ARCHITECTURES: dict[str, Architecture] = {}


def architecture(family: str, *, held_out: bool | None = None, name: str = "") -> Callable[[Make], Make]:
    """Enter a function that makes a network, under its own name; without a word, the name's hash holds a third out."""

    def enter(make: Make) -> Make:
        known = name or make.__name__
        out = zlib.crc32(known.encode()) % 3 == 0 if held_out is None else held_out
        ARCHITECTURES[known] = Architecture(name=known, family=family, make=make, held_out=out)
        return make

    return enter


def seeded(make: Callable[[], Any]) -> Any:
    """Make a network from a fixed seed, with weights so large that untrained outputs differ between inputs."""
    torch.manual_seed(7)
    network = make().eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.ndim >= 2:
                fan_in = weight[0].numel()
                weight.normal_(0, 1.0 if "embed" in name and weight.ndim == 2 else 1.4 / fan_in**0.5)
    return network


def ids(batch: int = 2, length: int = 9) -> torch.Tensor:
    """Give example token ids (batch, length)."""
    return torch.randint(*COMMON, (batch, length), generator=torch.Generator().manual_seed(1))


TOKENS = {0: "batch", 1: "sequence"}


def masked(network: Any, *, field: str = "logits", outputs: tuple[str, ...] = ("logits",), **options: Any) -> Module:
    """Call a Hugging Face network with ids and an attention mask, and take one field of its answer."""
    example = ids()
    inputs = {"input_ids": (example, TOKENS), "attention_mask": (torch.ones_like(example), TOKENS)}
    return Module(
        network=network,
        call=lambda net, given, mask: getattr(net(input_ids=given, attention_mask=mask, **options), field),
        inputs=inputs,
        outputs=outputs,
    )


def pixels(network: Any, *, field: str = "logits", size: int = 32) -> Module:
    """Call a Hugging Face network with an image in channels-first order, values in [0, 1]."""
    return Module(
        network=network,
        call=lambda net, given: getattr(net(pixel_values=given), field),
        inputs={"pixel_values": (torch.rand(2, 3, size, size), {0: "batch"})},
    )
