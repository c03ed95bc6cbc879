"""A LoRA adapter merged into its base, file by file: `W + scale · B · A` for some tensors, every other byte as it was.

Shapes and types stay, so that a file of safetensors keeps its header: it is copied, and the bytes of changed tensors
are written over. No more than a few tensors are in memory at any time, however large the model is. The sum is PEFT's;
what was written is read back and held against one that is made here.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.merge import MergedTensor
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.tensors.stored import INDEX, TYPES, MergeRefusedError, Stored
from gatekeeper.text import printable

if TYPE_CHECKING:
    import torch

_HEADS = frozenset({"lm_head", "embed_out"})
_TURNED = frozenset({"gpt2", "openai-gpt", "imagegpt", "decision_transformer"})
"""Kinds of models whose linear layers store (in, out)."""

_SIXTEEN_BITS = 2.0
"""Units of rounding that a written element may lie from the exact sum: half a one is rounding's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LowRank:
    """The change of one module: `scale · B · A`."""

    module: str
    """As the base's weights name it, without `.weight`, but for outer words such as `model.`"""

    a: str
    """Name of A's tensor, of shape (rank, in)."""

    b: str
    """Name of B's tensor, of shape (out, rank)."""

    rank: int
    scale: float
    turned: bool = False
    """Whether the base stores the weight the other way round, as GPT-2 does: (in, out)."""


def placed(changes: Sequence[LowRank], stored: Mapping[str, Stored], inner: Callable[[str], str]) -> dict[str, LowRank]:
    """Find the tensor of the base that each change belongs to.

    Args:
        changes: Of an adapter.
        stored: Of its base.
        inner: Leaves out the outer words of a module's path, which come and go with the class that loads it.

    Returns:
        Name of the base's tensor → change.

    Raises:
        MergeRefusedError: When there is none, or more than one, or it has a type or shape that can't be added to.
    """
    by_inner: dict[str, list[Stored]] = {}
    for tensor in stored.values():
        module, _, last = tensor.name.rpartition(".")
        if last == "weight":
            by_inner.setdefault(inner(module), []).append(tensor)
    found: dict[str, LowRank] = {}
    for change in changes:
        shown = printable(change.module, 120)
        fitting = by_inner.get(inner(change.module), [])
        if len(fitting) != 1:
            what = "no module" if not fitting else f"{len(fitting)} modules that may be meant by"
            raise MergeRefusedError(f"the base has {what} {shown!r}: the adapter is of another base")
        tensor = fitting[0]
        if tensor.dtype not in TYPES:
            told = f"{shown} is stored as {printable(tensor.dtype, 20)}"
            raise MergeRefusedError(f"the base is quantised ({told}): merge into the weights that it was made from")
        if tensor.name in found:
            raise MergeRefusedError(f"two changes of the adapter belong to {shown!r}")
        found[tensor.name] = change
    if any(len(stored[name].shape) != 2 for name in found):
        raise MergeRefusedError("the adapter changes a weight that is no matrix")
    return found


