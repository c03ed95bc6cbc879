"""transformers: `auto_map`, `trust_remote_code`, custom pipelines and kernels of other repos."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper.checks.files.asks.ask import Ask, Config, code_of
from gatekeeper.parsing import ParseError
from gatekeeper.text import printable

_KERNELS = frozenset({"attn_implementation", "_attn_implementation", "_attn_implementation_internal"})
_SKIPPED = frozenset({"auto_map", "custom_pipelines"})


def asks(config: Config) -> Iterator[Ask]:
    """Find requests for code in every object of a configuration.

    `auto_map` is read from the configurations of models, tokenizers and processors (`models/auto`), custom pipelines by
    `pipelines/base`, kernels by `integrations/hub_kernels`.

    Raises:
        ParseError: When one of these keys holds something that no reader accepts.
    """
    for where, mapping in config.mappings(skip=_SKIPPED):
        if mapping.get("auto_map") is not None:
            yield from _auto_map(mapping["auto_map"], f"{where}auto_map", config)
        if mapping.get("trust_remote_code") not in (None, False):
            message = "the configuration itself asks to be trusted with remote code"
            yield Ask(slug="local-code", message=message, detail=printable(f"{where}trust_remote_code", 160))
        if mapping.get("custom_pipelines"):
            yield from _pipelines(mapping["custom_pipelines"], f"{where}custom_pipelines", config)
        yield from _custom_generate(mapping.get("custom_generate"), where, config)
        for key in _KERNELS & mapping.keys():
            yield from _kernels(mapping[key], f"{where}{key}")


def _auto_map(value: Any, where: str, config: Config) -> Iterator[Ask]:
    """Read `AutoClass → module.Class`; a list holds slow and fast classes, and old tokenizers' whole entry is one."""
    entries = value.items() if isinstance(value, dict) else [("", value)]
    for name, target in entries:
        targets = target.values() if isinstance(target, dict) else target if isinstance(target, list) else [target]
        for reference in targets:
            if isinstance(reference, str) and (name or isinstance(value, list)):
                yield code_of(reference, f"{where}.{name}".rstrip("."), config)
            elif reference is not None:
                raise ParseError(f"{printable(where, 80)} names something else than a class")


def _pipelines(value: Any, where: str, config: Config) -> Iterator[Ask]:
    """Read `task → {impl: module.Class, …}`."""
    if not isinstance(value, dict):
        raise ParseError(f"{printable(where, 80)} is no object")
    for task, entry in value.items():
        implementation = entry.get("impl") if isinstance(entry, dict) else None
        if isinstance(implementation, str):
            yield code_of(implementation, f"{where}.{task}", config)


def _custom_generate(value: Any, where: str, config: Config) -> Iterator[Ask]:
    if isinstance(value, str) and "/" in value:
        message = f"it asks to generate with code from {printable(value, 120)!r}, which nobody has pinned"
        yield Ask(slug="foreign-code", message=message, detail=printable(f"{where}custom_generate", 160))


def _kernels(value: Any, where: str) -> Iterator[Ask]:
    for name in value.values() if isinstance(value, dict) else [value]:
        if isinstance(name, str) and "/" in name:
            message = f"it asks for compiled kernels from {printable(name, 120)!r}, which nobody has pinned"
            yield Ask(slug="foreign-code", message=message, detail=printable(where, 160))
