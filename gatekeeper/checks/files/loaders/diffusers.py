"""diffusers: the components that `model_index.json` names, single models, adapters, and files of a whole pipeline.

Read off diffusers 0.42 (`utils/constants.py`, `pipelines/pipeline_loading_utils.py`, `loaders/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from gatekeeper.checks.files.loaders.layout import (
    ROOT,
    SUBFOLDER,
    Answer,
    Layout,
    Missing,
    Reading,
    holds_weights,
    named,
    preferred,
)
from gatekeeper.checks.files.loaders.texts import texts
from gatekeeper.text import printable

NAME = "diffusers"
_INDEX = "model_index.json"
_OWN = (("diffusion_pytorch_model", ".safetensors"), ("diffusion_pytorch_model", ".bin"))
_OTHERS = (("model", ".safetensors"), ("pytorch_model", ".bin"))
_FLAX = (("diffusion_flax_model", ".msgpack"), ("flax_model", ".msgpack"))
_ADAPTERS = re.compile(
    r"(pytorch_lora_weights|pytorch_custom_diffusion_weights|learned_embeds[\w.-]*|ip-adapter[\w.-]*)"
    r"\.(safetensors|bin)\Z"
)
_SINGLE = (".safetensors", ".ckpt")
_MOST_COMPONENTS = 256
"""Entries of an index that are looked at; real pipelines have about a dozen."""

_WEIGHTLESS = re.compile(r"(Tokenizer(Fast)?|Processor(Fast)?|Extractor|Scheduler)\Z")
"""Classes of components that have settings and no weights: nothing else is loaded in their place."""

_CODE = "trust_remote_code"
_CONFIGS = ("config.json", "scheduler_config.json")


def answers(layout: Layout) -> Iterator[Answer]:
    """Tell what a pipeline, or a single model of the library, reads."""
    for folder in layout.folders:
        if layout.has(folder, _INDEX):
            yield from _pipeline(layout, folder)
        elif layout.config(folder).get("_class_name") and not layout.has(folder.parent, _INDEX):
            yield from _component(layout, folder, "" if folder == ROOT else SUBFOLDER)
        for name in layout.names(folder):
            if _ADAPTERS.match(name):
                yield Reading(path=str(folder / name), loader=named(NAME, "as an adapter"))


def _pipeline(layout: Layout, folder: PurePosixPath) -> Iterator[Answer]:
    index = str(folder / _INDEX)
    yield Reading(path=index, loader=NAME)
    components = {
        name: value
        for name, value in islice(layout.config(folder, _INDEX).items(), _MOST_COMPONENTS)
        if not name.startswith("_") and "/" not in name and isinstance(value, list) and len(value) == 2 and all(value)
    }
    for name, (library, kind) in components.items():
        if not layout.names(folder / name):
            if _WEIGHTLESS.search(str(kind)):
                continue
            message = f"it names {printable(name, 80)!r}, of which there is no file"
            yield Missing(named_by=index, message=message, detail=name)
            continue
        yield from _component(layout, folder / name, "")
        yield from _code(layout, folder / name, f"{library}.py")
        if layout.has(folder / name, "config.json") and not _has_weights(layout, folder / name):
            message = f"it names {printable(name, 80)!r}, of which the weights are not there"
            yield Missing(named_by=index, message=message, detail=name)
    yield from _code(layout, folder, "pipeline.py")
    for name in layout.names(folder):
        if name.endswith(_SINGLE) and folder == ROOT:
            yield Reading(path=name, loader=named(NAME, "with from_single_file"))


def _component(layout: Layout, folder: PurePosixPath, when: str) -> Iterator[Reading]:
    yield from preferred(layout, folder, _OWN, NAME, when)
    yield from preferred(layout, folder, _OTHERS, NAME, when)
    for stem, ending in _FLAX:
        yield from (Reading(path=path, loader=named(NAME, "Flax")) for path in layout.checkpoint(folder, stem, ending))
    read = {*texts(layout, folder), *(str(folder / name) for name in _CONFIGS if layout.has(folder, name))}
    yield from (Reading(path=path, loader=named(NAME, when) if when else NAME) for path in sorted(read))


def _code(layout: Layout, folder: PurePosixPath, module: str) -> Iterator[Reading]:
    if "/" not in module and layout.has(folder, module):
        yield Reading(path=str(folder / module), loader=named(NAME, _CODE))


def _has_weights(layout: Layout, folder: PurePosixPath) -> bool:
    return any(holds_weights(folder / name, layout.formats) for name in layout.names(folder))
