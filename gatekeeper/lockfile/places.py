"""Where the files lie that a team keeps. Only `os`, which is loaded already: this runs where models are loaded."""

from __future__ import annotations

import os

NAME = "gatekeeper.lock"
"""As `gatekeeper.endings.LOCK_NAME`, without loading that module."""


def find_lock(start: str = "") -> str:
    """Give the nearest lock, as `find_above` looks for it."""
    return find_above(NAME, start)


def find_above(name: str, start: str = "") -> str:
    """Give the nearest file of a name at or above a folder, not looking above the repository that the folder is in.

    Outside of a repository only the folder itself counts: above it anybody may have put a file, as into `/tmp`.

    Args:
        name: Of the file.
        start: Folder to begin in; empty for the current one.

    Returns:
        Its absolute path; empty when there is none.
    """
    begin = place = os.path.abspath(start or os.getcwd())  # noqa: PTH100, PTH109 - pathlib takes milliseconds to load
    found = ""
    while True:
        path = os.path.join(place, name)  # noqa: PTH118
        if not found and os.path.isfile(path):  # noqa: PTH113
            found = path
        if os.path.exists(os.path.join(place, ".git")):  # noqa: PTH110, PTH118
            return found
        above = os.path.dirname(place)  # noqa: PTH120
        if above == place:
            return found if os.path.dirname(found) == begin else ""  # noqa: PTH120
        place = above
