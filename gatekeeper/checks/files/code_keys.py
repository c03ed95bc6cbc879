"""Ways beside `auto_map` by which a configuration makes a library import or fetch code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from gatekeeper.text import printable

_CALLED = frozenset({"activation_function", "activation_fn", "sbert_ce_default_activation_function"})
_CALLABLE = ("torch.", "sentence_transformers.")
_KERNELS = frozenset({"attn_implementation", "_attn_implementation", "_attn_implementation_internal"})
_TARGETS = ("nemo.", "torch.", "torchaudio.", "transformers.", "diffusers.", "lightning.", "pytorch_lightning.")
"""Libraries of models, whose classes honest configurations name."""

_YAML_OBJECT = re.compile(rb"!!python/|!<?tag:yaml\.org,2002:python/|^%TAG\s", re.MULTILINE)
_YAML_TARGET = re.compile(rb"""["']?\b_target_["']?[ \t]*:[ \t]*["']?([^\s"'#,}]+)""")

BY_PLACE = {
    "custom_generate/generate.py": "transformers runs it in place of its own `generate`",
    "handler.py": "inference endpoints run it when they start",
}
"""Code that runs because of where it lies, and who runs it."""


class Request(NamedTuple):
    """One place where a file asks for code."""

    slug: str
    """Rule of `files/remote-code`."""

    message: str
    detail: str


def requests(mapping: Mapping[str, Any], where: str) -> Iterator[Request]:
    """Find requests for code in one object of a configuration.

    sentence-transformers imports and calls what `activation_function` names when that holds a dot (`Dense.load`,
    `CrossEncoder`); transformers fetches attention kernels from the repo that `attn_implementation` names; hydra
    imports and calls every `_target_`.

    Args:
        mapping: The object.
        where: Its dotted place, empty or with a dot at its end.
    """
    for key, value in mapping.items():
        names = value.values() if key in _KERNELS and isinstance(value, dict) else [value]
        for name in names:
            if isinstance(name, str):
                yield from _request(key, name, f"{where}{key}")


def _request(key: str, name: str, where: str) -> Iterator[Request]:
    shown = printable(name, 120)
    if key in _KERNELS and "/" in name:
        message = f"it asks for compiled kernels from {shown!r}, which nobody has pinned"
        yield Request("foreign-code", message, where)
    elif key in _CALLED and "." in name and not name.startswith(_CALLABLE):
        yield Request("foreign-module", f"a loader would import and call {shown!r}", where)
    elif key == "_target_" and not name.startswith(_TARGETS):
        yield Request("target", f"hydra would import and call {shown!r}", where)


def yaml_requests(data: bytes) -> Iterator[Request]:
    """Find requests for code in YAML text, without building anything of it.

    Args:
        data: The file.
    """
    found = _YAML_OBJECT.search(data)
    if found:
        message = "it makes Python objects of its choice when it is loaded by a loader that allows it"
        yield Request("yaml-object", message, printable(found[0].decode("ascii"), 40))
    for name in dict.fromkeys(match[1].decode("utf-8", "replace") for match in _YAML_TARGET.finditer(data)):
        yield from _request("_target_", name, "_target_")
