"""Symbolic links that a change adds or turns elsewhere → those behind which something lies that would be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from os import fsdecode

from gatekeeper.ci.changes import Side, contents
from gatekeeper.ci.git import Git

_LONGEST = 4096
"""Bytes of the path that a link holds; no system follows a longer one."""


def leading(git: Git, head: str, links: Iterable[Side], reads: Callable[[str], bool]) -> Iterator[str]:
    """Give the paths of the links that may lead to a model, or to a file that may name one.

    Git follows them within the commit. A link that leads out of the repository, or that can't be followed, may lead
    to anything.

    Args:
        git: The repository.
        head: The commit, hexadecimal; empty for the index, whose links are judged by their words alone.
        links: The newer side of each changed link.
        reads: Whether a file of that name is looked at.
    """
    held = list(links)
    told = dict(contents(git, {side.blob: None for side in held}, _LONGEST, _LONGEST * len(held)))
    for side in held:
        target = told[side.blob]
        words = fsdecode(target) if isinstance(target, bytes) else ""
        if not words or reads(side.path) or reads(words) or words.startswith("/") or _holds(git, head, side, reads):
            yield side.path


def _holds(git: Git, head: str, side: Side, reads: Callable[[str], bool]) -> bool:
    """Whether a link leads to a folder with something that is read, or out of the repository."""
    if not head or "\n" in side.path or not side.exact:
        return True
    asked = f"{head}:{side.path}\n".encode()
    words = git.run("cat-file", "--batch-check", "--follow-symlinks", given=asked).split(b"\n", 1)[0].split(b" ")
    if words[1:2] == [b"tree"]:
        listed = git.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", words[0].decode("ascii"))
        return any(reads(path.decode("utf-8", "replace")) for path in listed.split(b"\0") if path)
    return words[1:2] != [b"blob"]
