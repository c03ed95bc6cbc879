"""transformers: one checkpoint of a folder, safetensors before pickles, and the small files beside it.

Read off transformers 5.23 (`modeling_utils.py`, `_get_resolved_checkpoint_files`). Versions before 5 also read
TensorFlow's and Flax's weights when told to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.checks.files.loaders.layout import ROOT, SUBFOLDER, Answer, Layout, Reading, named, preferred
from gatekeeper.checks.files.loaders.texts import texts

NAME = "transformers"

SETS = (("model", ".safetensors"), ("pytorch_model", ".bin"))
"""Stems and endings in transformers' order."""

_BEFORE_5 = (("tf_model", ".h5", "before 5; from_tf"), ("flax_model", ".msgpack", "before 5; from_flax"))
_CODE = "trust_remote_code"
_MAPPED = ("config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json")
_GENERATE = "custom_generate"


def answers(layout: Layout) -> Iterator[Answer]:
    """Tell what `from_pretrained` reads of the repo, and of each folder in it that has a configuration of its own."""
    for folder in layout.folders:
        if not _is_meant(layout, folder):
            continue
        when = "" if folder == ROOT else SUBFOLDER
        yield from weights(layout, folder, NAME, when)
        yield from (Reading(path=path, loader=_named(when)) for path in texts(layout, folder))
        yield from _code(layout, folder, when)
    yield from _ggufs(layout)


def weights(layout: Layout, folder: PurePosixPath, loader: str, when: str = "") -> Iterator[Reading]:
    """Tell which weights of one folder are read.

    Args:
        layout: The repo.
        folder: Where to look.
        loader: Who asks transformers to read them.
        when: When it does, if not by itself.
    """
    told = layout.config(folder).get("transformers_weights")
    if isinstance(told, str) and layout.has(folder, told):
        shards = layout.shards(folder, told) if told.endswith(".index.json") else ()
        yield from (Reading(path=path, loader=_named(when, loader)) for path in (str(folder / told), *shards))
        return
    yield from preferred(layout, folder, SETS, loader, when)
    for stem, ending, version in _BEFORE_5:
        files = layout.checkpoint(folder, stem, ending)
        yield from (Reading(path=path, loader=named(loader, version)) for path in files)


def is_model(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is one of transformers' models."""
    return isinstance(config.get("model_type"), str) or isinstance(config.get("architectures"), list)


def _is_meant(layout: Layout, folder: PurePosixPath) -> bool:
    """Whether transformers would read a folder by itself or by `subfolder`; those of pipelines are their indexes'."""
    if layout.is_old(folder) or (folder != ROOT and layout.has(folder.parent, "model_index.json")):
        return False
    return is_model(layout.config(folder)) or layout.has(folder, "tokenizer_config.json")


def _code(layout: Layout, folder: PurePosixPath, when: str) -> Iterator[Reading]:
    conditions = [each for each in (when, _CODE) if each]
    if any(layout.config(folder, name).get("auto_map") for name in _MAPPED):
        # What a module imports relative to itself is fetched with it, so all of the folder's modules are meant.
        for name in layout.names(folder):
            if name.endswith(".py"):
                yield Reading(path=str(folder / name), loader=named(NAME, *conditions))
    for name in layout.names(folder / _GENERATE):
        if name.endswith(".py"):
            yield Reading(path=str(folder / _GENERATE / name), loader=named(NAME, *conditions))


def _ggufs(layout: Layout) -> Iterator[Reading]:
    for name in layout.names(ROOT):
        if name.endswith(".gguf"):
            yield Reading(path=name, loader=named(NAME, "with gguf_file"))


def _named(when: str, loader: str = NAME) -> str:
    return named(loader, when) if when else loader
