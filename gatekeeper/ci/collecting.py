"""Folders and files → mentions: the walk and its bounds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gatekeeper.ci.extracting import extract, takes
from gatekeeper.endings import LOCK_NAME, is_weights
from gatekeeper.errors import InputError, LimitError, NotFoundError
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.mention import Mention
from gatekeeper.text import printable

_SKIPPED = frozenset(
    {".eggs", ".git", ".hg", ".mypy_cache", ".nox", ".ruff_cache", ".svn", ".tox", ".venv"}
    | {"__pycache__", "__pypackages__", "node_modules", "site-packages", "venv"}
)
"""Folders with files of others, or made by tools."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One model that files name, with all the places that do."""

    name: str
    revision: str
    """The one that the places agree on; empty when none is written."""

    mentions: tuple[Mention, ...]
    conflict: str = ""
    """The revisions that they disagree about, in words; empty when they agree."""


def collect(places: Iterable[Path], limits: Limits = DEFAULT_LIMITS) -> Iterator[Mention]:
    """Find what files name, in the order of their paths.

    The lock itself is no wish, and weights that lie on this disk are no model of the Hub: neither is read.

    Args:
        places: Files and folders; folders are searched, without links, virtual environments and what tools make.
        limits: How much to read.

    Raises:
        NotFoundError: When a place does not exist.
        InputError: When a place can't be read.
        LimitError: When there are more files than `limits.source_files`.
    """
    count = 0
    for place in places:
        for path in _files(place):
            if not takes(str(path)) or path.name == LOCK_NAME or is_weights(path.name):
                continue
            count += 1
            if count > limits.source_files:
                raise LimitError(f"more than {limits.source_files} source files (limit source_files)")
            for mention in _read(path, limits):
                yield _unless_local(mention)


def wanted(mentions: Iterable[Mention]) -> tuple[Wanted, ...]:
    """Gather the mentions of each model; a revision that one place writes holds for those that write none."""
    by_name: dict[str, list[Mention]] = {}
    for mention in mentions:
        if mention.name and not mention.local:
            by_name.setdefault(mention.name, []).append(mention)
    return tuple(_gathered(name, tuple(found)) for name, found in sorted(by_name.items()))


def _gathered(name: str, mentions: tuple[Mention, ...]) -> Wanted:
    revisions = {mention.revision: mention for mention in reversed(mentions) if mention.revision}
    if len(revisions) < 2:
        return Wanted(name=name, revision=next(iter(revisions), ""), mentions=mentions)
    told = ", ".join(f"{revision} in {mention.place}" for revision, mention in sorted(revisions.items()))
    return Wanted(name=name, revision="", mentions=mentions, conflict=told)


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    if not place.is_dir():
        raise NotFoundError(f"there is no file or folder {printable(str(place))}", hint="check the path")

    def refuse(error: OSError) -> None:
        raise InputError(f"{printable(str(error.filename))} can't be read: {error.strerror}") from error

    for folder, folders, names in os.walk(place, onerror=refuse):
        folders[:] = sorted(
            name for name in folders if name not in _SKIPPED and not Path(folder, name, "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _read(path: Path, limits: Limits) -> Iterable[Mention]:
    try:
        with path.open("rb") as stream:
            data = stream.read(limits.source_bytes + 1)
    except OSError as error:
        return [Mention(path=str(path), line=0, unresolved=f"it can't be read: {error.strerror}")]
    return extract(str(path), data, limits=limits)


def _unless_local(mention: Mention) -> Mention:
    """Tell a folder of this machine from a model of that name, as the loaders do: what exists is loaded from disk."""
    places = (Path(mention.name), Path(mention.path).parent / mention.name)
    if mention.name and any(place.exists() for place in places):
        return replace(mention, name="", unresolved=f"{mention.name} is a path here, which loaders prefer")
    return mention
