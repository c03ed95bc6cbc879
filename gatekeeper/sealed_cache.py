"""A cache of results that nobody but its owner can write into, wherever it lies.

Each entry carries an HMAC-SHA256 over its name and value, made with a key that does not lie in the cache. An entry
that was changed, moved to another name or made by somebody else is not believed, counted and written anew. What this
does not hold against is somebody who has the key: on one machine, the same user.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from gatekeeper.limits import MIB

KEY_BYTES = 32
"""Bytes of a key."""

_PURPOSE = b"gatekeeper sealed cache 1\0"
_TAG_BYTES = 32
_MOST_ENTRY_BYTES = 4 * MIB
_MOST_BYTES = 256 * MIB
_LEFT_BYTES = 192 * MIB
"""How full the cache may be, and how full it is after tidying up."""

_NAME = re.compile(r"[0-9a-f]{64}\Z")
_UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.tmp\Z")
_UNFINISHED_SECONDS = 3600
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SealedCache:
    """Values by name, in files of one folder.

    Args:
        folder: Made when it is missing.
        key: `KEY_BYTES` secret bytes; see `stored_key` and `key_from`.

    Raises:
        OSError: When the folder can't be made or opened, or is a link.
        ValueError: When the key has another length.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._key = key
        self._folder = os.open(folder, _FOLDER_FLAGS)
        self.refused = 0
        """Entries that were there and were not believed."""

        self._written = False

    def __enter__(self) -> Self:
        """Give the cache."""
        return self

    def __exit__(self, *_: object) -> None:
        """Tidy up after having written, and close the folder."""
        if self._written:
            self._tidy()
        os.close(self._folder)

    def get(self, name: str) -> bytes | None:
        """Give the value of an entry; None when there is none that can be believed.

        Args:
            name: 64 lower-case hexadecimal digits.
        """
        try:
            descriptor = os.open(_checked(name), _FILE_FLAGS, dir_fd=self._folder)
        except FileNotFoundError:
            return None
        except OSError:  # a link, or a file that we may not read
            self.refused += 1
            return None
        try:
            value = self._believed(name, _read(descriptor)) if _is_ours(descriptor) else None
            if value is None:
                self.refused += 1
            else:
                with suppress(OSError):  # a cache that can't be written to can still be read
                    os.utime(descriptor)  # tidying goes by the last use
        finally:
            os.close(descriptor)
        return value

    def put(self, name: str, value: bytes) -> None:
        """Keep a value, in place of any other of that name; what is too large or can't be written is not kept."""
        data = self._tag(_checked(name), value) + value
        if len(data) > _MOST_ENTRY_BYTES:
            return
        unfinished = f".{secrets.token_hex(16)}.tmp"
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(unfinished, flags, 0o600, dir_fd=self._folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                # Half an entry that a crash leaves is an entry that is not believed, so nothing is flushed to the disk.
                os.replace(unfinished, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                self._written = True
            except OSError:
                os.unlink(unfinished, dir_fd=self._folder)

    def _believed(self, name: str, data: bytes) -> bytes | None:
        tag, value = data[:_TAG_BYTES], data[_TAG_BYTES:]
        if len(data) > _MOST_ENTRY_BYTES or not hmac.compare_digest(tag, self._tag(name, value)):
            return None
        return value

    def _tag(self, name: str, value: bytes) -> bytes:
        return hmac.digest(self._key, _PURPOSE + bytes.fromhex(name) + value, "sha256")

    def _tidy(self) -> None:
        """Remove what was used least lately until there is room; only files with names that `put` makes."""
        entries: list[tuple[float, int, str]] = []
        with os.scandir(self._folder) as found:
            for each in found:
                with suppress(OSError):
                    status = each.stat(follow_symlinks=False)
                    if _NAME.match(each.name):
                        entries.append((status.st_mtime, status.st_size, each.name))
                    elif _UNFINISHED.match(each.name) and time.time() - status.st_mtime > _UNFINISHED_SECONDS:
                        os.unlink(each.name, dir_fd=self._folder)
        total = sum(size for _, size, _ in entries)
        if total <= _MOST_BYTES:
            return
        for _, size, name in sorted(entries):
            if total <= _LEFT_BYTES:
                return
            with suppress(OSError):
                os.unlink(name, dir_fd=self._folder)
                total -= size


def _checked(name: str) -> str:
    if not _NAME.match(name):
        raise ValueError("not the name of an entry")
    return name


def _read(descriptor: int) -> bytes:
    """Read an entry, and one byte more than one may have."""
    data = bytearray()
    while piece := os.read(descriptor, _MOST_ENTRY_BYTES + 1 - len(data)):
        data += piece
    return bytes(data)


def _is_ours(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077


def key_from(secret: str) -> bytes:
    """Make a key of a secret text, for machines that share a cache.

    Raises:
        ValueError: When it is shorter than 32 characters, and so may be guessed.
    """
    if len(secret) < KEY_BYTES:
        raise ValueError(f"shorter than {KEY_BYTES} characters")
    return hashlib.sha256(b"gatekeeper cache key\0" + secret.encode("utf-8", "surrogateescape")).digest()


def stored_key(path: Path) -> bytes:
    """Read this user's key, or make it when there is none.

    Args:
        path: Of the key; must lie outside the cache.

    Raises:
        OSError: When it can't be read or made.
        ValueError: When what lies there is not a key that this user alone can read.
    """
    with suppress(FileNotFoundError):
        return _read_key(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.parent / f".{secrets.token_hex(16)}.tmp"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):  # somebody was quicker: theirs holds
            os.link(unfinished, path, follow_symlinks=False)
    finally:
        unfinished.unlink()
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    descriptor = os.open(path, _FILE_FLAGS)
    try:
        key = os.read(descriptor, KEY_BYTES + 1) if _is_ours(descriptor) else b""
    finally:
        os.close(descriptor)
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path} is not a key that its user alone can read")
    return key
