"""`adapter_config.json`, read strictly: what it says, and every field that has another type than PEFT gives it.

Fields as in PEFT 0.21 (`tuners/*/config.py`), of which most methods share those that matter here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gatekeeper.artifact import ArtifactFile
from gatekeeper.limits import Limits
from gatekeeper.parsing import load_json_object
from gatekeeper.text import printable

CONFIG = "adapter_config.json"
_ALL_LINEAR = "all-linear"
_MOST_PROBLEMS = 20
_DEFAULTS = {"LORA": (8, 8.0), "ADALORA": (12, 8.0), "LOHA": (8, 8.0), "LOKR": (8, 8.0), "VERA": (256, None)}
"""Rank and alpha that PEFT takes where the configuration has no such field."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterConfig:
    """What an adapter says of itself. A field of a wrong type reads as if it were not there."""

    path: str
    """Where it lies."""

    peft_type: str
    """In capitals; empty when it names none."""

    rank: int | None
    """`r`; of AdaLoRA `init_r`."""

    alpha: float | None
    """`lora_alpha`, or `alpha` of LoHa and LoKr."""

    ranks: Mapping[str, int]
    """`rank_pattern`: pattern of module names → rank; of AdaLoRA name of `lora_E` → rank that is left."""

    alphas: Mapping[str, float]
    """`alpha_pattern`."""

    rslora: bool
    dora: bool
    lora_bias: bool
    bias: str
    """`none`, `all` or `lora_only`."""

    targets: tuple[str, ...] | None
    """`target_modules` as a list; None when it is a pattern or not given."""

    target_pattern: str
    """`target_modules` as a regular expression; empty when it is a list."""

    all_linear: bool
    """`target_modules` is the shorthand for every linear module but the last."""

    excluded: tuple[str, ...]
    """`exclude_modules` as a list."""

    exclude_pattern: str
    """`exclude_modules` as a regular expression."""

    parameters: tuple[str, ...]
    """`target_parameters`."""

    saved: tuple[str, ...]
    """`modules_to_save`."""

    layers: tuple[int, ...] | None
    """`layers_to_transform`; None for all."""

    layer_names: tuple[str, ...]
    """`layers_pattern`: what the list of layers is called."""

    tokens: Mapping[str, tuple[int, ...]]
    """`trainable_token_indices` by module; the module is empty where a plain list was given."""

    base: str
    """`base_model_name_or_path`."""

    revision: str
    problems: tuple[str, ...]
    """Fields of a wrong type, printable, a sentence each."""

    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """All of it, as it stands in the file."""


def read_config(file: ArtifactFile, limits: Limits) -> AdapterConfig:
    """Read the configuration of an adapter.

    Args:
        file: `adapter_config.json`.
        limits: `json_bytes`, `json_depth` and `json_values` bound the work.

    Raises:
        ParseError: When it is no JSON object.
        LimitError: When it is too large.
    """
    data = file.content.read(limits.json_bytes)
    return config_of(load_json_object(data, depth=limits.json_depth, values=limits.json_values), str(file.path))


