"""hydra, NeMo and their kin: what `_target_` and other keys name is imported and called; resolvers may evaluate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gatekeeper.checks.files.asks.ask import Ask, Config
from gatekeeper.checks.files.callables import Trust, trust
from gatekeeper.text import printable

_TARGETS = {
    "_target_": "hydra",
    "_component_": "torchtune",
    "target": "a loader of latent-diffusion configurations",
    "class_path": "Lightning's command line",
    "cls_path": "a loader",
    "loader_module": "MLflow",
    "_recursive_target_": "hydra",
}
"""Keys whose value is imported and called, and by whom."""

_WORDS = frozenset({"target", "class_path", "cls_path"})
"""Keys that also stand for other things: only a dotted name under them, beside arguments, is one that is called."""

_ARGUMENTS = frozenset({"params", "init_args", "kwargs", "args"})

_DOTTED = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)+\Z")
_RESOLVER = re.compile(r"\$\{\s*([A-Za-z_][\w.]*)\s*:([^}]{0,200})")
_RUNNING = re.compile(r"(?:\A|[._])(?:eval|exec|python|py|shell|sh|cmd|command|system|run|import|call)(?:\Z|[._])")
_READING = frozenset({"oc.env", "env", "oc.decode", "file", "include"})


def asks(config: Config) -> Iterator[Ask]:
    """Judge every name that is to be called, and every interpolation that does more than refer."""
    for where, mapping in config.mappings():
        for key, value in mapping.items():
            if key in _TARGETS:
                yield from _names(key, mapping, f"{where}{key}")
            for text in [value] if isinstance(value, str) else value if isinstance(value, list) else ():
                if isinstance(text, str) and "${" in text:
                    yield from _resolvers(text, f"{where}{key}")


def _names(key: str, mapping: dict[str, Any], where: str) -> Iterator[Ask]:
    value = mapping[key]
    for name in value if isinstance(value, list) else [value]:
        if not isinstance(name, str) or (key in _WORDS and not _DOTTED.match(name)):
            continue
        if key not in _WORDS or _ARGUMENTS & mapping.keys() or trust(name) is Trust.RUNS:
            yield from called(name, printable(where, 160), _TARGETS[key])


def called(name: str, where: str, who: str) -> Iterator[Ask]:
    """Judge one name that a loader imports and calls.

    Args:
        name: Dotted.
        where: Place in the configuration, printable.
        who: The loader.
    """
    level = trust(name)
    if level is not Trust.MODEL:
        message = f"{who} would import and call {printable(name, 120)!r}"
        yield Ask(slug="runs-code" if level is Trust.RUNS else "target", message=message, detail=where)


def _resolvers(text: str, where: str) -> Iterator[Ask]:
    """Find OmegaConf's `${resolver:arguments}`; plain references and its own `oc.select` and the like do nothing."""
    for match in _RESOLVER.finditer(text):
        name = match[1]
        shown = printable(match[0], 120)
        if _RUNNING.search(name):
            message = f"an interpolation would be evaluated as code: {shown!r}"
            yield Ask(slug="target", message=message, detail=printable(where, 160))
        elif name in _READING:
            message = f"an interpolation reads the loader's surroundings: {shown!r}"
            yield Ask(slug="reads-surroundings", message=message, detail=printable(where, 160))
