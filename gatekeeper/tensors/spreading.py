"""A model laid over several devices: every visible GPU, and host memory for what they can't hold.

accelerate plans and moves. Each layer lies on one device, hooks carry what flows through from one to the next, and a
layer that stays in host memory is brought to a GPU for as long as it runs. Activations are computed anew on the way
back: autograd would otherwise keep every layer that was brought there, and the GPUs would have to hold the whole model.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

SPREAD = "all"
"""Names every visible GPU together, where a device is named."""

_ROOM = 0.8
"""Share of a GPU's free memory that weights may take; the rest is for activations and the adapter."""


def spread(model: Any) -> Any:
    """Lay a model over every GPU, balanced; what doesn't fit stays in host memory.

    Args:
        model: Of `transformers`, in host memory.

    Returns:
        The same model.
    """
    room: dict[int | str, int] = {
        number: int(torch.cuda.mem_get_info(number)[0] * _ROOM) for number in range(torch.cuda.device_count())
    }
    # What is not laid elsewhere is there already.
    return lay(model, places(model, {**room, "cpu": sys.maxsize}))


def places(model: Any, room: Mapping[int | str, int]) -> dict[str, int | str]:
    """Plan where each part of a model lies; no layer is divided.

    Args:
        model: Of `transformers`.
        room: Number of a GPU, or `cpu` → bytes that weights may take there.

    Returns:
        Name of a module → number of a GPU, or `cpu`.
    """
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    model.tie_weights()
    whole = sorted(model._no_split_modules or ())
    balanced = get_balanced_memory(model, max_memory=dict(room), no_split_module_classes=whole)
    return dict(infer_auto_device_map(model, max_memory=balanced, no_split_module_classes=whole))


def lay(model: Any, places: Mapping[str, int | str], disk: Path | None = None) -> Any:
    """Lay a model out by a plan.

    Args:
        model: Of `transformers`, in host memory.
        places: Name of a module → number of a GPU, `cpu` or `disk`.
        disk: Folder for what goes to the disk.

    Returns:
        The same model.
    """
    from accelerate import dispatch_model

    first = next((place for place in places.values() if isinstance(place, int)), None)
    dispatch_model(
        model, device_map=dict(places), main_device=first, offload_dir=disk,
        skip_keys=model._skip_keys_device_placement,
    )  # fmt: skip
    if is_spread(model):
        for module in model.modules():
            if type(module).__name__ in (model._no_split_modules or ()):
                module.forward = _recomputing(module.forward)
    return model


def _recomputing(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Keep no activations of a layer; its hooks run again with it."""
    from torch.utils.checkpoint import checkpoint

    def again(*given: Any, **named: Any) -> Any:
        if not torch.is_grad_enabled():
            return forward(*given, **named)
        return checkpoint(partial(forward, **named), *given, use_reentrant=False)

    return again


def is_spread(model: Any) -> bool:
    """Whether a model lies on more than one device."""
    return len(set(getattr(model, "hf_device_map", {}).values())) > 1


def entrance(model: Any) -> torch.device:
    """Give the device that a model's inputs go to."""
    embeddings = model.get_input_embeddings()
    device: torch.device = embeddings.weight.device
    return torch.device(embeddings._hf_hook.execution_device) if device.type == "meta" else device


def settle_adapter(model: Any) -> None:
    """Give a fresh adapter its weights where PEFT made it without any: on layers that are not on a device themselves.

    Args:
        model: Of PEFT, with the adapter `default`.
    """
    for layer in model.modules():
        if not hasattr(layer, "lora_A") or layer.lora_A["default"].weight.device.type != "meta":
            continue
        device = layer.base_layer._hf_hook.execution_device
        for part in (layer.lora_A["default"], layer.lora_B["default"]):
            part.to_empty(device=device)
        layer.reset_lora_parameters("default", init_lora_weights=True)


def take_off(model: Any) -> Any:
    """Give the model below an adapter back, its layers where they were: PEFT would copy those in host memory."""
    below = model.base_model.model
    for parent in list(below.modules()):
        for name, child in list(parent.named_children()):
            if hasattr(child, "lora_A"):
                setattr(parent, name, child.base_layer)
    return below


def weights_of(model: Any) -> dict[str, torch.Tensor]:
    """Give all weights by name, in host memory, those included that are not on a device."""
    from accelerate.utils.modeling import get_state_dict_offloaded_model

    state: dict[str, torch.Tensor] = get_state_dict_offloaded_model(model)
    return state
