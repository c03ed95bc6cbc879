"""What becomes of each file of an artifact that is converted: loaded, copied, rewritten or left out, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from gatekeeper.artifact import ArtifactFile
from gatekeeper.text import printable

RECORD = "conversion.json"
"""Name of the record that a conversion leaves in its result."""

_TORCH = frozenset({".bin", ".pt", ".pth", ".ckpt", ".th"})
_DATA = frozenset(
    {
        *(".json", ".jsonl", ".txt", ".md", ".rst", ".yaml", ".yml", ".toml", ".csv", ".tsv", ".jinja", ".jinja2"),
        *(".model", ".spm", ".tiktoken", ".vocab", ".bpe", ".codes", ".safetensors", ".gguf", ".gitattributes"),
    }
)
"""Endings of plain data: configurations, tokenizers, cards, and weights that are safe already."""

_DATA_NAMES = frozenset({"license", "licence", "notice", "readme", "merges", "vocab", ".gitattributes"})
_CODE = frozenset({".py"})
_TRAINING = re.compile(
    r"training_args\.bin|(?:optimizer|scheduler|scaler)(?:_\d+)?\.(?:pt|pth|bin)|(?:rng_state|random_states)[_\d]*\.\w+"
)
"""Files that trainers leave beside the weights (transformers' Trainer, accelerate): no model reads them."""

_ZIP = b"PK\x03\x04"
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_STEM = re.compile(r"\Apytorch_model(?=[.-]|\Z)")
_INDEX = re.compile(r"\A(?P<stem>.+)\.(?:bin|pt|pth)\.index(?P<variant>\.[A-Za-z0-9_-]+)?\.json\Z")


class Fate(StrEnum):
    """What becomes of a file."""

    CONVERTED = "converted"
    COPIED = "copied"
    REWRITTEN = "rewritten"
    """A shard index: its names and sizes are made anew."""

    LEFT_OUT = "left-out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One file on its way."""

    file: ArtifactFile
    fate: Fate
    target: PurePosixPath
    """Where it goes in the result; its own path when it is left out."""

    reason: str = ""
    """Why it is left out."""


def plan(
    files: Iterable[ArtifactFile], head: Callable[[ArtifactFile], bytes], *, copy_code: bool = False
) -> tuple[Step, ...]:
    """Decide what becomes of every file.

    Args:
        files: All files of the artifact.
        head: Gives the first bytes of one, at least four.
        copy_code: Whether Python files are copied.

    Returns:
        One step for each file, in the same order; targets of files that are kept differ from each other.
    """
    steps = [_step(file, head, copy_code) for file in files]
    taken: dict[str, Step] = {}
    # What is safe already goes first: a pickle gives way to the safetensors file of the same name.
    for step in sorted(steps, key=lambda each: each.fate is not Fate.COPIED):
        if step.fate is not Fate.LEFT_OUT:
            taken.setdefault(str(step.target).casefold(), step)
    return tuple(_settled(step, taken) for step in steps)


def why_nothing(steps: Iterable[Step]) -> str:
    """Say why the first torch file is left out; empty when there is none."""
    torch = (step for step in steps if step.fate is Fate.LEFT_OUT and step.file.path.suffix.lower() in _TORCH)
    return next((f"{printable(str(step.file.path))}: {step.reason}" for step in torch), "")


def _settled(step: Step, taken: dict[str, Step]) -> Step:
    winner = taken.get(str(step.target).casefold())
    if step.fate is Fate.LEFT_OUT or winner is step or winner is None:
        return step
    shown = printable(str(step.target))
    there = winner.file.path == winner.target
    why = f"{shown} is there already" if there else f"{shown} is made of {printable(str(winner.file.path))}"
    reason = f"{why}; the two were not compared"
    return Step(file=step.file, fate=Fate.LEFT_OUT, target=step.file.path, reason=reason)


def _step(file: ArtifactFile, head: Callable[[ArtifactFile], bytes], copy_code: bool) -> Step:
    path = file.path
    ending = path.suffix.lower()
    index = _INDEX.match(path.name)
    if index:
        name = f"{_renamed(index['stem'])}.index{index['variant'] or ''}.json"
        return Step(file=file, fate=Fate.REWRITTEN, target=path.with_name(name))
    if path.name == RECORD:
        return _left_out(file, "the result has a record of its own")
    if ending in _TORCH:
        return _torch_step(file, head(file))
    if ending in _CODE and copy_code:
        return Step(file=file, fate=Fate.COPIED, target=path)
    if ending in _CODE:
        return _left_out(file, "code is copied with --copy-code alone")
    if ending in _DATA or path.name.lower() in _DATA_NAMES:
        return Step(file=file, fate=Fate.COPIED, target=path)
    return _left_out(file, "neither a torch file nor a configuration, tokenizer or text")


def _torch_step(file: ArtifactFile, head: bytes) -> Step:
    if _TRAINING.fullmatch(file.path.name):
        return _left_out(file, "state of a training run, which no model reads")
    if not head.startswith(_ZIP) and not _PICKLE.match(head):
        return _left_out(file, "it is no torch file")
    return Step(file=file, fate=Fate.CONVERTED, target=file.path.with_name(_renamed(file.path.stem)))


def _renamed(stem: str) -> str:
    """Give the name that transformers looks for; other libraries keep the stem."""
    return f"{_STEM.sub('model', stem)}.safetensors"


def _left_out(file: ArtifactFile, reason: str) -> Step:
    return Step(file=file, fate=Fate.LEFT_OUT, target=file.path, reason=reason)
