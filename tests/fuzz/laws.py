"""What every parser of hostile bytes has to hold to, whatever the bytes are."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # importing it here would have the whole package in memory before coverage is counted
    from gatekeeper.checks.files.problem import Problem

_READ_TIMES = 64
_READ_FREE = 1 << 20
_CALLS_TIMES = 64
_CALLS_FREE = 10_000
_MESSAGE_CHARACTERS = 4_000


class LawError(AssertionError):
    """A law is broken.

    Args:
        law: Which, in words that are the same for all inputs that break it.
        detail: What is special to this one.
    """

    def __init__(self, law: str, detail: object = "") -> None:
        super().__init__(f"{law}: {detail}" if detail != "" else law)
        self.law = law


class Counted(io.BytesIO):
    """A file in memory that counts how often and how much is read of it: work that is the same on every machine.

    Args:
        data: The file.
        times: How often all of it may be read, beside a fixed amount.
    """

    def __init__(self, data: bytes, times: int = _READ_TIMES) -> None:
        super().__init__(data)
        self._times = times
        self._length = len(data)
        self._calls = 0
        self._bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read and count.

        Raises:
            LawError: When the file was read too often or too much.
        """
        found = super().read(size)
        self._calls += 1
        self._bytes += len(found)
        if self._bytes > self._times * self._length + _READ_FREE:
            raise LawError("too much is read", f"{self._bytes} bytes of a file of {self._length}")
        if self._calls > _CALLS_TIMES * self._length + _CALLS_FREE:
            raise LawError("too many reads", f"{self._calls} of a file of {self._length} bytes")
        return found


def well_said(problems: Iterable[Problem], slugs: Collection[str]) -> tuple[Problem, ...]:
    """See that problems are of known rules, and that what they say can be shown to a person.

    Raises:
        LawError: When one is not.
    """
    found = tuple(problems)
    for problem in found:
        if problem.slug not in slugs:
            raise LawError("no such rule", repr(problem.slug))
        showable(problem.message)
        if problem.offset is not None and problem.offset < 0:
            raise LawError("a place before the file", f"{problem.slug}: {problem.offset}")
    return found


def showable(message: str) -> None:
    """See that a sentence is one, with nothing in it that a terminal or a page would obey.

    Raises:
        LawError: When it is not.
    """
    if not message or len(message) > _MESSAGE_CHARACTERS:
        raise LawError("a message is empty or too long", len(message))
    if not message.isprintable():
        raise LawError("a message is not printable", repr(message))


def same_twice(answer: Callable[[bytes], Any], data: bytes) -> Any:
    """Give the answer; for one input in eight, chosen by its bytes, see that asking again gives the same.

    Raises:
        LawError: When it does not.
    """
    first = answer(data)
    if zlib.crc32(data) % 8 == 0 and answer(data) != first:
        raise LawError("the same bytes got two answers")
    return first


def cut_is_told(
    answer: Callable[[bytes], Collection[Any]], data: bytes, found: Collection[Any], spare: int = 0
) -> None:
    """See that bytes in which nothing was found are not found sound as well when their end is missing.

    Args:
        answer: What is found in bytes.
        data: The bytes; where they are cut goes by their checksum.
        found: What was found in all of them.
        spare: Bytes at the end that may be missing.

    Raises:
        LawError: When nothing is found in either.
    """
    if found or len(data) < 2 + spare:
        return
    kept = 1 + zlib.crc32(data) % (len(data) - 1 - spare)
    if any(data[kept:]) and not answer(data[:kept]):  # zeros at the end pad some formats, and may be left out
        raise LawError("a cut is not told", f"nothing is found in {len(data)} bytes, nor in the first {kept}")
