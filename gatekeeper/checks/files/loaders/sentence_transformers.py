"""sentence-transformers: the modules that `modules.json` names, each in a folder of its own.

Read off sentence-transformers 6.2 (`base/modules/module.py`, `load_torch_weights`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.loaders.layout import ROOT, Answer, Layout, Missing, Reading, holds_weights
from gatekeeper.checks.files.loaders.texts import texts
from gatekeeper.checks.files.loaders.transformers import weights
from gatekeeper.text import printable

NAME = "sentence-transformers"
_INDEX = "modules.json"
_WEIGHTY = ("Transformer", "Dense", "WordEmbeddings", "LSTM", "CNN", "CLIPModel", "StaticEmbedding", "LayerNorm")
_OWN = ("config_sentence_transformers.json", "sentence_bert_config.json", "router_config.json")
_MOST_MODULES = 64
"""Modules that are looked at; real models have up to five."""


def answers(layout: Layout) -> Iterator[Answer]:
    """Tell what the modules are read from."""
    modules = layout.json(ROOT, _INDEX)
    if not isinstance(modules, list):
        return
    yield Reading(path=_INDEX, loader=NAME)
    yield from (Reading(path=name, loader=NAME) for name in _OWN if layout.has(ROOT, name))
    seen: set[PurePosixPath] = set()
    for module in modules[:_MOST_MODULES]:
        path, kind = (module.get("path"), module.get("type")) if isinstance(module, dict) else (None, None)
        if isinstance(path, str) and isinstance(kind, str):
            yield from _module(layout, PurePosixPath(path), kind, seen)


def _module(layout: Layout, folder: PurePosixPath, kind: str, seen: set[PurePosixPath]) -> Iterator[Answer]:
    below = [folder]
    if kind.endswith(".Router"):  # it keeps the modules that it chooses from in folders below its own
        inside = "" if folder == ROOT else f"{folder}/"
        below += [each for each in layout.folders if str(each).startswith(inside) and each != folder]
    for each in below:
        if each in seen:
            continue
        seen.add(each)
        yield from weights(layout, each, NAME)
        yield from (Reading(path=path, loader=NAME) for path in texts(layout, each))
        yield from (
            Reading(path=str(each / name), loader=NAME)
            for name in layout.names(each)
            if name in _OWN or (name.endswith(".py") and not kind.startswith("sentence_transformers."))
        )
    backends = (folder / "onnx", folder / "openvino")
    if kind.rsplit(".", 1)[-1] in _WEIGHTY and not any(_has_weights(layout, each) for each in (*below, *backends)):
        where = printable(str(folder), 120) if folder != ROOT else "the top folder"
        message = f"it names a module in {where!r}, of which the weights are not there"
        yield Missing(named_by=_INDEX, message=message, detail=str(folder))


def _has_weights(layout: Layout, folder: PurePosixPath) -> bool:
    return any(holds_weights(folder / name, layout.formats) for name in layout.names(folder))
