"""PEFT: the library that `auto_mapping` imports to find the base model's class (`peft/auto.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.asks.ask import Ask, Config
from gatekeeper.checks.files.callables import Trust, trust
from gatekeeper.text import printable

_LIBRARIES = frozenset({"transformers", "diffusers", "timm", "sentence_transformers", "torch", "torchvision"})


def asks(config: Config) -> Iterator[Ask]:
    """Find a parent library that is none of models, or a class of it that is no model."""
    mapping = config.value.get("auto_mapping") if isinstance(config.value, dict) else None
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    if not isinstance(mapping, dict) or library is None:
        return
    shown = printable(str(library), 120)
    if isinstance(library, str) and library.startswith("transformers_modules."):
        message = f"PEFT would take the base model's class from {shown!r}, remote code that was loaded before"
        yield Ask(slug="target", message=message, detail="auto_mapping.parent_library")
        return
    if not isinstance(library, str) or library.split(".")[0] not in _LIBRARIES:
        message = f"PEFT would import {shown!r} to find the base model's class"
        yield Ask(slug="foreign-module", message=message, detail="auto_mapping.parent_library")
        return
    name = f"{library}.{mapping.get('base_model_class')}"
    if trust(name) > Trust.UNKNOWN:
        message = f"PEFT would take {printable(name, 120)!r} for the base model's class"
        yield Ask(slug="foreign-module", message=message, detail="auto_mapping.base_model_class")
