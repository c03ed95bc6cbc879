"""Which files the user leaves out: patterns over paths, in the manner of `.gitignore` without its negations.

A pattern without a slash speaks of a file or folder of that name, wherever it lies; one with a slash speaks of a path
from the root. `*`, `?` and `[abc]` stay within one part of a path, `**` stands for any number of parts, and a slash at
the end means a folder. What matches a folder leaves out everything in it. Letter case counts.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TypeVar

from gatekeeper.endings import is_weights
from gatekeeper.errors import InputError
from gatekeeper.text import printable

File = TypeVar("File")

_FORM = "name a file (training_args.bin), a folder (checkpoint-500/) or a pattern over paths (onnx/*.onnx)"
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    """As given."""

    parts: tuple[str, ...]
    folders_only: bool

    def matches(self, path: PurePosixPath) -> bool:
        """Whether the file, or a folder that it lies in, is meant."""
        parts = path.parts
        lengths = range(1, len(parts) + (not self.folders_only))
        return any(_match(self.parts, parts[:length]) for length in lengths)


def part(
    files: Sequence[File], patterns: Iterable[str], path: Callable[[File], PurePosixPath], to: str
) -> tuple[list[File], list[File]]:
    """Part files into those that stay and those that are left out.

    Args:
        files: What there is.
        patterns: As the user gave them.
        path: Gives the path of a file.
        to: What the files belong to, printable, for messages.

    Returns:
        What stays, and what is left out, each in the order given.

    Raises:
        InputError: When a pattern can't be read or matches nothing, or when no file, or none of the weights, would
            stay: nothing that could be deployed would be judged.
    """
    wanted = [_parse(text) for text in dict.fromkeys(patterns)]
    if not wanted:
        return list(files), []
    paths = [path(file) for file in files]
    hits = [{index for index, each in enumerate(paths) if pattern.matches(each)} for pattern in wanted]
    for pattern, found in zip(wanted, hits, strict=True):
        if not found:
            raise InputError(f"--exclude {_show(pattern.text)} matches no file of {to}", hint=_near(pattern, paths))
    out = set().union(*hits)
    _refuse_empty([each for index, each in enumerate(paths) if index not in out], paths, to)
    kept = [file for index, file in enumerate(files) if index not in out]
    return kept, [files[index] for index in sorted(out)]


def is_excluded(path: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern leaves the path out.

    Raises:
        InputError: When a pattern can't be read.
    """
    return any(_parse(text).matches(PurePosixPath(path)) for text in patterns)


def _parse(text: str) -> _Pattern:
    body = text.removeprefix("/").removesuffix("/")
    parts = tuple(body.split("/"))
    if text.startswith("!") or "\\" in text or any(each in ("", ".", "..") for each in parts):
        raise InputError(f"--exclude {_show(text)} is no pattern that can be used", hint=_FORM)
    anywhere = "/" not in text.removesuffix("/")
    return _Pattern(text, ("**", *parts) if anywhere else parts, text.endswith("/"))


def _match(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Match a whole path part by part; each row of the table says how much of the pattern can end there."""
    reach = [True] + [False] * len(pattern)
    for index, each in enumerate(pattern):
        reach[index + 1] = reach[index] and each == "**"
    for name in parts:
        after = [False] * (len(pattern) + 1)
        for index, each in enumerate(pattern):
            if each == "**":
                after[index + 1] = reach[index + 1] or reach[index] or after[index]
            else:
                after[index + 1] = reach[index] and fnmatchcase(name, each)
        reach = after
    return reach[-1]


def _refuse_empty(kept: Sequence[PurePosixPath], paths: Sequence[PurePosixPath], to: str) -> None:
    if not kept:
        raise InputError(f"--exclude leaves nothing of {to}", hint="leave fewer files out")
    if any(is_weights(str(each)) for each in paths) and not any(is_weights(str(each)) for each in kept):
        raise InputError(
            f"--exclude leaves no weights of {to}: a verdict on the rest would be taken for one on the model",
            hint="leave fewer files out, or refuse the model",
        )


def _near(pattern: _Pattern, paths: Sequence[PurePosixPath]) -> str:
    names = dict.fromkeys(str(each) if "/" in pattern.text else each.name for each in paths)
    near = difflib.get_close_matches(pattern.text, list(names)[:2_000], n=3, cutoff=0.5) or list(names)[:3]
    return f"there are: {', '.join(_show(name) for name in near)}"


def _show(text: str) -> str:
    return printable(text, _SHOWN)
