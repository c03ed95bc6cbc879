"""Where the lock lies. Only `os`, which every interpreter has loaded: this runs where models are loaded."""

from __future__ import annotations

import os

NAME = "gatekeeper.lock"
"""As `gatekeeper.lock.LOCK_NAME`, without loading that module."""


def find_lock(start: str = "") -> str:
    """Give the nearest lock at or above a folder, not looking above the repository that the folder is in.

    Args:
        start: Folder to begin in; empty for the current one.

    Returns:
        Its absolute path; empty when there is none.
    """
    place = os.path.abspath(start or os.getcwd())  # noqa: PTH100, PTH109 - pathlib takes milliseconds to load
    while True:
        path = os.path.join(place, NAME)  # noqa: PTH118
        if os.path.isfile(path):  # noqa: PTH113
            return path
        above = os.path.dirname(place)  # noqa: PTH120
        if above == place or os.path.exists(os.path.join(place, ".git")):  # noqa: PTH110, PTH118
            return ""
        place = above
