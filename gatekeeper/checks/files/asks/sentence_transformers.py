"""sentence-transformers: types of modules and functions that configurations name (`util/misc.py`, `base/modules`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gatekeeper.checks.files.asks.ask import Ask, Config, code_of
from gatekeeper.checks.files.callables import Trust, trust
from gatekeeper.parsing import ParseError
from gatekeeper.text import printable

_OWN = "sentence_transformers."
_CALLED = frozenset({"activation_function", "activation_fn", "sbert_ce_default_activation_function"})
_TYPED = frozenset({"tokenizer_class", "module_class", "model_class"})


def asks(config: Config) -> Iterator[Ask]:
    """Find modules and functions that are none of the library's.

    Raises:
        ParseError: When a list of modules is none.
    """
    if config.path.name == "modules.json":
        entries = config.value.values() if isinstance(config.value, dict) else config.value
        if not isinstance(config.value, list | dict):
            raise ParseError("a list of modules was expected")
        yield from _types((entry.get("type") if isinstance(entry, dict) else None for entry in entries), config)
    if config.path.name == "router_config.json" and isinstance(config.value, dict):
        types = config.value.get("types")
        yield from _types(types.values() if isinstance(types, dict) else (), config)
    for where, mapping in config.mappings():
        for key, value in mapping.items():
            if key in _CALLED and isinstance(value, str) and "." in value:
                yield from _called(value, f"{where}{key}")
            elif key in _TYPED and isinstance(value, str) and "." in value and not value.startswith(_OWN):
                yield from _types([value], config)


def _called(name: str, where: str) -> Iterator[Ask]:
    """Judge what `Dense` and `CrossEncoder` import and call."""
    level = trust(name)
    message = f"a loader would import and call {printable(name, 120)!r}"
    if level is Trust.RUNS:
        yield Ask(slug="runs-code", message=message, detail=printable(where, 160))
    elif level is not Trust.MODEL:
        yield Ask(slug="foreign-module", message=message, detail=printable(where, 160))


def _types(kinds: Iterable[Any], config: Config) -> Iterator[Ask]:
    """Judge the classes of modules: the library's own, or code of this repo, another's or what is installed."""
    for number, kind in enumerate(kinds):
        if not isinstance(kind, str):
            raise ParseError("a module has no type")
        if kind.startswith(_OWN) and trust(kind) is Trust.MODEL:
            continue
        shown = printable(kind, 160)
        named = code_of(kind, f"type of module {number}", config)
        if named.slug == "foreign-code":
            yield named
        elif not named.module and trust(kind) is Trust.RUNS:
            message = f"module {number} is {shown!r}: a loader would import and call it"
            yield Ask(slug="runs-code", message=message, detail=shown)
        else:
            message = f"module {number} is {shown!r}, imported from the repo or from what is installed"
            yield Ask(slug="module-type", message=message, detail=shown, module=named.module)
