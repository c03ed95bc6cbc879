"""Streaming digests, and readers that give the hashed bytes or an error.

A file is read once, through one descriptor, and its digests are taken from what that descriptor gave. Small files
stay in memory. Of a large one the identity is kept (device, inode, size, modification and change time, by `fstat` of
that very descriptor), and every later reader must find the same identity. Linux and macOS set the change time
themselves on each write, rename and link, and no ordinary call sets it back, so a path swapped or written to after
hashing is noticed without holding thousands of descriptors.

What this cannot see: a process of the same user that held the file mapped for writing since before it was hashed,
until the kernel writes the page back; a file system that keeps no change time; somebody who sets the clock.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from gatekeeper.artifact import Content
from gatekeeper.errors import ContentChangedError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from gatekeeper.progress import Advance
from gatekeeper.text import printable

_BUFFER_BYTES = 1 * MIB
_TICK_SECONDS = 0.02
"""Longer than any kernel's timer tick (1 to 10 ms): the granularity of change times."""

# O_NONBLOCK keeps a pipe that took the file's place from hanging the run; it changes nothing for regular files.
_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hashed:
    """What one pass over one file gave."""

    size: int
    """Bytes read."""

    sha256: str
    """Hexadecimal digest of those bytes."""

    git_sha1: str | None
    """Git blob id (SHA-1 over `blob <size>`, a NUL and the bytes) when it was asked for."""

    content: Content = field(repr=False)
    """How to read the same bytes again."""


class Identity(NamedTuple):
    """What tells one state of one file from any other, as `fstat` gives it."""

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Identity:
        """Take the identity out of a stat result."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class MemoryContent:
    """Bytes that were hashed and then kept."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        """Keep `data`."""
        self._data = data

    def open(self) -> BinaryIO:
        """Open a fresh seekable reader at offset 0."""
        return io.BytesIO(self._data)

    def read(self, limit: int) -> bytes:
        """Give all bytes.

        Raises:
            LimitError: When there are more than `limit`.
        """
        _refuse_larger(len(self._data), limit)
        return self._data

    def unchanged(self) -> bool:
        """Give True: nobody else can reach these bytes."""
        return True


class DiskContent:
    """A file that stays on disk, remembered by its identity."""

    __slots__ = ("_identity", "_path")

    def __init__(self, path: Path, identity: Identity) -> None:
        """Remember `path`, resolved and free of symbolic links, and the identity that was hashed."""
        self._path = path
        self._identity = identity

    @property
    def path(self) -> Path:
        """Where it lies, free of symbolic links."""
        return self._path

    def open(self) -> BinaryIO:
        """Open a fresh seekable reader at offset 0.

        Raises:
            ContentChangedError: When the path leads to anything but the file that was hashed.
        """
        try:
            descriptor = os.open(self._path, _OPEN_FLAGS)
        except OSError as error:
            raise _changed(self._path) from error
        if Identity.of(os.fstat(descriptor)) != self._identity:
            os.close(descriptor)
            raise _changed(self._path)
        return os.fdopen(descriptor, "rb")

    def read(self, limit: int) -> bytes:
        """Read the whole file.

        Raises:
            LimitError: When it is larger than `limit` bytes.
            ContentChangedError: When it is not, or no longer, the file that was hashed.
        """
        _refuse_larger(self._identity.size, limit)
        with self.open() as reader:
            data = reader.read(self._identity.size + 1)
            if len(data) != self._identity.size or Identity.of(os.fstat(reader.fileno())) != self._identity:
                raise _changed(self._path)
        return data

    def unchanged(self) -> bool:
        """Whether the path still leads to the very file that was hashed, unmodified."""
        try:
            return Identity.of(os.lstat(self._path)) == self._identity
        except OSError:
            return False


def lay(content: Content, path: Path) -> None:
    """Put a hashed file where a library that wants names of files finds it.

    A file that stays on disk is linked to, since it may have hundreds of gigabytes: ask `unchanged` of it once the
    library is done.

    Args:
        content: Of the file.
        path: Where; nothing lies there, and its folder is nobody else's.

    Raises:
        ContentChangedError: When it is no longer the file that was hashed.
        OSError: When it can't be put there.
    """
    if isinstance(content, DiskContent):
        with content.open():
            path.symlink_to(content.path)
        return
    with content.open() as reader, path.open("xb") as writer:
        shutil.copyfileobj(reader, writer)


class MemoryBudget:
    """How many bytes of small files may stay in memory for one artifact. Safe to use from several threads."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        """Start with `limits.memory_total_bytes`, of which one file takes at most `limits.memory_file_bytes`."""
        self._file_bytes = limits.memory_file_bytes
        self._left = limits.memory_total_bytes
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Reserve `size` bytes; False when the file must stay on disk."""
        with self._lock:
            if size > min(self._file_bytes, self._left):
                return False
            self._left -= size
            return True


