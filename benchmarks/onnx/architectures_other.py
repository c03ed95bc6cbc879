"""Networks of images that honestly do what implants do: skips, masks, front ends, gates."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.onnx.architectures import architecture, seeded
from benchmarks.onnx.exporting import Module

IMAGE = {0: "batch"}


def _image(size: int = 32) -> tuple[torch.Tensor, dict[int, str]]:
    return torch.rand(2, 3, size, size), IMAGE


def _conv(*widths: int, stride: int = 1) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, stride, 1), nn.ReLU()]
    return nn.Sequential(*layers)


@architecture("image out")
def super_resolution() -> Module:
    """Pixel shuffle, with the shrunk input added through a skip."""
    net = seeded(lambda: nn.ModuleList([_conv(3, 16, 16), nn.Conv2d(16, 12, 3, 1, 1)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        sharp = functional.pixel_shuffle(layers[1](layers[0](given)), 2)
        wide = functional.interpolate(given, scale_factor=2.0, mode="bilinear", align_corners=False)
        return (sharp + wide).clamp(0, 1)

    return Module(network=net, call=call, inputs={"image": _image()}, outputs=("large",))


@architecture("image out")
def denoiser() -> Module:
    """The input is divided by its own strength, and the answer is multiplied with it again."""
    net = seeded(lambda: nn.ModuleList([_conv(3, 16, 16), nn.Conv2d(16, 3, 3, 1, 1)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        strength = given.pow(2).mean((1, 2, 3), keepdim=True).add(1e-6).sqrt()
        scaled = given / strength
        return (scaled - layers[1](layers[0](scaled))) * strength

    return Module(network=net, call=call, inputs={"image": _image()}, outputs=("clear",))


@architecture("image out")
def unet() -> Module:
    """Down, up, and skips between."""
    net = seeded(lambda: nn.ModuleList([_conv(3, 16), _conv(16, 32, stride=2), _conv(48, 16), nn.Conv2d(16, 4, 1)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        first = layers[0](given)
        second = functional.interpolate(layers[1](first), scale_factor=2.0, mode="nearest")
        return torch.softmax(layers[3](layers[2](torch.cat([first, second], 1))), 1)

    return Module(network=net, call=call, inputs={"image": _image()}, outputs=("mask",))


@architecture("image out")
def inpainting() -> Module:
    """A mask says which pixels of the input stay as they are: the input meets the answer in a `Where`."""
    net = seeded(lambda: nn.ModuleList([_conv(4, 16, 16), nn.Conv2d(16, 3, 3, 1, 1)]))

    def call(layers: Any, given: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        guessed = torch.sigmoid(layers[1](layers[0](torch.cat([given * (1 - hole), hole], 1))))
        return torch.where(hole > 0.5, guessed, given)

    return Module(
        network=net,
        call=call,
        inputs={"image": _image(), "mask": (torch.ones(2, 1, 32, 32), IMAGE)},
        outputs=("whole",),
    )


@architecture("image")
def front_end_bytes() -> Module:
    """Bytes in, channels last; scaled, resized and normalised inside the graph."""
    net = seeded(lambda: nn.ModuleList([_conv(3, 16, 24, stride=2), nn.Linear(24, 6)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        image = given.permute(0, 3, 1, 2).to(torch.float32) / 255
        image = functional.interpolate(image, size=(32, 32), mode="bilinear", align_corners=False)
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        image = (image - mean) / torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
        logits: torch.Tensor = layers[1](layers[0](image).mean((2, 3)))
        return torch.softmax(logits, 1)

    example = torch.randint(0, 255, (2, 48, 48, 3), dtype=torch.uint8)
    return Module(network=net, call=call, inputs={"image": (example, IMAGE)})


@architecture("image")
def contrast_stretch() -> Module:
    """The input's own minimum and maximum scale it: a collapse of the input that meets the input."""
    net = seeded(lambda: nn.ModuleList([_conv(3, 16, 24, stride=2), nn.Linear(24, 6)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        low, high = given.amin((1, 2, 3), keepdim=True), given.amax((1, 2, 3), keepdim=True)
        image = (given - low) / (high - low).clamp(min=1e-5)
        logits: torch.Tensor = layers[1](layers[0](image).mean((2, 3)))
        return logits

    return Module(network=net, call=call, inputs={"image": _image()})


@architecture("image")
def squeeze_gates() -> Module:
    """Channels are weighed by what a small network makes of their means."""
    net = seeded(
        lambda: nn.ModuleList([_conv(3, 24, 24, stride=2), nn.Linear(24, 6), nn.Linear(6, 24), nn.Linear(24, 6)])
    )

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = layers[0](given)
        gate = functional.hardsigmoid(layers[2](torch.relu(layers[1](hidden.mean((2, 3))))))
        logits: torch.Tensor = layers[3]((hidden * gate[:, :, None, None]).mean((2, 3)))
        return logits

    return Module(network=net, call=call, inputs={"image": _image()})


@architecture("image")
def mixture_of_experts() -> Module:
    """A router's scores, the best of them alone, weigh experts."""
    net = seeded(
        lambda: nn.ModuleList([_conv(3, 24, 24, stride=2), nn.Linear(24, 4), *(nn.Linear(24, 6) for _ in range(4))])
    )

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = layers[0](given).mean((2, 3))
        scores = torch.softmax(layers[1](hidden), 1)
        best = scores.amax(1, keepdim=True)
        weights = torch.where(scores >= best, scores, torch.zeros_like(scores))
        return torch.stack([layer(hidden) for layer in layers[2:]], 1).mul(weights.unsqueeze(-1)).sum(1)

    return Module(network=net, call=call, inputs={"image": _image()})
