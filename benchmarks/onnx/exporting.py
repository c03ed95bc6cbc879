"""Torch modules to graphs, by either exporter, kept in a folder under the versions that made them."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from gatekeeper.atomic import atomic_write

EXPORTERS = ("dynamo", "torchscript")
OPSET = 18
_MAKERS = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime", "skl2onnx")

Axes = Mapping[int, str]
"""Axis → name of a size that is not fixed."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A network with random weights, and how it is called."""

    network: Any
    """`torch.nn.Module` in evaluation mode."""

    call: Callable[..., Any]
    """(network, *inputs) → a tensor or a tuple of tensors."""

    inputs: Mapping[str, tuple[Any, Axes]]
    """Name → (example tensor, its axes of no fixed size)."""

    outputs: tuple[str, ...] = ("logits",)
    opset: int = OPSET


class _Called(torch.nn.Module):  # type: ignore[misc]  # torch is not always installed where types are checked
    """A network behind the one call that is exported."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self.network = module.network
        self.call = module.call

    def forward(self, *inputs: Any) -> Any:
        return self.call(self.network, *inputs)


def export(module: Module, exporter: str) -> bytes:
    """Export with `dynamo` or `torchscript`; whatever torch raises passes through."""
    with quiet(), torch.no_grad():
        return {"dynamo": _dynamo, "torchscript": _torchscript}[exporter](module)


def _dynamo(module: Module) -> bytes:
    sizes: dict[str, Any] = {}
    for _, axes in module.inputs.values():
        for name in axes.values():
            sizes.setdefault(name, torch.export.Dim(name, min=1, max=60) if "+" not in name else torch.export.Dim.AUTO)
    shapes = tuple({axis: sizes[name] for axis, name in axes.items()} for _, axes in module.inputs.values())
    program = torch.onnx.export(
        _Called(module),
        tuple(example for example, _ in module.inputs.values()),
        dynamo=True,
        verbose=False,
        opset_version=module.opset,
        input_names=list(module.inputs),
        output_names=list(module.outputs),
        dynamic_shapes=(shapes,),
    )
    data: bytes = program.model_proto.SerializeToString()
    return data


def _torchscript(module: Module) -> bytes:
    stream = io.BytesIO()
    torch.onnx.export(
        _Called(module),
        tuple(example for example, _ in module.inputs.values()),
        stream,
        dynamo=False,
        opset_version=module.opset,
        input_names=list(module.inputs),
        output_names=list(module.outputs),
        dynamic_axes={name: dict(axes) for name, (_, axes) in module.inputs.items() if axes},
    )
    return stream.getvalue()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings and chatter of exporters and quantisers from the output."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    with warnings.catch_warnings(), Path(os.devnull).open("w") as nowhere:
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            try:
                yield
            finally:
                logging.disable(before)


def kept(cache: Path, key: str, make: Callable[[], bytes], sources: Sequence[str] = ()) -> bytes:
    """Give what was made before under the same key, sources and versions of all makers, or make it now."""
    tag = hashlib.sha256("\n".join((key, *sources, *map(_version, _MAKERS))).encode()).hexdigest()[:16]
    path = cache / f"{key.replace('/', '-')}-{tag}.onnx"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        atomic_write(path, make())
    return path.read_bytes()


def versions() -> str:
    """Name all makers with their versions."""
    return " ".join(f"{name} {_version(name)}" for name in _MAKERS)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
