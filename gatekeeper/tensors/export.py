"""What runs in a confined child: an architecture that transformers knows, written out as ONNX graphs without weights.

The configuration alone decides: weights are random, and left out of the answer. No code of a repo is ever run, since
only classes of transformers itself are made (`trust_remote_code=False`, and no `auto_map`).
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from gatekeeper.tensors.quiet import quiet

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto

EXPORTERS = ("dynamo", "torchscript")
_OPSET = 18
_LENGTH, _BATCH = 9, 2
_LAYERS = 2
"""Layers of a kind that are written out: further ones repeat them."""

_COUNTS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers", "encoder_layers",
           "decoder_layers")  # fmt: skip
_KEPT = 4_096
"""Numbers of a tensor that stay in the answer: constants, and no weights."""

_REASON = 300


class UnknownArchitectureError(Exception):
    """Nothing that transformers knows by itself; the message says what."""


def job(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Write an architecture out.

    Args:
        request: JSON with `config` (the repo's config.json) and `parameters` (most weights of one network).
        answer: Given a line of JSON before each graph, `{"name": …, "length": bytes}`, and the graph; or at the end
            `{"trouble": …}` for each that could not be written.
    """
    asked = json.loads(request)
    with quiet():
        try:
            wanted = list(_wanted(asked["config"], asked["parameters"]))
        except Exception as error:  # configurations are hostile, and transformers trips over them as it likes
            answer(_line(trouble=_told(error)))
            return
        for name, make in wanted:
            try:
                data = make()
            except MemoryError:
                raise
            except Exception as error:  # exporters raise what they like
                answer(_line(trouble=f"{name}: {_told(error)}"))
                continue
            answer(_line(name=name, length=len(data)) + data)


def _told(error: Exception) -> str:
    text = str(error).strip().splitlines()
    said = text[0] if text else ""
    return (said if isinstance(error, UnknownArchitectureError) else f"{type(error).__name__}: {said}")[:_REASON]


def _line(**said: Any) -> bytes:
    return json.dumps(said).encode() + b"\n"


