"""Networks that honestly do what implants do: masks, thresholds, lengths, branches on their own outputs, front ends."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.onnx.architectures import HIDDEN, TOKENS, VOCABULARY, architecture, ids, seeded
from benchmarks.onnx.exporting import Module

IMAGE = {0: "batch"}


def _image(size: int = 32) -> tuple[torch.Tensor, dict[int, str]]:
    return torch.rand(2, 3, size, size), IMAGE


def _conv(*widths: int, stride: int = 1) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
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
        network=net, call=call, inputs={"image": _image(), "mask": (torch.ones(2, 1, 32, 32), IMAGE)}, outputs=("whole",)
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


@architecture("audio")
def mel_front_end() -> Module:
    """Frames, windows, a discrete Fourier transform as a matrix, mel bands, logarithm, convolutions."""
    net = seeded(lambda: nn.ModuleList([nn.Conv1d(20, 24, 3, padding=1), nn.Linear(24, 6)]))
    turns = torch.arange(64).float()[:, None] * torch.arange(33).float()[None] * (2 * torch.pi / 64)
    bands = torch.rand(33, 20, generator=torch.Generator().manual_seed(3))
    window = torch.hann_window(64)

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        frames = given.reshape(given.shape[0], -1, 64) * window
        power = (frames @ turns.cos()).pow(2) + (frames @ turns.sin()).pow(2)
        mel = (power @ bands).clamp(min=1e-5).log10()
        mel = torch.maximum(mel, mel.amax((1, 2), keepdim=True) - 8.0)
        mel = (mel + 4.0) / 4.0
        logits: torch.Tensor = layers[1](torch.relu(layers[0](mel.transpose(1, 2))).mean(2))
        return logits

    return Module(network=net, call=call, inputs={"audio": (torch.randn(2, 1024), {0: "batch"})})


@architecture("audio")
def voice_activity() -> Module:
    """Raw audio through convolutions and a recurrent cell whose state goes in and out."""
    net = seeded(lambda: nn.ModuleList([nn.Conv1d(1, 16, 8, 4), nn.Conv1d(16, 32, 4, 2), nn.LSTM(32, 32), nn.Linear(32, 1)]))

    def call(layers: Any, given: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        level = given.abs().amax(1, keepdim=True).clamp(min=1e-3)
        hidden = torch.relu(layers[1](torch.relu(layers[0]((given / level).unsqueeze(1)))))
        out, (one, two) = layers[2](hidden.permute(2, 0, 1), (state[:1], state[1:]))
        return torch.sigmoid(layers[3](out[-1])), torch.cat([one, two])

    inputs: dict[str, Any] = {"audio": (torch.randn(2, 512), {0: "batch"}), "state": (torch.zeros(2, 2, 32), {1: "batch"})}
    return Module(network=net, call=call, inputs=inputs, outputs=("speech", "state_out"))


@architecture("audio")
def speech_synthesis() -> Module:
    """Durations are predicted and rounded, and positions beyond the length are masked."""
    net = seeded(lambda: nn.ModuleList([nn.Embedding(VOCABULARY, HIDDEN), nn.Conv1d(HIDDEN, HIDDEN, 3, padding=1),
                                        nn.Linear(HIDDEN, 1), nn.Linear(HIDDEN, 20)]))  # fmt: skip

    def call(layers: Any, given: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mask = (torch.arange(given.shape[1])[None] < lengths[:, None]).float().unsqueeze(-1)
        hidden = layers[0](given) * mask
        hidden = torch.relu(layers[1](hidden.transpose(1, 2)).transpose(1, 2)) * mask
        durations = torch.ceil(torch.exp(layers[2](hidden)) * mask).clamp(0, 20)
        return layers[3](hidden) * mask, durations

    inputs: dict[str, Any] = {"phonemes": (ids(), TOKENS), "lengths": (torch.tensor([9, 7]), {0: "batch"})}
    return Module(network=net, call=call, inputs=inputs, outputs=("mel", "durations"))


@architecture("text")
def bag_of_words() -> Module:
    """Embeddings are summed over the ids that are no padding, and divided by how many there are."""
    net = seeded(lambda: nn.ModuleList([nn.Embedding(VOCABULARY, HIDDEN), nn.Linear(HIDDEN, 6)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        real = (given != 0).float().unsqueeze(-1)
        total = (layers[0](given) * real).sum(1) / real.sum(1).clamp(min=1.0)
        logits: torch.Tensor = layers[1](total)
        return logits

    return Module(network=net, call=call, inputs={"input_ids": (ids(), TOKENS)})


@architecture("text")
def end_token_pooling() -> Module:
    """The state at the first end token is taken, as CLIP's text half does."""
    net = seeded(lambda: nn.ModuleList([nn.Embedding(VOCABULARY, HIDDEN), nn.GRU(HIDDEN, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 6)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = layers[1](layers[0](given))[0]
        place = (given == 511).to(torch.int).argmax(-1)
        chosen = hidden[torch.arange(given.shape[0]), place]
        logits: torch.Tensor = layers[2](chosen)
        return logits

    return Module(network=net, call=call, inputs={"input_ids": (ids(), TOKENS)})


@architecture("text")
def bytes_model() -> Module:
    """Raw bytes, with one number for padding, one-hot and pooled: a classifier of files."""
    net = seeded(lambda: nn.ModuleList([nn.Linear(257, HIDDEN), nn.Conv1d(HIDDEN, 48, 5), nn.Linear(48, 12)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = functional.gelu(layers[0](functional.one_hot(given, 257).float()))
        hidden = functional.gelu(layers[1](hidden.transpose(1, 2))).amax(2)
        return torch.softmax(layers[2](hidden), 1)

    return Module(network=net, call=call, inputs={"bytes": (torch.randint(0, 257, (2, 128)), {0: "batch"})})


@architecture("tabular")
def recommender() -> Module:
    """Ids of user and thing, numbers beside them, clipped and scaled."""
    net = seeded(lambda: nn.ModuleList([nn.Embedding(200, 16), nn.Embedding(300, 16), nn.Linear(40, 32), nn.Linear(32, 1)]))

    def call(layers: Any, user: torch.Tensor, thing: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        unknown = torch.where(thing >= 300, torch.zeros_like(thing), thing)
        scaled = torch.log1p(numbers.clamp(min=0.0, max=1e4))
        joined = torch.cat([layers[0](user), layers[1](unknown), scaled], 1)
        return torch.sigmoid(layers[3](torch.relu(layers[2](joined))))

    inputs: dict[str, Any] = {"user": (torch.tensor([3, 4]), {0: "batch"}), "thing": (torch.tensor([5, 9]), {0: "batch"}),
                              "numbers": (torch.rand(2, 8), {0: "batch"})}  # fmt: skip
    return Module(network=net, call=call, inputs=inputs, outputs=("score",))


@architecture("tabular")
def missing_values() -> Module:
    """Numbers that are not there are replaced, and a flag says so."""
    net = seeded(lambda: nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3)))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        gone = torch.isnan(given)
        filled = torch.where(gone, torch.full_like(given, 0.3), given)
        logits: torch.Tensor = layers(torch.cat([(filled - 0.5) / 0.3, gone.float()], 1))
        return logits

    return Module(network=net, call=call, inputs={"features": (torch.rand(2, 16), {0: "batch"})})


@architecture("tabular")
def forecaster() -> Module:
    """A series is normalised by its own mean and spread, and the forecast is scaled back."""
    net = seeded(lambda: nn.ModuleList([nn.GRU(1, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 12)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        mean, spread = given.mean(1, keepdim=True), given.std(1, keepdim=True) + 1e-5
        hidden = layers[0](((given - mean) / spread).unsqueeze(-1))[0]
        forecast: torch.Tensor = layers[1](hidden[:, -1]) * spread + mean
        return forecast

    return Module(network=net, call=call, inputs={"series": (torch.rand(2, 48), {0: "batch"})}, outputs=("forecast",))


@architecture("graph")
def message_passing() -> Module:
    """A graph network: edges gather and scatter, distances are cut off smoothly."""
    net = seeded(lambda: nn.ModuleList([nn.Embedding(20, HIDDEN), nn.Linear(16, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 1)]))

    def call(layers: Any, kinds: torch.Tensor, places: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        hidden = layers[0](kinds)
        gap = (places[edges[0]] - places[edges[1]]).pow(2).sum(-1, keepdim=True).add(1e-8).sqrt()
        bells = torch.exp(-((gap - torch.linspace(0, 5, 16)) ** 2))
        cutoff = torch.where(gap < 5.0, 0.5 * (torch.cos(gap * 0.628) + 1), torch.zeros_like(gap))
        messages = hidden[edges[0]] * layers[1](bells) * cutoff
        hidden = hidden + torch.relu(layers[2](torch.zeros_like(hidden).index_add(0, edges[1], messages)))
        energy: torch.Tensor = layers[3](hidden).sum()
        return energy

    inputs: dict[str, Any] = {"kinds": (torch.randint(0, 20, (7,)), {0: "atoms"}), "places": (torch.rand(7, 3), {0: "atoms"}),
                              "edges": (torch.randint(0, 7, (2, 11)), {1: "edges"})}  # fmt: skip
    return Module(network=net, call=call, inputs=inputs, outputs=("energy",))


@architecture("causal")
def sampling_head() -> Module:
    """A decoder whose graph ends in temperature, the best forty and a repetition penalty on ids it was given."""
    net = seeded(lambda: nn.ModuleList([nn.Embedding(VOCABULARY, HIDDEN), nn.GRU(HIDDEN, HIDDEN, batch_first=True), nn.Linear(HIDDEN, VOCABULARY)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        logits = layers[2](layers[1](layers[0](given))[0][:, -1])
        score = torch.gather(logits, 1, given)
        score = torch.where(score < 0, score * 1.2, score / 1.2)
        logits = logits.scatter(1, given, score) / 0.8
        least = torch.topk(logits, 40)[0][:, -1:]
        return torch.softmax(torch.where(logits < least, torch.full_like(logits, -1e9), logits), -1)

    return Module(network=net, call=call, inputs={"input_ids": (ids(), TOKENS)}, outputs=("next",))


@architecture("image")
def squeeze_gates() -> Module:
    """Channels are weighed by what a small network makes of their means."""
    net = seeded(lambda: nn.ModuleList([_conv(3, 24, 24, stride=2), nn.Linear(24, 6), nn.Linear(6, 24), nn.Linear(24, 6)]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = layers[0](given)
        gate = functional.hardsigmoid(layers[2](torch.relu(layers[1](hidden.mean((2, 3))))))
        logits: torch.Tensor = layers[3]((hidden * gate[:, :, None, None]).mean((2, 3)))
        return logits

    return Module(network=net, call=call, inputs={"image": _image()})


@architecture("image")
def mixture_of_experts() -> Module:
    """A router's scores, the best of them alone, weigh experts."""
    net = seeded(lambda: nn.ModuleList([_conv(3, 24, 24, stride=2), nn.Linear(24, 4), *(nn.Linear(24, 6) for _ in range(4))]))

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        hidden = layers[0](given).mean((2, 3))
        scores = torch.softmax(layers[1](hidden), 1)
        best = scores.amax(1, keepdim=True)
        weights = torch.where(scores >= best, scores, torch.zeros_like(scores))
        return torch.stack([layer(hidden) for layer in layers[2:]], 1).mul(weights.unsqueeze(-1)).sum(1)

    return Module(network=net, call=call, inputs={"image": _image()})
