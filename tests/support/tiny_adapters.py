"""LoRA adapters of the tiny base, with factors drawn at random: nothing is trained. Needs PEFT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gatekeeper.tensors.quiet import quiet


def write_adapter(base: Path, folder: Path, *, seed: int = 0, size: float = 0.05, **config: Any) -> Path:
    """Write an adapter as PEFT does.

    Args:
        base: Folder of the model.
        folder: To be made.
        seed: Of the factors.
        size: Standard deviation of B's elements; 0 for an adapter that changes nothing.
        config: For `LoraConfig`.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    given = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"], "task_type": "CAUSAL_LM", **config}
    with quiet(), torch.no_grad():
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(str(base), local_files_only=True), LoraConfig(**given)
        )
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, size)
        model.save_pretrained(str(folder))
    (folder / "README.md").unlink()
    return folder
