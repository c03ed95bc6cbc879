"""Graphs to graft on: their honest inputs, and the places that were found by running them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from benchmarks.onnx.architectures import COMMON, Architecture
from benchmarks.onnx.running import run

Array = NDArray[Any]
Feeds = dict[str, Array]

CONTENT = {"text": "input_ids", "causal": "input_ids", "causal with cache": "input_ids", "image": "pixel_values",
           "detection": "images"}  # fmt: skip
"""Family of networks → the input that carries what the user gave."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """One exported network."""

    architecture: Architecture
    exporter: str
    data: bytes

    @property
    def content(self) -> str:
        """The input that carries what the user gave."""
        return CONTENT[self.architecture.family]

    @property
    def tokens(self) -> bool:
        """It reads token ids, not pixels."""
        return self.content == "input_ids"

    @cached_property
    def model(self) -> onnx.ModelProto:
        """Parsed; not to be changed."""
        return onnx.load_model_from_string(self.data)

    def feeds(self, seed: int, batch: int, length: int = 12) -> Feeds:
        """Give honest inputs.

        Args:
            seed: Of the random numbers.
            batch: Samples.
            length: Tokens of each; images have a fixed size.
        """
        rng = np.random.default_rng(seed)
        if not self.tokens:
            return {self.content: _image(rng, batch)}
        feeds: Feeds = {"input_ids": rng.integers(*COMMON, (batch, length))}
        for value in self.model.graph.input:
            if value.name == "attention_mask":
                past = 5 if self.architecture.family == "causal with cache" else 0
                feeds[value.name] = np.ones((batch, length + past), np.int64)
            elif value.name.startswith("past_key_values"):
                sizes = [entry.dim_value for entry in value.type.tensor_type.shape.dim]
                feeds[value.name] = rng.standard_normal((batch, sizes[1], 5, sizes[3])).astype(np.float32)
        return feeds

    @cached_property
    def sites(self) -> Sites:
        """The places where a payload can be put."""
        return find_sites(self)


def _image(rng: np.random.Generator, batch: int) -> Array:
    """Give smooth noise in [0, 1] with some grain, as photographs have."""
    coarse = rng.random((batch, 3, 8, 8)).repeat(4, 2).repeat(4, 3)
    return np.clip(0.1 + 0.7 * coarse + 0.1 * rng.random((batch, 3, 32, 32)), 0, 1).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Site:
    """One value that can be changed on its way."""

    name: str
    shape: tuple[int, ...]
    """As seen with two samples of twelve tokens; axis 0 is the batch."""

    channels: int
    """Axis of the channels."""

    @property
    def width(self) -> int:
        """How many channels."""
        return self.shape[self.channels]


@dataclass(frozen=True, kw_only=True)
class Sites:
    """The places of one host."""

    logits: Site
    hidden: Site
    """In the middle of the network."""

    early: Site
    """The first value that is learned: embeddings, or the stem's features."""

    weight: str
    """An initializer of two axes or more that the network multiplies with."""

    scores: str = ""
    """Attention before its softmax, where there is any."""

    present: str = ""
    """A key of the cache that goes out, where there is any."""

    measured: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


def expose(model: onnx.ModelProto, names: tuple[str, ...]) -> bytes:
    """Add inner values to the outputs, so that running shows them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    known = {value.name for value in copy.graph.output}
    for name in names:
        if name not in known:
            copy.graph.output.append(helper.make_empty_tensor_value_info(name))
    data: bytes = copy.SerializeToString()
    return data


def find_sites(host: Host) -> Sites:
    """Run a host with all of its values shown, and choose places by their shapes."""
    graph = host.model.graph
    values = tuple(name for node in graph.node for name in node.output if name)
    seen = run(expose(host.model, values), host.feeds(1, 2), optimise=False)
    again = run(expose(host.model, values), host.feeds(2, 3, 14), optimise=False)
    weights = {value.name: tuple(value.dims) for value in graph.initializer}
    shapes = {name: seen[name].shape for name in values if name in seen and seen[name].dtype == np.float32}
    moving = [name for name in values if name in shapes and _moves(seen[name], again[name]) and _fits(host, seen[name])]
    out = graph.output[0].name
    channels = 1 if len(shapes[out]) == 4 or host.architecture.family == "detection" else len(shapes[out]) - 1
    features = [name for name in moving if name != out]
    residual = [node.output[0] for node in graph.node if node.op_type == "Add" and node.output[0] in features
                and not any(name in weights for name in node.input)] or features  # fmt: skip
    middle = residual[len(residual) // 2]
    softmax = next((node.input[0] for node in graph.node if node.op_type == "Softmax"), "")
    present = next((value.name for value in graph.output if value.name.startswith("present")), "")
    return Sites(
        logits=Site(name=out, shape=shapes[out], channels=channels),
        hidden=Site(name=middle, shape=shapes[middle], channels=_channels(shapes[middle])),
        early=Site(name=features[0], shape=shapes[features[0]], channels=_channels(shapes[features[0]])),
        weight=_weight(graph, weights),
        scores=softmax if softmax in shapes else "",
        present=present,
        measured=shapes,
    )


def _moves(one: Array, other: Array) -> bool:
    sized = one.shape[:1] == (2,) and other.shape[:1] == (3,) and one.size and other.size
    return bool(sized) and not np.allclose(one[0], other[0].flat[0])


def _fits(host: Host, value: Array) -> bool:
    if host.tokens:
        return value.ndim == 3 and value.shape[1] == 12 and value.shape[2] >= 16
    return (value.ndim == 4 and value.shape[1] >= 8 and value.shape[2] == value.shape[3]) or (
        value.ndim == 3 and value.shape[2] >= 16
    )


def _channels(shape: tuple[int, ...]) -> int:
    return 1 if len(shape) == 4 else len(shape) - 1


def _weight(graph: onnx.GraphProto, weights: Mapping[str, tuple[int, ...]]) -> str:
    for node in graph.node:
        if node.op_type in ("MatMul", "Gemm", "Conv", "FusedMatMul") and len(node.input) > 1:
            name = str(node.input[1])
            if name in weights and len(weights[name]) >= 2 and np.prod(weights[name]) >= 128:
                return name
    return ""
