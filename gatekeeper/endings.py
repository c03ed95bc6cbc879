"""Names of files: endings that tell weights and graphs from the rest, as loaders do, and what the lock is called."""

from __future__ import annotations

from posixpath import basename, splitext

LOCK_NAME = "gatekeeper.lock"
"""File name by which every command looks for a lock."""

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
    return splitext(basename(path))[1].lower() in GRAPHS


def is_weights(path: str) -> bool:
    """Whether a file of that name holds weights, a graph's included."""
    return splitext(basename(path))[1].lower() in WEIGHTS
