"""Private folders that vanish with their owner, also when it was killed.

A folder is locked by the process that made it. The kernel drops the lock when that process ends, however it ends, and
the next process that makes a folder removes those without a lock. Locks say more than process numbers, which are
used again and mean nothing across containers that share a disk.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_PREFIX = "gatekeeper-private-"
_OURS = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}\Z")
"""Exactly the names that `private_folder` makes: other parts of this program, and people, use the common prefix."""

_MARK = ".gatekeeper-private"
"""An empty file in each of these folders; a folder without it was made by somebody else and is never removed."""

_GRACE_SECONDS = 60
"""A folder younger than this may be one whose maker has not locked it yet."""


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder that only this user can enter, and remove it in the end.

    Raises:
        OSError: When it can't be made.
    """
    _sweep_once(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as name:
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with suppress(OSError):  # without locks on this file system nothing is swept there either
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                Path(name, _MARK).touch()
            yield Path(name).resolve()
        finally:
            os.close(descriptor)


@cache
def _sweep_once(place: str) -> None:
    sweep(Path(place))


def sweep(place: Path) -> None:
    """Remove private folders whose owners are gone; never anything of another user, and nothing through a link."""
    for path in place.glob(f"{_PREFIX}*"):
        if _OURS.match(path.name):
            with suppress(OSError):
                _remove_dead(path)


def _remove_dead(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != stat.S_IRWXU:
            return
        if time.time() - status.st_mtime < _GRACE_SECONDS:
            return
        os.stat(_MARK, dir_fd=descriptor, follow_symlinks=False)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while the owner lives
        shutil.rmtree(path)
    finally:
        os.close(descriptor)
