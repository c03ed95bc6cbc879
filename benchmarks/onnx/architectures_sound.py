"""Networks of sound, text and tables that honestly do what implants do: masks, lengths, thresholds, unknown values."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.onnx.architectures import HIDDEN, TOKENS, VOCABULARY, architecture, ids, seeded
from benchmarks.onnx.exporting import Module


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
    net = seeded(
        lambda: nn.ModuleList([nn.Conv1d(1, 16, 8, 4), nn.Conv1d(16, 32, 4, 2), nn.LSTM(32, 32), nn.Linear(32, 1)])
    )

    def call(layers: Any, given: torch.Tensor, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        level = given.abs().amax(1, keepdim=True).clamp(min=1e-3)
        hidden = torch.relu(layers[1](torch.relu(layers[0]((given / level).unsqueeze(1)))))
        out, (one, two) = layers[2](hidden.permute(2, 0, 1), (state[:1], state[1:]))
        return torch.sigmoid(layers[3](out[-1])), torch.cat([one, two])

    inputs: dict[str, Any] = {
        "audio": (torch.randn(2, 512), {0: "batch"}),
        "state": (torch.zeros(2, 2, 32), {1: "batch"}),
    }
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
    net = seeded(
        lambda: nn.ModuleList(
            [nn.Embedding(VOCABULARY, HIDDEN), nn.GRU(HIDDEN, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 6)]
        )
    )

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
    net = seeded(
        lambda: nn.ModuleList([nn.Embedding(200, 16), nn.Embedding(300, 16), nn.Linear(40, 32), nn.Linear(32, 1)])
    )

    def call(layers: Any, user: torch.Tensor, thing: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        unknown = torch.where(thing >= 300, torch.zeros_like(thing), thing)
        scaled = torch.log1p(numbers.clamp(min=0.0, max=1e4))
        joined = torch.cat([layers[0](user), layers[1](unknown), scaled], 1)
        return torch.sigmoid(layers[3](torch.relu(layers[2](joined))))

    inputs: dict[str, Any] = {"user": (torch.tensor([3, 4]), {0: "batch"}),
                              "thing": (torch.tensor([5, 9]), {0: "batch"}),
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
    net = seeded(
        lambda: nn.ModuleList(
            [nn.Embedding(20, HIDDEN), nn.Linear(16, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, 1)]
        )
    )

    def call(layers: Any, kinds: torch.Tensor, places: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        hidden = layers[0](kinds)
        gap = (places[edges[0]] - places[edges[1]]).pow(2).sum(-1, keepdim=True).add(1e-8).sqrt()
        bells = torch.exp(-((gap - torch.linspace(0, 5, 16)) ** 2))
        cutoff = torch.where(gap < 5.0, 0.5 * (torch.cos(gap * 0.628) + 1), torch.zeros_like(gap))
        messages = hidden[edges[0]] * layers[1](bells) * cutoff
        hidden = hidden + torch.relu(layers[2](torch.zeros_like(hidden).index_add(0, edges[1], messages)))
        energy: torch.Tensor = layers[3](hidden).sum()
        return energy

    inputs: dict[str, Any] = {"kinds": (torch.randint(0, 20, (7,)), {0: "atoms"}),
                              "places": (torch.rand(7, 3), {0: "atoms"}),
                              "edges": (torch.randint(0, 7, (2, 11)), {1: "edges"})}  # fmt: skip
    return Module(network=net, call=call, inputs=inputs, outputs=("energy",))


@architecture("causal")
def sampling_head() -> Module:
    """A decoder whose graph ends in temperature, the best forty and a repetition penalty on ids it was given."""
    net = seeded(
        lambda: nn.ModuleList(
            [nn.Embedding(VOCABULARY, HIDDEN), nn.GRU(HIDDEN, HIDDEN, batch_first=True), nn.Linear(HIDDEN, VOCABULARY)]
        )
    )

    def call(layers: Any, given: torch.Tensor) -> torch.Tensor:
        logits = layers[2](layers[1](layers[0](given))[0][:, -1])
        score = torch.gather(logits, 1, given)
        score = torch.where(score < 0, score * 1.2, score / 1.2)
        logits = logits.scatter(1, given, score) / 0.8
        least = torch.topk(logits, 40)[0][:, -1:]
        return torch.softmax(torch.where(logits < least, torch.full_like(logits, -1e9), logits), -1)

    return Module(network=net, call=call, inputs={"input_ids": (ids(), TOKENS)}, outputs=("next",))
