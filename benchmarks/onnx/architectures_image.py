"""Networks that read images."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.onnx.architectures import HIDDEN, architecture, pixels, seeded
from benchmarks.onnx.architectures_text import network
from benchmarks.onnx.exporting import Module

_FREE = {0: "batch", 2: "height", 3: "width"}


@architecture("image", held_out=False)
def residual_cnn() -> Module:
    """Convolutions with skips, batch norms and a pooled head; images of any size."""

    def block(width: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())

    layers = seeded(
        lambda: nn.ModuleList(
            [
                nn.Conv2d(3, 16, 3, padding=1, stride=2),
                block(16),
                block(16),
                nn.Conv2d(16, 24, 3, stride=2),
                block(24),
                nn.Linear(24, 6),
            ]
        )
    )

    def call(net: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(net[0](given))
        for layer in net[1:3]:
            hidden = hidden + layer(hidden)
        hidden = torch.relu(net[3](hidden))
        hidden = hidden + net[4](hidden)
        logits: torch.Tensor = net[5](hidden.mean((2, 3)))
        return logits

    return Module(network=layers, call=call, inputs={"pixel_values": (torch.rand(2, 3, 32, 32), _FREE)})


@architecture("detection", held_out=False)
def detector() -> Module:
    """Grid cells with boxes and class scores, as one-stage detectors give them."""
    layers = seeded(
        lambda: nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.SiLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.SiLU()),
                nn.Sequential(nn.Conv2d(32, 32, 3, 1, 1), nn.SiLU()),
                nn.Conv2d(32, 4, 1),
                nn.Conv2d(32, 8, 1),
            ]
        )
    )

    def call(net: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = net[0](given)
        hidden = hidden + net[1](hidden)
        boxes, scores = net[2](hidden).flatten(2), net[3](hidden).flatten(2)
        return torch.cat([boxes * 16, torch.sigmoid(scores)], 1)

    inputs: dict[str, Any] = {"images": (torch.rand(2, 3, 32, 32), {0: "batch"})}
    return Module(network=layers, call=call, inputs=inputs, outputs=("output0",))


@architecture("image", held_out=False)
def vit() -> Module:
    """Vision transformer."""
    options = {"hidden_size": HIDDEN, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    return pixels(
        network("ViTForImageClassification", "ViTConfig", **options, image_size=32, patch_size=8, num_labels=6)
    )


@architecture("image", held_out=False)
def mobilenet_v2() -> Module:
    """MobileNetV2, thin."""
    return pixels(
        network("MobileNetV2ForImageClassification", "MobileNetV2Config", depth_multiplier=0.25, num_labels=6)
    )


@architecture("image", held_out=True)
def convnext() -> Module:
    """ConvNeXt."""
    options = {"hidden_sizes": [16, 24, 32, 40], "depths": [1, 1, 1, 1], "num_labels": 6}
    return pixels(network("ConvNextForImageClassification", "ConvNextConfig", **options, image_size=32))
