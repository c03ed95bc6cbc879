"""What already lies where a locked model is to go: its own files, or somebody else's."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

from gatekeeper.errors import InputError
from gatekeeper.hashing import MemoryBudget, Stop, hash_file, in_parallel
from gatekeeper.lock import LockedFile, LockedModel
from gatekeeper.progress import Progress
from gatekeeper.sources.parts import STAGING, is_part
from gatekeeper.text import plural, printable

_SHOWN = 5
"""Files that one error names."""


def survey(root: Path, pinned: Collection[str]) -> list[str]:
    """List the pinned paths that are taken already, by a file or a link.

    Args:
        root: Where the model is to lie; need not exist.
        pinned: Its paths.

    Raises:
        InputError: When anything else lies there. Empty folders don't count.
        OSError: When the folder can't be read.
    """
    there: list[str] = []
    strangers: list[str] = []
    try:
        for path in _entries(root, PurePosixPath()):
            (there if path in pinned else strangers).append(path)
    except FileNotFoundError:
        return []
    except NotADirectoryError as error:
        raise InputError(f"{printable(str(root), 400)} is no folder", hint="name a folder") from error
    strangers += [path for path in pinned if (root / path).is_dir() and not (root / path).is_symlink()]
    if strangers:
        raise InputError(
            f"{printable(str(root), 400)} holds what is not pinned: {named(strangers)}",
            hint="nothing of it is deleted: move it away, or fetch to an empty folder",
        )
    return there


def _entries(folder: Path, under: PurePosixPath) -> Iterator[str]:
    """Give every file below a folder, and every link, which is not followed; parts of an interrupted run are ours."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = under / entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(folder / entry.name, path)
            elif not (path.parent == PurePosixPath(STAGING) and is_part(entry.name)):
                yield path.as_posix()


def held(
    model: LockedModel, root: Path, there: Collection[str], jobs: int, progress: Progress
) -> tuple[set[str], list[str]]:
    """Hash the files that are there.

    Args:
        model: What is pinned.
        root: Where it lies.
        there: Paths as `survey` gives them.
        jobs: Files hashed at once.
        progress: Shown the bytes hashed.

    Returns:
        The paths that hold the pinned bytes, and those that hold others.

    Raises:
        ContentChangedError: When a file changes while it is hashed.
        OSError: When one can't be read.
    """
    found = [file for file in model.files if file.path in set(there)]
    right = [file for file in found if _has_size(root / file.path, file.size)]
    stop, budget = Stop(), MemoryBudget()
    with progress.task("hashing", sum(file.size for file in right), "bytes") as shown:
        advance = stop.watch(shown)

        def is_pinned(file: LockedFile) -> bool:
            hashed = hash_file(root / file.path, git=False, budget=budget, advance=advance)
            return (hashed.size, hashed.sha256) == (file.size, file.sha256)

        answers = in_parallel(is_pinned, right, jobs=jobs, stop=stop)
    kept = {file.path for file, answer in zip(right, answers, strict=True) if answer}
    return kept, [file.path for file in found if file.path not in kept]


def _has_size(path: Path, size: int) -> bool:
    status = path.lstat()
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def named(paths: Collection[str]) -> str:
    """Name a few paths of many, fit to be shown."""
    shown = ", ".join(printable(path) for path in sorted(paths)[:_SHOWN])
    more = len(paths) - _SHOWN
    return f"{shown} and {plural(more, 'other')}" if more > 0 else shown
