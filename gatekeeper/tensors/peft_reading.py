"""How PEFT reads an adapter's configuration on a base: which modules it lays factors on, and how strongly they count.

The base is built without weights (on torch's `meta` device), so this costs no memory, whatever the model's size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gatekeeper.tensors.merging import LowRank
from gatekeeper.tensors.quiet import quiet
from gatekeeper.tensors.stored import MergeRefusedError
from gatekeeper.text import printable

_NAME = "default"
_CLOSE = 1e-6
"""Relative distance of two scales that are the same number, reached by other divisions."""


def refuse_other_reading(
    base: Path, adapter: Path, changes: Mapping[str, LowRank], inner: Callable[[str], str]
) -> None:
    """Refuse a merge that PEFT would read otherwise from the same configuration.

    Args:
        base: Its folder.
        adapter: Its folder.
        changes: As they are to be merged.
        inner: Leaves out the outer words of a module's path.

    Raises:
        MergeRefusedError: When PEFT lays no factors on a module, gives them another rank or another scale, or can't
            read base or adapter.
    """
    read = {inner(name): told for name, told in _read(base, adapter).items()}
    for change in changes.values():
        shown = printable(change.module, 120)
        told = read.get(inner(change.module))
        if told is None:
            raise MergeRefusedError(
                f"{shown}: PEFT lays nothing on it by this configuration, and would drop its tensors"
            )
        rank, scale = told
        if rank != change.rank or abs(scale - change.scale) > _CLOSE * abs(scale):
            raise MergeRefusedError(
                f"{shown}: PEFT reads rank {rank} and scale {scale:.6g}, not {change.rank} and {change.scale:.6g}"
            )


def _read(base: Path, adapter: Path) -> dict[str, tuple[int, float]]:
    """Give rank and scale by module."""
    import torch
    from peft import PeftConfig, inject_adapter_in_model
    from transformers import AutoConfig, AutoModelForCausalLM

    from gatekeeper.tensors.loading import refuse_asking

    try:
        with quiet(), torch.device("meta"):
            config = AutoConfig.from_pretrained(str(base), local_files_only=True, trust_remote_code=False)
            refuse_asking(config)
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
            told = PeftConfig.from_pretrained(str(adapter), local_files_only=True)
            worn: Any = inject_adapter_in_model(told, model, adapter_name=_NAME, low_cpu_mem_usage=True)
    except Exception as error:  # configurations of strangers; the libraries raise what they like
        reason = printable(f"{type(error).__name__}: {error}", 300)
        raise MergeRefusedError(f"how PEFT reads the adapter on this base can't be told: {reason}") from error
    return {
        name: (int(module.r[_NAME]), float(module.scaling[_NAME]))
        for name, module in worn.named_modules()
        if hasattr(module, "lora_A") and _NAME in module.lora_A
    }
