"""The state of a folder, by which it is known whether anything in it was touched in between."""

from __future__ import annotations

import os
from pathlib import Path

from gatekeeper.errors import LimitError
from gatekeeper.hashing import Identity
from gatekeeper.limits import Limits

State = dict[str, tuple[Identity | None, Identity | None]]
"""Path → the identity of what lies there, and of what it leads to; None for nothing."""


def state_of(place: Path, limits: Limits) -> State:
    """Take down the identity of everything in a folder, or of a single file. Nothing is read, links are not walked.

    Args:
        place: The folder or file.
        limits: For the most entries.

    Raises:
        LimitError: When it holds more entries than `max_files`.
    """
    found: State = {str(place): _identities(str(place))}
    for folder, folders, files in os.walk(place):
        for name in (*folders, *files):
            if len(found) > limits.max_files:
                raise LimitError(f"the folder holds more than {limits.max_files} files (limit max_files)")
            path = os.path.join(folder, name)  # noqa: PTH118 - a Path for each of thousands of names is slow
            found[path] = _identities(path)
    return found


def _identities(path: str) -> tuple[Identity | None, Identity | None]:
    return _identity(path, follow=False), _identity(path, follow=True)


def _identity(path: str, *, follow: bool) -> Identity | None:
    try:
        return Identity.of(os.stat(path, follow_symlinks=follow))  # noqa: PTH116
    except OSError:
        return None
