"""Endings of file names that tell weights and graphs from the rest, as loaders do: the only list of them."""

from __future__ import annotations

from pathlib import PurePosixPath

GRAPHS = frozenset({".onnx", ".ort", ".pt2", ".pte", ".tflite", ".torchscript"})
"""Formats that hold a computational graph together with its weights, and nothing else."""

WEIGHTS = GRAPHS | {
    *(".bin", ".ckpt", ".ggml", ".gguf", ".h5", ".hdf5", ".jit", ".joblib", ".keras", ".mar", ".mlmodel", ".msgpack"),
    *(".nemo", ".npy", ".npz", ".ot", ".pb", ".pdparams", ".pickle", ".pkl", ".pt", ".pth", ".ptl", ".safetensors"),
    *(".skops", ".th"),
}
"""Formats that hold weights, and sometimes code."""


def is_graph(path: str) -> bool:
    """Whether a file of that name holds a graph."""
    return PurePosixPath(path).suffix.lower() in GRAPHS


def is_weights(path: str) -> bool:
    """Whether a file of that name holds weights, a graph's included."""
    return PurePosixPath(path).suffix.lower() in WEIGHTS
