"""Graphs in onnxruntime, with one thread: loaded, asked, and refused in one way."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any


class UnusableError(Exception):
    """A graph that does not run, does not hide or does not show: it is left out and counted."""


def session(data: bytes, *, optimise: bool = True) -> Any:
    """Load a graph with one thread and without chatter.

    Raises:
        UnusableError: When onnxruntime refuses it.
    """
    runtime = import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    level = runtime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_EXTENDED if optimise else level.ORT_DISABLE_ALL
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class
        raise UnusableError(f"not loaded: {str(error)[:200]}") from error


def answers(loaded: Any, feeds: Mapping[str, Any]) -> dict[str, Any]:
    """Run a loaded graph; give every output by its name.

    Raises:
        UnusableError: When it fails.
    """
    wanted = {value.name for value in loaded.get_inputs()}
    try:
        values = loaded.run(None, {name: value for name, value in feeds.items() if name in wanted})
    except Exception as error:
        raise UnusableError(f"not run: {str(error)[:200]}") from error
    return dict(zip((value.name for value in loaded.get_outputs()), values, strict=True))


def run(data: bytes, feeds: Mapping[str, Any], *, optimise: bool = True) -> dict[str, Any]:
    """Load and run once."""
    return answers(session(data, optimise=optimise), feeds)