def config_of(values: Mapping[str, Any], path: str) -> AdapterConfig:
    """Make a configuration of parsed JSON.

    Args:
        values: The object.
        path: Where it came from.
    """
    reader = _Reader(values)
    target = values.get("target_modules")
    shorthand = isinstance(target, str) and target.lower() == _ALL_LINEAR
    excluded = values.get("exclude_modules")
    names = reader.names
    peft_type = reader.take("peft_type", _text, "a text").upper()
    rank_key = "init_r" if peft_type == "ADALORA" else "r"
    alpha_key = "alpha" if peft_type in {"LOHA", "LOKR"} else "lora_alpha"
    default_rank, default_alpha = _DEFAULTS.get(peft_type, (None, None))
    rank = reader.take(rank_key, _count, "a whole number of 0 or more")
    alpha = reader.take(alpha_key, _number, "a number")
    return AdapterConfig(
        path=path,
        peft_type=peft_type,
        rank=rank if rank_key in values else default_rank,
        alpha=alpha if alpha_key in values else default_alpha,
        ranks=reader.pattern("rank_pattern", _rank, "a rank"),
        alphas=reader.pattern("alpha_pattern", _number, "a number"),
        rslora=bool(reader.take("use_rslora", _flag, "true or false")),
        dora=bool(reader.take("use_dora", _flag, "true or false")),
        lora_bias=bool(reader.take("lora_bias", _flag, "true or false")),
        bias=reader.take("bias", _text, "a text"),
        targets=None if isinstance(target, str) or target is None else names("target_modules"),
        target_pattern=target if isinstance(target, str) and not shorthand else "",
        all_linear=shorthand,
        excluded=() if isinstance(excluded, str) else names("exclude_modules"),
        exclude_pattern=excluded if isinstance(excluded, str) else "",
        parameters=names("target_parameters"),
        saved=names("modules_to_save"),
        layers=reader.take("layers_to_transform", _counts, "a number or a list of numbers") or None,
        layer_names=names("layers_pattern"),
        tokens=reader.tokens(),
        base=reader.take("base_model_name_or_path", _text, "a text"),
        revision=reader.take("revision", _text, "a text"),
        problems=tuple(reader.problems[:_MOST_PROBLEMS]),
        values=values,
    )


class _Reader:
    """Takes fields and notes those of a wrong type."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.problems: list[str] = []

    def take(self, key: str, read: Callable[[Any], Any], wanted: str) -> Any:
        """Give what `read` makes of a field, or of None when it is missing or of a wrong type."""
        value = self._values.get(key)
        found = read(value)
        if found is None and value is not None:
            self._wrong(key, value, wanted)
        return read(None) if found is None else found

    def names(self, key: str) -> tuple[str, ...]:
        """Give a list of names; one that stands alone counts as a list."""
        value = self._values.get(key)
        listed = value if isinstance(value, list) else [] if value is None else [value]
        if not all(isinstance(item, str) and item for item in listed):
            self._wrong(key, value, "a list of names")
        return tuple(item for item in listed if isinstance(item, str) and item)

    def pattern(self, key: str, read: Callable[[Any], Any], wanted: str) -> dict[str, Any]:
        """Give an object whose values are numbers."""
        value = self._values.get(key)
        if value is not None and not isinstance(value, dict):
            self._wrong(key, value, "an object")
        found = {}
        for name, item in (value if isinstance(value, dict) else {}).items():
            number = read(item)
            if number is None:
                self._wrong(f"{key}.{printable(name, 60)}", item, wanted)
            else:
                found[name] = number
        return found

    def tokens(self) -> dict[str, tuple[int, ...]]:
        """Give `trainable_token_indices`, or `token_indices` of the method that trains tokens alone."""
        key = "token_indices" if "token_indices" in self._values else "trainable_token_indices"
        value = self._values.get(key)
        by_module = value if isinstance(value, dict) else {} if value is None else {"": value}
        found = {}
        for name, item in by_module.items():
            indices = _counts(item)
            if indices is None:
                self._wrong(key, item, "a list of numbers of tokens")
            elif indices:
                found[name] = indices
        return found

    def _wrong(self, key: str, value: object, wanted: str) -> None:
        shown = printable(repr(value)[:60], 60)
        self.problems.append(f"{key} is {shown}, not {wanted}")


def _text(value: Any) -> str | None:
    return "" if value is None else value if isinstance(value, str) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**63 else None


def _counts(value: Any) -> tuple[int, ...] | None:
    listed = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(listed) if all(_count(item) is not None for item in listed) else None


def _rank(value: Any) -> int | None:
    """Read a rank: a number, or for AdaLoRA a list that says of each direction whether it is left."""
    if isinstance(value, list) and value and all(isinstance(item, bool) for item in value):
        return sum(value)
    return _count(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
