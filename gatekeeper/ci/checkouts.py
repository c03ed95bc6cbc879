"""What a command needs of the repository beside its differences: where it is, and single files of a commit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gatekeeper.ci.changes import between, blob_at, resolve
from gatekeeper.ci.git import Git
from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkout:
    """A repository with one commit's files in its working tree."""

    root: Path
    commit: str
    """What is checked out; hexadecimal, empty before the first commit."""


def checkout(folder: Path = Path()) -> Checkout | None:
    """Give the repository that a folder is in; None when it is in none that git would read."""
    try:
        git = Git(folder)
    except InputError:
        return None
    try:
        return Checkout(root=git.root, commit=resolve(git, "HEAD"))
    except InputError:
        return Checkout(root=git.root, commit="")


def file_at(repository: Path, commit: str, path: str, limits: Limits = DEFAULT_LIMITS) -> bytes | None:
    """Give the bytes of one file of a commit.

    Args:
        repository: Its root.
        commit: Hexadecimal, or a tree.
        path: From the root, with slashes.
        limits: `lock_bytes` bounds it.

    Returns:
        None when the commit has no such file, or one that is larger.
    """
    return blob_at(Git(repository, limits), commit, path, limits.lock_bytes)


def changed_paths(repository: Path, base: str, head: str) -> frozenset[str]:
    """Give the paths of all files that differ between two commits, old names and new ones."""
    changes = between(Git(repository), base, head)
    return frozenset(side.path for change in changes for side in change.sides)
