"""The base model that an adapter is to be laid on: which modules it has, and of which shape.

Read from the headers of its safetensors files; where these are not at hand, from `config.json`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatekeeper.artifact import Artifact
from gatekeeper.checks.adapter.layout import Module
from gatekeeper.checks.files import read_safetensors
from gatekeeper.errors import LimitError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

_CONFIG = "config.json"
_FLOATS = frozenset({"F8_E4M3", "F8_E5M2", "F16", "BF16", "F32", "F64"})
_OUTER = frozenset({"model", "transformer", "language_model", "base_model", "module"})
"""Words before a module's path that come and go with the class that a model is loaded as."""

_WIDTHS = {
    "q_proj": ("hidden_size", ""), "k_proj": ("hidden_size", ""), "v_proj": ("hidden_size", ""),
    "o_proj": ("", "hidden_size"), "gate_proj": ("hidden_size", "intermediate_size"),
    "up_proj": ("hidden_size", "intermediate_size"), "down_proj": ("intermediate_size", "hidden_size"),
    "embed_tokens": ("vocab_size", "hidden_size"), "lm_head": ("hidden_size", "vocab_size"),
}  # fmt: skip
"""Columns and rows of weights that most language models have, by the fields that say them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """What is known of the base."""

    shapes: Mapping[str, tuple[int, ...] | None]
    """Module without its outer words → shape of its weight; None where it is packed. Empty when not known."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """`config.json`, or the part of it that is of the text model."""

    troubles: tuple[str, ...] = ()
    """Why less is known; printable."""

    def lacks(self, module: Module) -> bool:
        """Whether the base has no such module."""
        if self.shapes:
            return inner(module.name) not in self.shapes
        layers = self.config.get("num_hidden_layers")
        return (
            type(layers) is int and ".layers." in f".{module.name}" and module.layer is not None
            and module.layer >= layers
        )  # fmt: skip

    def differs(self, module: Module) -> bool:
        """Whether the change has another shape than the weight."""
        sides = (module.in_features, module.out_features)
        if self.shapes:
            shape = self.shapes.get(inner(module.name))
            if not shape or len(shape) < 2:
                return False
            # Embeddings, and layers that store their weight the other way round, have rows for columns.
            laid = {(math.prod(shape[1:]), shape[0]), (shape[0], math.prod(shape[1:]))}
            return not any(all(side in (None, known) for side, known in zip(sides, form, strict=True)) for form in laid)
        keys = _WIDTHS.get(module.target, ("", ""))
        said = [self.config.get(key) if key else None for key in keys]
        return any(
            type(wanted) is int and side is not None and side != wanted
            for side, wanted in zip(sides, said, strict=True)
        )


def inner(module: str) -> str:
    """Leave out the outer words of a module's path.

    Args:
        module: Dotted.
    """
    words = module.split(".")
    while len(words) > 1 and words[0] in _OUTER:
        words = words[1:]
    return ".".join(words)


def read_base(artifact: Artifact, limits: Limits) -> Base:
    """Read what is needed of a base model.

    Args:
        artifact: The base.
        limits: `header_bytes`, `tensors` and `json_*` bound the work.

    Raises:
        ContentChangedError: When a file is no longer the one that was hashed.
    """
    troubles: list[str] = []
    shapes: dict[str, tuple[int, ...] | None] = {}
    for file in artifact.files:
        if file.path.suffix.lower() != ".safetensors" or file.sha256 is None or len(shapes) > limits.tensors:
            continue
        try:
            with file.content.open() as reader:
                header = read_safetensors(reader, file.size, limits)
        except ValueError as error:
            troubles.append(f"the base's {printable(str(file.path), 80)} can't be read: {printable(str(error))}")
            continue
        for tensor in header.tensors:
            module, _, last = tensor.name.rpartition(".")
            if last == "weight":
                shapes[inner(module)] = tensor.shape if tensor.dtype in _FLOATS else None
    return Base(shapes={} if troubles else shapes, config=_config(artifact, limits, troubles), troubles=tuple(troubles))


def _config(artifact: Artifact, limits: Limits, troubles: list[str]) -> Mapping[str, Any]:
    file = artifact.file(_CONFIG)
    if file is None:
        return {}
    try:
        data = file.content.read(limits.json_bytes)
        config = load_json_object(data, depth=limits.json_depth, values=limits.json_values)
    except (ParseError, LimitError) as error:
        troubles.append(f"the base's {_CONFIG} can't be read: {printable(str(error))}")
        return {}
    text = config.get("text_config")
    return text if isinstance(text, dict) else config
