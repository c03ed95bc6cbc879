"""Files that are not whole yet: written and hashed in one pass, given their name once the digest held."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from gatekeeper.errors import InputError, SourceError
from gatekeeper.limits import KIB
from gatekeeper.lock import LockedFile
from gatekeeper.progress import Advance
from gatekeeper.text import printable

STAGING = ".gatekeeper-fetch"
"""Folder inside the destination, so on its disk, that holds the parts; it goes when all files are whole."""

_ENDING = ".part"
_BLOCK_BYTES = 256 * KIB


class Part:
    """The beginning of one pinned file; what an earlier run left of it is taken up again.

    A context manager: whatever ends it, the part stays on disk for the next run unless it was dropped or placed.

    Args:
        staging: The folder of parts.
        file: What it is to become.
        advance: Told of the bytes that are new on disk; what is received twice counts once.
    """

    def __init__(self, staging: Path, file: LockedFile, advance: Advance) -> None:
        """Name the part by path and digest, so that the part of an earlier pin is never taken up for this one."""
        name = hashlib.sha256(f"{file.sha256} {file.path}".encode()).hexdigest()
        self._path = staging / f"{name[:32]}{_ENDING}"
        self._size = file.size
        self._advance = advance
        self._told = 0

    def __enter__(self) -> Part:
        self._drop_shared()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        self._file: BinaryIO = os.fdopen(os.open(self._path, flags, 0o666), "r+b", buffering=0)
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            self._file.close()
            raise InputError(f"{printable(str(self._path), 400)} is no regular file", hint="remove it")
        self._hash = hashlib.sha256()
        self._held = 0
        try:
            self._rehash()
        except BaseException:  # whatever ends it here, nobody else would close the file
            self._file.close()
            raise
        self.resumed = self._held > 0
        """Whether some of its bytes are from an earlier run."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def held(self) -> int:
        """Bytes that it has."""
        return self._held

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the bytes that it has."""
        return self._hash.hexdigest()

    def restart(self) -> None:
        """Forget all bytes."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self._held = 0
        self.resumed = False

    def take(self, data: bytes) -> bool:
        """Write and hash the next bytes.

        Returns:
            False when they are more than the file has, and were not taken.

        Raises:
            OSError: When the disk does not take them.
        """
        if self._held + len(data) > self._size:
            return False
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._count(len(data))
        return True

    def drop(self) -> None:
        """Remove it from the disk."""
        self._path.unlink(missing_ok=True)

    def place(self, path: Path) -> None:
        """Give it its final name; it must be whole and right."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(path)

    def _drop_shared(self) -> None:
        """Give up a part that has another name: writing to it would write there, and whoever has it could write here.

        Copies of a folder by hard links make such parts by accident.
        """
        with suppress(FileNotFoundError):
            status = self._path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                self._path.unlink()

    def _rehash(self) -> None:
        """Hash what is there; a part that is longer than the file can't be a beginning of it."""
        if os.fstat(self._file.fileno()).st_size > self._size:
            self.restart()
        while block := self._file.read(_BLOCK_BYTES):
            self._hash.update(block)
            self._count(len(block))

    def _count(self, length: int) -> None:
        self._held += length
        # Also when nothing is new: by this call a run that is given up gets to know it.
        self._advance(max(0, self._held - self._told))
        self._told = max(self._told, self._held)


def is_part(name: str) -> bool:
    """Whether a name is one that parts have."""
    return name.endswith(_ENDING)


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Make the folder of parts, keep other runs out of it, and remove it when the work was done to its end.

    Raises:
        InputError: When something else has its name.
        SourceError: When another run works there, or the disk can't keep it out.
        OSError: When the folder can't be made.
    """
    folder = root / STAGING
    descriptor = _locked(folder)
    try:
        yield folder
        for path in folder.iterdir():
            if is_part(path.name):
                path.unlink()
        with suppress(OSError):  # something that is not ours lies in it: the next run says so
            folder.rmdir()
    finally:
        os.close(descriptor)


def _locked(folder: Path) -> int:
    """Open and lock the folder; one that another run removed while this waited to lock it is made anew."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise InputError(f"{printable(str(folder), 400)} is no folder", hint="remove it") from None
        try:
            _lock(descriptor, folder)
            if _same(descriptor, folder):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SourceError(
            f"another fetch works in {printable(str(folder.parent), 400)}", hint="wait for it, then run again"
        ) from None
    except OSError as error:
        raise SourceError(
            f"{printable(str(folder), 400)} can't be locked: {error.strerror}",
            hint="fetch to a disk that knows file locks, and copy from there",
        ) from None


def _same(descriptor: int, folder: Path) -> bool:
    try:
        there = folder.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return stat.S_ISDIR(there.st_mode) and (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
