"""Files that are either the old one or the whole new one, whatever interrupts the writing."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


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
    # Short and of our own making, so that a `path` as long as the file system allows still has room beside it.
    beside = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name durable too; some file systems can't, and the file itself is whole by then."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
