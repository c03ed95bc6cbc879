"""What runs in the confined child: one torch file in, one safetensors file out, and digests of every tensor.

The only module that imports torch. `torch.load(weights_only=True)` builds tensors and plain containers and calls
nothing else; whatever it or the rules below refuse comes back as a reason. Nothing is ever changed to make it fit.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

KEYS = ("state_dict", "model_state_dict", "model", "module", "params_ema", "params", "net", "weights")
"""Keys under which trainers put the state dict (Lightning, timm, DeepSpeed, BasicSR and plain training loops)."""

_GROWTH = 2
_GROWTH_FREE = 1 << 24
"""A result may have twice the bytes of its source and 16 MiB: views of one storage are written apart, and strides of
zero would let a few bytes claim any size."""

_SAID = re.compile(r"Unsupported (?:global|operand|class|opcode)[^\n]{0,200}", re.IGNORECASE)
_SHOWN = 20
"""Names that one reason lists."""


class RefusedError(Exception):
    """The file is no plain set of tensors; the message says what it is."""


def job(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Convert one file.

    Args:
        request: JSON object with `source` and `target` (paths), `size` (bytes of the source), `key` (where the state
            dict lies; empty to look for it) and `most` (tensors).
        answer: Given JSON: `tensors` (name → sha256), `aliases` (name → name that holds its bytes), `key` and
            `dropped` (what lay beside the state dict), or `refused` (why).
    """
    asked = json.loads(request)
    try:
        told = _convert(asked)
    except RefusedError as error:
        told = {"refused": str(error)}
    except MemoryError:
        told = {"refused": "it asks for more memory than the child may have"}
    except Exception as error:  # torch and its parsers raise whatever a broken file makes them trip over
        told = {"refused": _said(error)}
    answer(json.dumps(told).encode())


def _said(error: Exception) -> str:
    text = str(error)
    found = _SAID.search(text)
    return f"torch refuses it: {found[0] if found else text.strip().splitlines()[0] if text.strip() else repr(error)}"


def _convert(asked: Mapping[str, Any]) -> dict[str, Any]:
    import torch
    from safetensors.torch import save_file

    torch.set_num_threads(1)
    is_zip = zipfile.is_zipfile(asked["source"])
    records = _records(asked["source"]) if is_zip else None
    loaded = torch.load(asked["source"], map_location="cpu", weights_only=True, mmap=is_zip)
    key, state = _state_dict(loaded, asked["key"])
    dropped = [] if not key else [f"{name} ({_kind(value)})" for name, value in loaded.items() if name != key]
    tensors = _tensors(state, asked["most"])
    _refuse_false_lengths(tensors, records, asked["size"])
    aliases = _aliases(tensors)
    kept = _apart({name: tensor for name, tensor in tensors.items() if name not in aliases}, asked["size"])
    digests = {name: _digest(tensor) for name, tensor in kept.items()}
    save_file(kept, asked["target"], metadata={**aliases, "format": "pt"})
    return {"tensors": digests, "aliases": aliases, "key": key, "dropped": dropped[:1000]}


def _records(source: str) -> Counter[int]:
    """Count the lengths of the archive's storages; one that is packed can't be mapped."""
    lengths: Counter[int] = Counter()
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            if "/data/" in member.filename:
                if member.compress_type != zipfile.ZIP_STORED:
                    raise RefusedError("its storages are compressed, which torch.save never does")
                lengths[member.file_size] += 1
    return lengths


