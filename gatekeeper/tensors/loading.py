"""Folder → `LanguageModel`: safetensors or GGUF, with or without a LoRA adapter, and never any code from the repo."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gatekeeper.errors import InputError
from gatekeeper.progress import SILENT, Progress
from gatekeeper.tensors.quiet import quiet
from gatekeeper.tensors.rounding import round_weights
from gatekeeper.tensors.spreading import SPREAD, spread
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.tensors.language_model import LanguageModel

_SMALL = 20_000_000
"""Weights below which 32-bit floats are taken without timing: there is nothing to save."""

_COUNTS = ("num_hidden_layers", "num_layers", "num_experts", "num_local_experts", "n_routed_experts")
_MOST_PARTS = 4096
"""Layers, or experts of one layer: the largest models have some hundreds."""

_TIMED_TOKENS = 64
_SHOWN_FILES = 6


def load(
    folder: Path,
    *,
    adapter: Path | None = None,
    device: str = "auto",
    dtype: str = "auto",
    int8: bool = False,
    progress: Progress = SILENT,
) -> LanguageModel:
    """Read a model, for this process alone.

    Args:
        folder: With `config.json` and safetensors, or with one GGUF file.
        adapter: Folder of a LoRA adapter, which is merged into the weights in memory.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `all`; `auto` takes a GPU where there is one, `all` every one that is
            there, and host memory for what they can't hold.
        dtype: `auto` (one step of each is timed), `float32` or `bfloat16`.
        int8: Round the linear weights to eight bits, to measure what that does; such a model is not for saving.
        progress: Told of the steps.

    Raises:
        InputError: When it is no causal language model that `transformers` knows by itself, has no fast tokenizer, its
            weights hold NaN or infinities, or memory does not suffice.
    """
    from gatekeeper.tensors.language_model import LanguageModel

    model, tokenizer, source = read(folder, adapter=adapter, device=device, dtype=dtype, int8=int8, progress=progress)
    return LanguageModel(model, tokenizer, source=source)


def read(
    folder: Path, *, adapter: Path | None, device: str, dtype: str, int8: bool, progress: Progress
) -> tuple[Any, Any, Path | None]:
    """Read what a `LanguageModel` is made of: network, tokenizer, source; arguments and errors as for `load`."""
    place = _device(device)
    spreads = device == SPREAD and place.type == "cuda"
    if spreads and dtype == "auto":
        # Two steps to compare would need the whole model on one device, and 32-bit floats twice the host's memory.
        dtype = "bfloat16"
    with progress.task("loading the model", 3, "steps") as advance, quiet():
        model, tokenizer = _read(folder, _first_type(dtype))
        advance(1)
        if adapter is not None:
            model = _merged(model, adapter)
        _refuse_broken(model)
        if int8:
            round_weights(model)
        advance(1)
        model = spread(model) if spreads else model.to(place)
        if dtype == "auto":
            model = _faster(model, place)
        advance(1)
    return model, tokenizer, folder if adapter is None and not int8 and not _gguf(folder) else None


def load_worn(
    folder: Path,
    adapters: Sequence[Path],
    *,
    device: str = "auto",
    dtype: str = "auto",
    progress: Progress = SILENT,
) -> LanguageModel:
    """Read a base with adapters on it that are not merged: inside `frozen` it answers without them.

    Args:
        folder: Of the base.
        adapters: Folders of LoRA adapters; several act together, their changes are added up.
        device: As for `load`, but for `all`.
        dtype: As for `load`.
        progress: Told of the steps.

    Raises:
        InputError: As for `load`, or when an adapter can't be laid on the base.
    """
    from gatekeeper.tensors.language_model import LanguageModel

    if device == SPREAD:
        raise InputError("a base with adapters that can be taken off runs on one device", hint="auto, cpu or cuda")
    place = _device(device)
    with progress.task("loading the model", 3, "steps") as advance, quiet():
        model, tokenizer = _read(folder, _first_type(dtype))
        _refuse_broken(model)
        advance(1)
        model = model.to(place)
        if dtype == "auto":
            model = _faster(model, place)
        advance(1)
        base = _fingerprints(model)
        worn = _in_adapters(model, adapters)
        _refuse_changed(worn, base)
        _refuse_broken(worn)
        advance(1)
    return LanguageModel(model, tokenizer, worn=worn)


def _in_adapters(model: Any, adapters: Sequence[Path]) -> Any:
    from peft import PeftModel

    try:
        for adapter in adapters:
            _refuse_method(adapter)
        worn: Any = PeftModel.from_pretrained(model, str(adapters[0]), adapter_name="0", local_files_only=True)
        names = ["0"]
        for number, adapter in enumerate(adapters[1:], 1):
            worn.load_adapter(str(adapter), adapter_name=str(number), local_files_only=True)
            names.append(str(number))
        worn.base_model.set_adapter(names)
    except InputError:
        raise
    except Exception as error:  # strangers' adapters
        reason = printable(f"{type(error).__name__}: {error}", 300)
        raise InputError(f"the adapter can't be laid on the model: {reason}") from error
    return worn


def _tensors(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _fingerprints(model: Any) -> list[tuple[str, torch.Tensor, str]]:
    """Give every tensor of a model with its digest; the tensors themselves are kept, to be found again."""
    return [(name, tensor, _digest(tensor)) for name, tensor in _tensors(model)]


def _digest(tensor: torch.Tensor) -> str:
    flat = tensor.detach().reshape(-1).contiguous().cpu()
    return hashlib.sha256(flat.view(torch.uint8).numpy() if flat.numel() else b"").hexdigest()


def _refuse_changed(worn: Any, base: Sequence[tuple[str, torch.Tensor, str]]) -> None:
    """Refuse adapters that PEFT can't switch off again: what would then be asked for its own answers is not the base.

    Biases, whole layers that are not declared, and starts that subtract themselves are written into the base's tensors.

    Raises:
        InputError: Naming a tensor.
    """
    left = {id(tensor) for _, tensor in _tensors(worn)}
    changed = next((name for name, was, digest in base if id(was) not in left or _digest(was) != digest), None)
    if changed is not None:
        raise InputError(
            f"the adapter changes the base's own {printable(changed, 100)}: it can't be told from its base",
            hint="such an adapter is no LoRA alone; compare merged models instead",
        )


def _refuse_method(adapter: Path) -> None:
    kind = json.loads((adapter / "adapter_config.json").read_text("utf-8")).get("peft_type")
    if kind != "LORA":
        raise InputError(f"the adapter is of type {printable(str(kind), 40)!r}; only LORA can be laid on a model here")


def _device(asked: str) -> torch.device:
    if asked in ("auto", SPREAD):
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if asked.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("there is no CUDA device here", hint="--device cpu")
    try:
        return torch.device(asked)
    except RuntimeError as error:
        raise InputError(f"{printable(asked, 40)!r} is no device", hint="auto, cpu, cuda or all") from error


def _first_type(asked: str) -> torch.dtype:
    return {"auto": torch.float32, "float32": torch.float32, "bfloat16": torch.bfloat16}[asked]


def _gguf(folder: Path) -> Path | None:
    """Give the one GGUF file of a folder that has no other weights.

    Raises:
        InputError: When there are several, of which any may be meant.
    """
    files = sorted(folder.glob("*.gguf"))
    if not files or any(folder.glob("*.safetensors")):
        return None
    if len(files) > 1:
        names = ", ".join(printable(file.name, 80) for file in files[:_SHOWN_FILES])
        raise InputError(
            f"{len(files)} GGUF files lie there ({names}): any may be meant", hint="copy the one you mean to a folder"
        )
    return files[0]


def _read(folder: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    gguf = _gguf(folder)
    given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if (folder / "adapter_config.json").exists():
        # transformers would lay that adapter on, or load what its configuration names in place of this folder.
        raise InputError(f"{printable(str(folder), 200)} holds an adapter beside a model", hint="name the model alone")
    if gguf is not None:
        given["gguf_file"] = gguf.name
    elif not (folder / "config.json").is_file():
        raise InputError(f"{printable(str(folder), 200)} has no config.json", hint="name the folder of a model")
    try:
        config = AutoConfig.from_pretrained(str(folder), **given)
        _refuse_kind(config)
        refuse_asking(config)
        tokenizer = AutoTokenizer.from_pretrained(str(folder), **given)
        weights = given if gguf is not None else {**given, "use_safetensors": True}
        model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype, **weights)
        if gguf is not None:
            model = _rebuilt(model, dtype)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError("the model does not fit into memory", hint="see gatekeeper patch --plan") from error
    except Exception as error:  # configurations and files of strangers; the library raises what it likes
        reason = printable(f"{type(error).__name__}: {error}", 400)
        raise InputError(
            f"the model can't be loaded: {reason}", hint="gatekeeper scan says what the files are"
        ) from error
    return model, tokenizer


def _refuse_kind(config: Any) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    kind = str(getattr(config, "model_type", ""))
    named = tuple(getattr(config, "architectures", None) or ())
    other = named and not any(
        name.endswith(("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")) for name in named
    )
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or other or getattr(config, "is_encoder_decoder", False):
        what = printable(", ".join(named) or kind, 100)
        raise InputError(f"{what} is no causal language model", hint="patch repairs causal language models only")


def refuse_asking(config: Any) -> None:
    """Refuse a configuration that asks for code from a Hub, whose kernels have names of repos, or for work without end.

    Layers are built one by one before any weight is read, so their number alone can keep a loader busy for hours.

    Args:
        config: Of `transformers`.

    Raises:
        InputError: Naming what it asks for.
    """
    parts = [config, *(getattr(config, name, None) for name in getattr(config, "sub_configs", {}))]
    counts = [(name, getattr(part, name, None)) for part in parts for name in _COUNTS]
    vast = next((name for name, count in counts if isinstance(count, int) and count > _MOST_PARTS), None)
    if vast is not None:
        raise InputError(f"the configuration asks for more than {_MOST_PARTS} parts ({vast})",
                         hint="no model has as many")  # fmt: skip
    asked = [getattr(part, f"_{what}_implementation", None) for part in parts for what in ("attn", "experts")]
    strange = next((name for name in asked if isinstance(name, str) and "/" in name), None)
    if strange is not None:
        raise InputError(f"the configuration asks for a kernel from a Hub ({printable(strange, 80)})",
                         hint="take attn_implementation out of config.json")  # fmt: skip


def _rebuilt(model: Any, dtype: torch.dtype) -> Any:
    """Make the model anew of its configuration and weights: one read from GGUF can't be saved or cast."""
    from transformers import AutoModelForCausalLM

    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    state = model.state_dict()
    fresh = AutoModelForCausalLM.from_config(config, dtype=dtype)
    fresh.load_state_dict({name: weight.to(dtype) for name, weight in state.items()}, strict=False)
    fresh.tie_weights()
    return fresh