def merge_files(
    base: Path, adapter: Path, places: Mapping[str, LowRank], stored: Mapping[str, Stored], out: Path,
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[MergedTensor, ...]:  # fmt: skip
    """Write the base's weights with an adapter added.

    Args:
        base: Its folder.
        adapter: Folder with `adapter_model.safetensors`.
        places: As `placed` gives them.
        stored: Of the base.
        out: Exists, empty.
        advance: Told of each tensor.

    Returns:
        What was changed, in the order of files and their bytes.

    Raises:
        MergeRefusedError: When shapes do not fit, or a sum is no finite number of the base's type.
        InputError: When what was read back is not what had to be written.
    """
    from safetensors import safe_open

    found: list[MergedTensor] = []
    with safe_open(str(adapter / "adapter_model.safetensors"), framework="pt") as factors:
        for file in sorted({tensor.file for tensor in stored.values()}):
            shutil.copyfile(base / file, out / file)
            own = sorted((stored[name] for name in places if stored[name].file == file), key=lambda one: one.begin)
            for tensor in own:
                change = places[tensor.name]
                a, b = factors.get_tensor(change.a).float(), factors.get_tensor(change.b).float()
                found.append(_merge_one(out / file, tensor, change, a, b))
                advance(1)
    if (base / INDEX).is_file():
        shutil.copyfile(base / INDEX, out / INDEX)
    return tuple(found)


def _merge_one(path: Path, tensor: Stored, change: LowRank, a: torch.Tensor, b: torch.Tensor) -> MergedTensor:
    import torch

    shown = printable(change.module, 120)
    before = _read(path, tensor, change)
    if tuple(before.shape) != (b.shape[0], a.shape[1]) or a.shape[0] != b.shape[1] or a.ndim != 2:
        told = f"{tuple(before.shape)} in the base, {(b.shape[0], a.shape[-1])} in the adapter"
        raise MergeRefusedError(f"{shown} has another shape than the adapter changes: {told}")
    merged = _by_peft(before, change, a, b).to(before.dtype)
    if not bool(torch.isfinite(merged).all()):
        raise MergeRefusedError(f"{shown}: a sum is no finite number of the base's type ({tensor.dtype})")
    with path.open("r+b") as writer:
        writer.seek(tensor.begin)
        laid = (merged.T if change.turned else merged).contiguous()
        writer.write(memoryview(laid.view(torch.uint8).numpy()).cast("B"))
    del merged, laid
    return _compared(_read(path, tensor, change), before, change, a, b, tensor)


def _read(path: Path, tensor: Stored, change: LowRank) -> torch.Tensor:
    """Read a weight of the base, of shape (out, in)."""
    import torch

    with path.open("rb") as reader:
        reader.seek(tensor.begin)
        data = bytearray(reader.read(tensor.end - tensor.begin))
    if len(data) != tensor.end - tensor.begin:
        raise InputError(f"{printable(tensor.file, 120)} ends within a tensor")
    weight = torch.frombuffer(data, dtype=getattr(torch, TYPES[tensor.dtype])).reshape(tensor.shape)
    return weight.T if change.turned else weight


def _by_peft(weight: torch.Tensor, change: LowRank, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Have PEFT merge one module, as it merges it in a whole model; 32-bit floats."""
    import torch
    from peft import LoraConfig, inject_adapter_in_model

    from gatekeeper.tensors.quiet import quiet

    with torch.device("meta"):
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight = torch.nn.Parameter(weight.float(), requires_grad=False)
    holder = torch.nn.ModuleDict({"module": linear})
    config = LoraConfig(
        r=change.rank, lora_alpha=change.scale * change.rank, target_modules=["module"], init_lora_weights=False
    )
    with quiet(), torch.no_grad():
        layer: Any = inject_adapter_in_model(config, holder)["module"]
        layer.lora_A["default"].weight.copy_(a)
        layer.lora_B["default"].weight.copy_(b)
        try:
            layer.merge(safe_merge=True)
        except ValueError as error:
            told = printable(change.module, 120)
            raise MergeRefusedError(f"{told}: the sum holds numbers that are not finite") from error
        merged: torch.Tensor = layer.get_base_layer().weight.detach()
    return merged


def _compared(
    after: torch.Tensor, before: torch.Tensor, change: LowRank, a: torch.Tensor, b: torch.Tensor, tensor: Stored
) -> MergedTensor:
    """Hold what was written against `W + scale · B · A`, some rows at a time; in more bits than were written."""
    import torch

    unit = torch.finfo(before.dtype).eps
    most = _SIXTEEN_BITS if before.dtype != torch.float32 else max(_SIXTEEN_BITS, float(change.rank))
    worst = added = whole = 0.0
    wide = torch.float64 if before.dtype == torch.float32 else torch.float32
    a, b = a.to(wide), b.to(wide)
    rows = max(1, (1 << 22) // max(1, before.shape[1]))
    for start in range(0, before.shape[0], rows):
        own = before[start : start + rows].to(wide)
        delta = change.scale * (b[start : start + rows] @ a)
        length = (own.abs().amax(dim=1) + delta.abs().amax(dim=1)).clamp(min=torch.finfo(before.dtype).tiny)
        off = (after[start : start + rows].to(wide) - own - delta).abs().amax(dim=1)
        steps = off / (unit * length)
        # `max` passes over what is no number, and such a row is not the sum either.
        worst = max(worst, float(steps.max())) if bool(torch.isfinite(steps).all()) else math.inf
        added, whole = added + float((delta**2).sum()), whole + float((own**2).sum())
    if not worst <= most:
        raise InputError(
            f"{printable(tensor.name, 120)}: what was written is not the sum of base and adapter",
            hint="run it again; report it when it stays",
        )
    return MergedTensor(
        name=tensor.name, file=tensor.file, rank=change.rank, scale=change.scale,
        change=math.sqrt(added / whole) if whole else 0.0, rounding=worst,
    )  # fmt: skip


def layout_of(folder: Path, *, fan_in_fan_out: bool, changes: Sequence[LowRank]) -> tuple[LowRank, ...]:
    """Refuse a base into which nothing can be merged, by its configuration, and say how it stores what is changed.

    Args:
        folder: Of the base.
        fan_in_fan_out: What the adapter's configuration says of how weights are stored.
        changes: Of the adapter.

    Returns:
        The changes, turned where the base stores weights the other way round.

    Raises:
        MergeRefusedError: When it is quantised, or adapter and base disagree about how weights are stored, or the
            adapter changes an output layer that is the embedding.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise MergeRefusedError("the base has no config.json")
    try:
        config = load_json_object(path.read_bytes(), depth=DEFAULT_LIMITS.json_depth)
    except ParseError as error:
        raise MergeRefusedError(f"the base's config.json can't be read: {error}") from error
    if config.get("quantization_config"):
        raise MergeRefusedError("the base is quantised (quantization_config): merge into the weights it was made from")
    heads = [change.module for change in changes if change.module.rpartition(".")[2] in _HEADS]
    text = config.get("text_config")
    ties = [part.get("tie_word_embeddings") for part in (config, text) if isinstance(part, dict)]
    # Where nothing is said, many kinds of models tie, and their loaders pass over what is stored for the layer.
    if heads and not (False in ties and True not in ties):
        told = "the output layer is the embedding (tie_word_embeddings), and the adapter changes one of them alone"
        raise MergeRefusedError(told)
    turned = config.get("model_type") in _TURNED
    if fan_in_fan_out and not turned:
        raise MergeRefusedError("the adapter is of a base that stores weights the other way round (fan_in_fan_out)")
    return tuple(replace(change, turned=turned and change.module.rpartition(".")[2] not in _HEADS)
                 for change in changes)  # fmt: skip


TEXTS = frozenset({
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "chat_template.jinja",
    "chat_template.json", "preprocessor_config.json",
})  # fmt: skip
"""What is taken along from the base's folder; never its card, which speaks of other weights, and never code."""


def copy_texts(base: Path, out: Path) -> None:
    """Take configuration, tokenizer and template of the base along."""
    for name in sorted(TEXTS):
        if (base / name).is_file():
            shutil.copyfile(base / name, out / name)


def merged_card(base: str, adapter: str, licences: tuple[str, str]) -> str:
    """Write the card of a merged model: what it was made of, in the Hub's words.

    A licence is declared where both declare the same one; else a sentence says what each declares.

    Args:
        base: `org/name` of the base; empty when it is none of a Hub.
        adapter: The same of the adapter.
        licences: Of base and adapter; empty where none is declared.
    """
    same = licences[0] if licences[0] == licences[1] else ""
    named = "".join(f"- {json.dumps(name)}\n" for name in (base, adapter) if name)
    licensed = f"license: {json.dumps(same)}\n" if same else ""
    lineage = f"base_model:\n{named}base_model_relation: merge\n" if named else ""
    told = " and ".join(printable(name, 200) or "one of a local folder" for name in (base, adapter))
    said = [f"`{printable(each, 120).replace('`', '')}`" if each else "none" for each in licences]
    return (
        f"---\n{licensed}{lineage}---\n# Merged\n\nA base and an adapter, merged by gatekeeper: {told}.\n\n"
        f"Licences as declared: of the base {said[0]}, of the adapter {said[1]}.\n"
    )