def _state_dict(loaded: Any, key: str) -> tuple[str, Mapping[Any, Any]]:
    """Find the state dict, and the key that it lies under."""
    import torch

    if not isinstance(loaded, dict):
        raise RefusedError(f"it holds {_kind(loaded)}, not a state dict")
    if key:
        if not isinstance(loaded.get(key), dict):
            raise RefusedError(f"it has no dict under {key!r} (--key); it has {_names(loaded)}")
        return key, loaded[key]
    if {"state", "param_groups"} <= loaded.keys():
        raise RefusedError("it is the state of an optimizer, which no model reads")
    if not loaded:
        raise RefusedError("it is an empty dict")
    if all(isinstance(value, torch.Tensor) for value in loaded.values()):
        return "", loaded
    found = [name for name in KEYS if isinstance(loaded.get(name), dict)]
    if len(found) > 1:
        raise RefusedError(f"it has more than one candidate for the weights ({', '.join(found)}): choose with --key")
    if not found:
        odd = next((name, value) for name, value in loaded.items() if not isinstance(value, torch.Tensor))
        raise RefusedError(f"{str(odd[0])[:120]!r} is {_kind(odd[1])}, not a tensor; it has {_names(loaded)}")
    return found[0], loaded[found[0]]


def _names(loaded: Mapping[Any, Any]) -> str:
    names = [f"{str(name)[:80]!r} ({_kind(value)})" for name, value in list(loaded.items())[:_SHOWN]]
    return ", ".join(names) + (" and more" if len(loaded) > _SHOWN else "")


def _kind(value: Any) -> str:
    return type(value).__name__


def _tensors(state: Mapping[Any, Any], most: int) -> dict[str, torch.Tensor]:
    """Hold every entry of a state dict against what safetensors can hold bit by bit."""
    if len(state) > most:
        raise RefusedError(f"it has {len(state)} entries, more than {most} (limit tensors)")
    if not state:
        raise RefusedError("the state dict is empty")
    for name, value in state.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise RefusedError(f"{str(name)[:120]!r} can't be a tensor's name in safetensors")
        reason = _unfit(value)
        if reason:
            raise RefusedError(f"{name[:120]!r} is {reason}")
    return {name: value.detach() for name, value in sorted(state.items())}


def _unfit(value: Any) -> str:
    """Say why a value can't be written as it is; empty when it can."""
    import torch

    if type(value) not in (torch.Tensor, torch.nn.Parameter):
        return f"{_kind(value)}, not a tensor" if not isinstance(value, torch.Tensor) else f"a {_kind(value)}"
    if value.is_quantized:
        return "a quantised tensor, whose scales safetensors can't hold"
    if value.layout is not torch.strided:
        return f"a tensor of layout {value.layout}"
    if value.device.type != "cpu":
        return f"a tensor without bytes (device {value.device})"
    return "a lazily conjugated or negated tensor" if value.is_conj() or value.is_neg() else ""


def _refuse_false_lengths(tensors: Mapping[str, torch.Tensor], records: Counter[int] | None, size: int) -> None:
    """Refuse storages of other lengths than the file gives: bytes of something else would pass for weights."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors.values()}
    storages.pop(0, None)
    held = Counter(storages.values())
    if sum(storages.values()) > size or (records is not None and held - records):
        raise RefusedError("a storage is not as long in the file as the pickle says")


def _aliases(tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """Map every further name of the same bytes to the first in their order, as safetensors' helper does."""
    first: dict[tuple[Any, ...], str] = {}
    aliases = {}
    for name, tensor in tensors.items():
        if not tensor.numel():
            continue
        key = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
        kept = first.setdefault(key, name)
        if kept != name:
            aliases[name] = kept
    return aliases


def _apart(tensors: Mapping[str, torch.Tensor], size: int) -> dict[str, torch.Tensor]:
    """Give every tensor bytes of its own, in row-major order; only those that share or skip some are copied."""
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if total > _GROWTH * size + _GROWTH_FREE:
        raise RefusedError(f"its tensors claim {total} bytes, the file has {size}")
    users = Counter(tensor.untyped_storage().data_ptr() for tensor in tensors.values())
    return {
        name: tensor.clone(memory_format=_row_major()) if users[tensor.untyped_storage().data_ptr()] > 1
        else tensor.contiguous()
        for name, tensor in tensors.items()
    }  # fmt: skip


def _row_major() -> Any:
    import torch

    return torch.contiguous_format


def _digest(tensor: torch.Tensor) -> str:
    import torch

    flat = tensor.reshape(-1)
    return hashlib.sha256(flat.view(torch.uint8).numpy() if flat.numel() else b"").hexdigest()
