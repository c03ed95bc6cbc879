"""What a loader sees of a repo: names, formats, and its own index and configuration files, read within a budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.checks.files.formats import Format
from gatekeeper.endings import is_weights
from gatekeeper.parsing import ParseError

ROOT = PurePosixPath()
"""The folder at the top."""

OLD = "old or with use_safetensors=False"
"""When a loader that prefers safetensors reads the pickle beside them."""

SUBFOLDER = "as a subfolder"
"""When a loader reads a folder that it is told of, and that no index names."""

_LEFTOVER = re.compile(
    r"(training_args\.bin|(optimizer|scheduler|scaler)[\w.-]*\.(pt|bin|pth|safetensors)|rng_state[\w.-]*\.pth"
    r"|(random_states|custom_checkpoint)_\d+\.(pkl|safetensors)|[\w-]*_optim_states\.pt)\Z"
)
"""What transformers' Trainer (`trainer.py`), accelerate and DeepSpeed write to resume a training."""

_STEP = re.compile(r"(checkpoint-|global_step|step[_-])\d+\Z")
_SHARD = re.compile(r"-\d{5}-of-\d{5}\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One loader reads one file."""

    path: str
    loader: str
    """Its name; in brackets, when it does so only then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A configuration promises weights that are not there."""

    named_by: str
    """The configuration."""

    message: str
    detail: str = ""
    """What it names, as found."""


Answer = Reading | Missing


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The names of a repo, and the contents of its small JSON files."""

    paths: tuple[PurePosixPath, ...]
    formats: Mapping[str, Format]
    """Path → what the bytes say it is."""

    parse: Callable[[str], Any]
    """Gives the JSON value of a file that is there; raises `ParseError` or gives None when there is no telling."""

    _parsed: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def folders(self) -> Mapping[PurePosixPath, tuple[str, ...]]:
        """Folder → names of the files right in it, sorted; folders that hold folders alone are not among them."""
        found: dict[PurePosixPath, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.parent, []).append(path.name)
        return {folder: tuple(sorted(names)) for folder, names in sorted(found.items())}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(map(str, self.paths))

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """Give the files right in a folder, sorted."""
        return self.folders.get(folder, ())

    def has(self, folder: PurePosixPath, name: str) -> bool:
        """Whether a file of that name, with slashes or without, lies below a folder."""
        # Joining paths is dear, and hostile indexes ask for a million; only odd names need it.
        plain = name if folder == ROOT else f"{folder}/{name}"
        return plain in self._known or ("/" in name and str(folder / name) in self._known)

    def json(self, folder: PurePosixPath, name: str) -> Any:
        """Give the parsed content of a file; None when it is not there or can't be read."""
        path = str(folder / name)
        if not self.has(folder, name):
            return None
        if path not in self._parsed:
            try:
                self._parsed[path] = self.parse(path)
            except ParseError:
                self._parsed[path] = None
        return self._parsed[path]

    def config(self, folder: PurePosixPath, name: str = "config.json") -> Mapping[str, Any]:
        """Give the parsed object in a file; empty when it is not there, can't be read or is no object."""
        value = self.json(folder, name)
        return value if isinstance(value, dict) else {}

    @cached_property
    def weights(self) -> tuple[PurePosixPath, ...]:
        """Files that hold weights, by name or by format, without what a training left behind."""
        return tuple(path for path in self.paths if holds_weights(path, self.formats) and not is_leftover(path))

    @cached_property
    def _has_current(self) -> bool:
        return bool(self.weights)

    def is_old(self, folder: PurePosixPath) -> bool:
        """Whether a folder holds a checkpoint of the training, and the repo has weights elsewhere."""
        return self._has_current and any(_STEP.match(part) for part in folder.parts)

    def checkpoint(self, folder: PurePosixPath, stem: str, ending: str, variant: str = "") -> tuple[str, ...]:
        """Give the files that make up one checkpoint: a single file, or an index with the files that it names.

        Args:
            folder: Where it lies.
            stem: `model`, `pytorch_model`, …
            ending: With its dot.
            variant: `fp16` and the like, as the library was told.

        Returns:
            Paths from the root; empty when there is no such checkpoint (transformers `modeling_utils.py`,
            `_get_resolved_checkpoint_files`: the single file goes first).
        """
        name = f"{stem}.{variant}{ending}" if variant else f"{stem}{ending}"
        if self.has(folder, name):
            return (str(folder / name),)
        index = f"{stem}{ending}.index.{variant}.json" if variant else f"{stem}{ending}.index.json"
        if not self.has(folder, index):
            return ()
        return (str(folder / index), *self.shards(folder, index))

    def shards(self, folder: PurePosixPath, index: str) -> tuple[str, ...]:
        """Give the files that an index names and that are there, sorted.

        Where the index can't be read, a loader may read it otherwise: then every file of that ending may be meant.
        """
        named = self.config(folder, index).get("weight_map")
        if isinstance(named, dict):
            shards = {shard for shard in named.values() if isinstance(shard, str)}
        else:
            ending = PurePosixPath(index.partition(".index")[0]).suffix
            shards = {name for name in self.names(folder) if name.endswith(ending)}
        return tuple(str(folder / shard) for shard in sorted(shards) if self.has(folder, shard))

    def variants(self, folder: PurePosixPath, stem: str, ending: str) -> tuple[str, ...]:
        """Give the variants of a checkpoint that a folder has, sorted."""
        single = re.compile(rf"{re.escape(stem)}\.([\w-]{{1,32}}){re.escape(ending)}", re.ASCII)
        index = re.compile(rf"{re.escape(stem + ending)}\.index\.([\w-]{{1,32}})\.json", re.ASCII)
        found = (single.fullmatch(name) or index.fullmatch(name) for name in self.names(folder))
        return tuple(sorted({match[1] for match in found if match and not _SHARD.search(f"-{match[1]}")}))


def holds_weights(path: PurePosixPath, formats: Mapping[str, Format]) -> bool:
    """Whether a file holds weights, going by its name or by what its bytes are."""
    return is_weights(str(path)) or formats.get(str(path)) in WEIGHT_FORMATS


def is_leftover(path: PurePosixPath) -> bool:
    """Whether a training wrote the file for itself, to be resumed."""
    return bool(_LEFTOVER.match(path.name)) or any(_STEP.match(part) for part in path.parent.parts)


def preferred(
    layout: Layout,
    folder: PurePosixPath,
    sets: Iterable[tuple[str, str]],
    loader: str,
    when: str = "",
    *,
    later: str = OLD,
) -> Iterator[Reading]:
    """Read the first checkpoint that is there in its own right, the later ones on a condition, and all variants.

    Args:
        layout: The repo.
        folder: Where the checkpoints lie.
        sets: Stem and ending of each, in the loader's order.
        loader: Its name.
        when: When it reads the folder at all, if not by itself.
        later: When it reads a checkpoint although there is one that it prefers.
    """
    chosen = False
    for stem, ending in sets:
        files = layout.checkpoint(folder, stem, ending)
        conditions = [each for each in (when, later if chosen else "") if each]
        yield from (Reading(path=path, loader=named(loader, *conditions)) for path in files)
        for variant in layout.variants(folder, stem, ending):
            files_of = layout.checkpoint(folder, stem, ending, variant)
            told = named(loader, *[each for each in (when, f"variant {variant}") if each])
            yield from (Reading(path=path, loader=told) for path in files_of)
        chosen = chosen or bool(files)


def named(loader: str, *conditions: str) -> str:
    """Give a loader's name with the conditions under which it reads."""
    return f"{loader} ({'; '.join(conditions)})" if conditions else loader


WEIGHT_FORMATS = frozenset(
    {
        Format.SAFETENSORS,
        Format.GGUF,
        Format.GGML,
        Format.PICKLE,
        Format.TORCH_LEGACY,
        Format.TORCH_ZIP,
        Format.TORCHSCRIPT,
        Format.TORCH_PACKAGE,
        Format.PT2,
        Format.NPY,
        Format.NPZ,
        Format.SKOPS,
        Format.KERAS_ZIP,
        Format.HDF5,
        Format.SAVED_MODEL,
        Format.FROZEN_GRAPH,
        Format.TF_CHECKPOINT,
        Format.TFLITE,
        Format.ONNX,
        Format.ORT,
        Format.EXECUTORCH,
        Format.COREML,
        Format.MSGPACK,
        Format.CTRANSLATE2,
        Format.FASTTEXT,
        Format.RAW_TENSORS,
        Format.OPENVINO_XML,
        Format.PMML,
    }
)
"""Formats that hold weights, whatever the file is called."""