def _wanted(given: Mapping[str, Any], parameters: int) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Give what is to be written out: the classes that the configuration names, and the bare network, by each exporter.

    Raises:
        UnknownArchitectureError: When transformers has none of them.
    """
    import transformers

    config = _config(given)
    named = [name for name in given.get("architectures") or () if isinstance(name, str)]
    known = [getattr(transformers, name) for name in named if _is_network(transformers, name)]
    base = transformers.AutoModel._model_mapping.get(type(config), None)
    for kind in dict.fromkeys([*known, *([base] if isinstance(base, type) else [])]):
        for exporter in EXPORTERS:
            written = partial(
                _written, kind, copy.deepcopy(config), exporter=exporter, parameters=parameters, bare=kind is base
            )
            yield f"{kind.__name__} {exporter}", written


def _is_network(library: Any, name: str) -> bool:
    import torch

    kind = getattr(library, name, None) if name.isidentifier() and name in library.__all__ else None
    return isinstance(kind, type) and issubclass(kind, torch.nn.Module)


def _config(given: Mapping[str, Any]) -> Any:
    import transformers

    kind = given.get("model_type")
    if not isinstance(kind, str) or kind not in transformers.CONFIG_MAPPING:
        raise UnknownArchitectureError("its model_type is none that transformers knows by itself")
    plain = {key: value for key, value in given.items() if key not in ("auto_map", "quantization_config")}
    for count in _COUNTS:
        if isinstance(plain.get(count), int):
            plain[count] = min(plain[count], _LAYERS)
            for key in ("layer_types", "max_window_layers"):
                if isinstance(plain.get(key), list):
                    plain[key] = plain[key][:_LAYERS]
    return transformers.CONFIG_MAPPING[kind].from_dict(plain)


def _written(kind: Any, config: Any, *, exporter: str, parameters: int, bare: bool) -> bytes:
    import torch

    config.use_cache = False
    with torch.device("meta"):
        count = sum(weight.numel() for weight in kind(copy.deepcopy(config)).parameters())
    if count > parameters:
        raise UnknownArchitectureError(f"it has {count:,} weights in {_LAYERS} layers, more than {parameters:,}")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    network = kind(config).eval()
    inputs = _inputs(network, config)
    # What embeds sentences is the bare network with this behind it (sentence-transformers).
    module = _called(network, tuple(inputs), pooled=bare and len(inputs) == 2)
    with torch.no_grad():
        return {"dynamo": _dynamo, "torchscript": _torchscript}[exporter](module, inputs)


def _inputs(network: Any, config: Any) -> dict[str, torch.Tensor]:
    """Give example inputs: token ids with their mask, or a picture.

    Raises:
        UnknownArchitectureError: When it takes something else.
    """
    import torch

    if network.main_input_name == "input_ids" and not config.is_encoder_decoder:
        ids = torch.randint(3, max(4, min(config.vocab_size, 1_000)), (_BATCH, _LENGTH))
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if network.main_input_name == "pixel_values":
        size = getattr(config, "image_size", None) or 224
        high, wide = size if isinstance(size, list | tuple) else (size, size)
        return {"pixel_values": torch.rand(_BATCH, getattr(config, "num_channels", 3), high, wide)}
    raise UnknownArchitectureError("it takes neither tokens alone nor pictures")


def _called(network: Any, names: tuple[str, ...], *, pooled: bool) -> Any:
    import torch

    class Called(torch.nn.Module):  # type: ignore[misc]  # torch is not always installed where types are checked
        """A network that takes its inputs in order and gives its first answer, and the mean of hidden states."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *inputs: Any) -> Any:
            answer = self.network(**dict(zip(names, inputs, strict=True)), return_dict=True)[0]
            return (answer, _mean(answer, inputs[1])) if pooled else answer

    return Called()


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Give the mean of the hidden states that the mask leaves, of length 1."""
    import torch

    seen = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * seen).sum(1) / seen.sum(1).clamp(min=1e-9)
    return torch.nn.functional.normalize(mean, p=2, dim=1)


def _axes(inputs: Mapping[str, torch.Tensor]) -> dict[str, dict[int, str]]:
    return {name: {0: "batch", 1: "sequence"} if given.ndim == 2 else {0: "batch"} for name, given in inputs.items()}


def _dynamo(module: Any, inputs: Mapping[str, torch.Tensor]) -> bytes:
    import torch

    sizes = {name: torch.export.Dim(name, min=1, max=64) for name in ("batch", "sequence")}
    shapes = tuple({axis: sizes[name] for axis, name in axes.items()} for axes in _axes(inputs).values())
    program = torch.onnx.export(
        module, tuple(inputs.values()), dynamo=True, verbose=False, opset_version=_OPSET, input_names=list(inputs),
        dynamic_shapes=(shapes,),
    )  # fmt: skip
    return _bare(program.model_proto)


def _torchscript(module: Any, inputs: Mapping[str, torch.Tensor]) -> bytes:
    import onnx
    import torch

    stream = io.BytesIO()
    torch.onnx.export(
        module, tuple(inputs.values()), stream, dynamo=False, opset_version=_OPSET, input_names=list(inputs),
        dynamic_axes=_axes(inputs),
    )  # fmt: skip
    return _bare(onnx.load_model_from_string(stream.getvalue()))


def _bare(model: ModelProto) -> bytes:
    """Leave the weights out, as if they lay in another file."""
    from onnx import TensorProto

    for tensor in model.graph.initializer:
        count = 1
        for size in tensor.dims:
            count *= size
        if count > _KEPT:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
                tensor.ClearField(field)
            tensor.data_location = TensorProto.EXTERNAL
            entry = tensor.external_data.add()
            entry.key, entry.value = "location", "weights"
    data: bytes = model.SerializeToString()
    return data
