"""Paths that a repo claims: which are safe to use, and which two would be one on some disks."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from gatekeeper.artifact import Irregularity, IrregularityKind
from gatekeeper.limits import Limits

_PART_BYTES = 255
"""Longest file name that common file systems take."""

_DRIVE = re.compile(r"[A-Za-z]:")


def refusal(path: str, limits: Limits, *, from_disk: bool = False) -> str:
    """Say why a path must not be used; empty when it may.

    Args:
        path: As claimed, with `/` between its parts.
        limits: For the most bytes of a path.
        from_disk: Whether a file system gave it, which may hold names that are no valid Unicode.
    """
    try:
        encoded = path.encode("utf-8", "surrogateescape" if from_disk else "strict")
    except UnicodeEncodeError:
        return "it is not valid Unicode"
    if len(encoded) > limits.path_bytes:
        return f"it is longer than {limits.path_bytes} bytes"
    if path.startswith("/") or _DRIVE.match(path):
        return "it is absolute"
    if "\\" in path:
        return "it contains a backslash, which separates folders on some systems"
    if any(unicodedata.category(character) == "Cc" for character in path):
        return "it contains control characters"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "it has empty, '.' or '..' parts"
    if any(len(part.encode("utf-8", "surrogateescape")) > _PART_BYTES for part in parts):
        return f"a part of it is longer than {_PART_BYTES} bytes"
    return ""


def collisions(paths: Iterable[PurePosixPath]) -> tuple[Irregularity, ...]:
    """Find files that differ by letter case or Unicode form alone, or by being a file and a folder.

    Folders on the way are included. One irregularity for each path but the first of such a group, in the order of the
    paths.
    """
    spellings: defaultdict[str, dict[str, str]] = defaultdict(dict)
    found: dict[str, str] = {}
    for path in paths:
        for name in (str(path), *(f"{parent}/" for parent in path.parents if parent.name)):
            group = spellings[_folded(name.removesuffix("/"))]
            group.setdefault(name, str(path))
            if len(group) > 1 and name != next(iter(group)):
                found.setdefault(str(path), next(iter(group.values())))
    return tuple(
        Irregularity(
            kind=IrregularityKind.CASE_COLLISION,
            path=path,
            detail=f"It would be one file, or lie in one folder, with {other!r} on disks that ignore letter case.",
        )
        for path, other in found.items()
    )


def escape(path: str, reason: str) -> Irregularity:
    """Report a path that was left out."""
    return Irregularity(kind=IrregularityKind.PATH_ESCAPE, path=path, detail=f"The path was left out: {reason}.")


def _folded(name: str) -> str:
    # Folding can undo a normal form, hence twice (Unicode 16, section 3.13, D145).
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