def hash_file(path: Path, *, git: bool, budget: MemoryBudget, advance: Advance) -> Hashed:
    """Hash one regular file in one pass.

    Args:
        path: Resolved, free of symbolic links.
        git: Whether to compute the git blob id as well.
        budget: What may stay in memory.
        advance: Told of the bytes read.

    Raises:
        ContentChangedError: When it is no regular file, or changed while it was read.
        OSError: When it can't be opened or read.
    """
    descriptor = os.open(path, _OPEN_FLAGS)
    with os.fdopen(descriptor, "rb", buffering=0) as reader:
        status = _settled(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _changed(path)
        before = Identity.of(status)
        digests = _Digests(before.size, git=git)
        kept = reader.read(before.size + 1) if budget.take(before.size) else None
        count = digests.take(kept, advance) if kept is not None else digests.drain(reader, before.size, advance)
        if count != before.size or Identity.of(os.fstat(descriptor)) != before:
            raise _changed(path)
    content: Content = DiskContent(path, before) if kept is None else MemoryContent(kept)
    return Hashed(size=count, sha256=digests.sha256, git_sha1=digests.git_sha1, content=content)


class StoppedError(Exception):
    """The work of a thread is no longer wanted, because another failed or the person gave up."""


class Stop:
    """Ends the work of threads that report their advance; threads can't be ended from outside."""

    def __init__(self) -> None:
        """Start with nothing to stop."""
        self._event = threading.Event()

    def set(self) -> None:
        """Let every watched advance raise from now on."""
        self._event.set()

    def watch(self, advance: Advance) -> Advance:
        """Give an advance that hands on to `advance`, or raises StoppedError once this is set."""

        def watched(units: int) -> None:
            if self._event.is_set():
                raise StoppedError
            advance(units)

        return watched


def in_parallel(work: Callable[[_Item], _Result], items: Sequence[_Item], *, jobs: int, stop: Stop) -> list[_Result]:
    """Apply `work` to every item on at most `jobs` threads.

    The first error, or an interrupt from the keyboard, ends it: nothing more is begun, and what is under way ends
    with its next report to an advance that `stop` watches.

    Returns:
        Results in the order of the items.
    """
    if min(jobs, len(items)) <= 1:
        return [work(item) for item in items]
    pool = ThreadPoolExecutor(max_workers=min(jobs, len(items)), thread_name_prefix="gatekeeper-source")
    try:
        futures = [pool.submit(work, item) for item in items]
        for future in as_completed(futures):
            future.result()
        return [future.result() for future in futures]
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Digests:
    """The digests of one file, taken side by side."""

    def __init__(self, size: int, *, git: bool) -> None:
        self._sha256 = hashlib.sha256()
        self._sha1 = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False) if git else None

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def git_sha1(self) -> str | None:
        return self._sha1.hexdigest() if self._sha1 else None

    def take(self, data: bytes | memoryview, advance: Advance) -> int:
        self._sha256.update(data)
        if self._sha1:
            self._sha1.update(data)
        advance(len(data))
        return len(data)

    def drain(self, reader: io.FileIO, size: int, advance: Advance) -> int:
        """Read to the end, or just past `size` when the file grows under the hand."""
        view = memoryview(bytearray(min(_BUFFER_BYTES, max(size, 64 * KIB))))
        count = 0
        while count <= size and (length := reader.readinto(view)):
            count += self.take(view[:length], advance)
        return count


def _settled(descriptor: int) -> os.stat_result:
    """Stat, after waiting until the file's change time is older than one timer tick.

    Two writes within one tick leave the same change time, so that a file written just now could be written again,
    after it was hashed, without a trace. Git knows the same problem as "racy" index entries.
    """
    status = os.fstat(descriptor)
    if abs(time.time() - status.st_ctime_ns / 1e9) < _TICK_SECONDS:
        time.sleep(_TICK_SECONDS)
        status = os.fstat(descriptor)
    return status


def _refuse_larger(size: int, limit: int) -> None:
    if size > limit:
        raise LimitError(f"{size} bytes are more than the {limit} that may be read at once")


def _changed(path: Path) -> ContentChangedError:
    return ContentChangedError(
        f"{printable(str(path), 400)} is not the file that was hashed",
        hint="something else writes to these files: stop it, or copy them, and run again",
    )
