"""File names that tell weights and graphs from the rest, as loaders do."""

from __future__ import annotations

from pathlib import PurePosixPath

_GRAPHS = frozenset({".onnx", ".tflite"})
"""Formats that hold a computational graph together with its weights."""

_WEIGHTS = frozenset(
    {
        *(".bin", ".ckpt", ".gguf", ".ggml", ".h5", ".joblib", ".keras", ".mar", ".mlmodel", ".msgpack", ".nemo"),
        *(".npy", ".npz", ".pb", ".pdparams", ".pickle", ".pkl", ".pt", ".pth", ".ptl", ".safetensors", ".skops"),
    }
)
"""Formats that hold weights, and sometimes code."""


def is_graph(path: str) -> bool:
    """Whether a file of that name holds a graph."""
    return PurePosixPath(path).suffix.lower() in _GRAPHS


def is_weights(path: str) -> bool:
    """Whether a file of that name holds weights, a graph's included."""
    return PurePosixPath(path).suffix.lower() in _WEIGHTS or is_graph(path)