def _merged(model: Any, adapter: Path) -> Any:
    from peft import PeftModel

    try:
        _refuse_method(adapter)
        return PeftModel.from_pretrained(model, str(adapter), local_files_only=True).merge_and_unload(safe_merge=True)
    except InputError:
        raise
    except Exception as error:  # a stranger's adapter
        reason = printable(f"{type(error).__name__}: {error}", 300)
        raise InputError(f"the adapter can't be laid on the model: {reason}") from error


def _refuse_broken(model: Any) -> None:
    for name, weight in model.named_parameters():
        if weight.is_floating_point() and not bool(torch.isfinite(weight.detach()).all()):
            raise InputError(
                f"the weights hold NaN or infinite numbers, first in {printable(name, 100)}",
                hint="such a model can't be measured; fetch it again or choose another",
            )


def _faster(model: Any, device: torch.device) -> Any:
    """Keep 32-bit floats or go to bfloat16, whichever takes less time for one step; on a GPU bfloat16."""
    if sum(weight.numel() for weight in model.parameters()) < _SMALL:
        return model
    if device.type == "cuda":
        return model.to(torch.bfloat16)
    slow = _seconds(model)
    model = model.to(torch.bfloat16)
    return model if _seconds(model) < slow else model.to(torch.float32)


def _seconds(model: Any) -> float:
    """Time forward and backward by the embeddings, the second of two runs."""
    ids = torch.ones((1, _TIMED_TOKENS), dtype=torch.long)
    took = 0.0
    for _ in range(2):
        begun = time.perf_counter()
        embeddings = model.get_input_embeddings()(ids).detach().requires_grad_(True)
        model(inputs_embeds=embeddings, use_cache=False).logits.float().sum().backward(inputs=[embeddings])
        took = time.perf_counter() - begun
    return took
