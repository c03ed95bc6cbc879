"""Files that are either the old one or the whole new one, whatever interrupts the writing."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType


def atomic_write(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write a file so that no reader and no crash ever sees half of it.

    The bytes go to a new file beside `path`, are flushed to the disk and then take its name. A symbolic link at
    `path` is replaced, not followed. The new file has what the umask leaves of `mode`, from its first byte on.

    Args:
        path: Where; its folder must exist.
        data: All of it.
        mode: Permissions; 0600 for secrets.

    Raises:
        OSError: When the folder is missing, can't be written to or is full; `path` is then as it was.
    """
    atomic_write_all({path: data}, mode=mode)


def atomic_write_all(
    files: Mapping[Path, bytes], *, mode: int = 0o666, modes: Mapping[Path, int] = MappingProxyType({})
) -> None:
    """Write files that belong together: every one is on the disk before the first takes its name.

    Each is written as by `atomic_write`. When one can't be written, or is a folder, all are as they were; only a crash
    between two renamings can leave some of them new, each of them whole.

    Args:
        files: Path → all of its bytes; the folders must exist.
        mode: Permissions of each; 0600 for secrets.
        modes: Path → permissions of those that have others.

    Raises:
        OSError: As for `atomic_write`.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            # Short and of our own making, so that a `path` as long as the file system allows still has room beside it.
            staged[path] = path.parent / f".{secrets.token_hex(8)}.tmp"
            _write_through(staged[path], data, modes.get(path, mode))
        for path in staged:
            if path.is_dir() and not path.is_symlink():  # the one thing that a rename trips over, found out in time
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        for path, beside in staged.items():
            beside.replace(path)
    except BaseException:
        for beside in staged.values():
            with suppress(OSError):
                beside.unlink()
        raise
    for folder in {path.parent for path in files}:
        _sync_folder(folder)


def _write_through(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too; some file systems can't, and the file itself is whole by then."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
