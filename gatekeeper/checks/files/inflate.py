"""Unpacking under limits: every stream is cut off before it costs more than was allowed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from gatekeeper.checks.files.engines import UnpackError, engine_for
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.window import window
from gatekeeper.checks.files.zip_member import STORED, Member, ZipError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_CHUNK = 1 << 16
_STEP = 1 << 20
_UNPADDED = frozenset({Format.ZSTD, Format.LZ4, Format.ZLIB})
"""Formats in which nothing may stand between streams, not even zeros."""


class BombError(ValueError):
    """The stream grows beyond its limits; the message says which."""


def inflate(
    reader: BinaryIO, kind: Format | int, *, packed: int, most: int, limits: Limits, free: int | None = None,
    step: int = _STEP, disputed: list[str] | None = None,
) -> Iterator[bytes]:  # fmt: skip
    """Unpack one stream from the reader's position.

    Args:
        reader: Packed bytes.
        kind: A compressed `Format`, or a zip method number.
        packed: Bytes that the stream may take from the reader.
        most: Bytes of content to give at most.
        limits: `archive_ratio` above `archive_free_bytes` makes it a bomb.
        free: Bytes of content that are no bomb whatever they were packed into; `archive_free_bytes` unless told.
        step: Bytes of content to unpack at a time.
        disputed: Takes what readers differ about, which is an error without it; the content goes on as xz(1) reads it.

    Yields:
        Pieces of content.

    Raises:
        BombError: When the content passes `most` or the ratio.
        UnpackError: When the stream is broken, cut off or of an unknown kind.
    """
    if kind == STORED:
        yield from _copy(reader, packed, most)
        return
    free = limits.archive_free_bytes if free is None else free
    source = _Source(reader, packed)
    data = source.take()
    engine = engine_for(kind, data)
    given = streams = 0
    while True:
        try:
            piece = engine.feed(data, step)
        # Each library raises errors of its own kind, lz4 plain runtime errors.
        except Exception as error:
            raise UnpackError(f"the packed stream is broken: {printable(str(error), 200)}") from error
        if not data and not piece and not engine.eof:
            raise UnpackError("the packed stream is cut off")
        given += len(piece)
        if given > most:
            raise BombError(f"unpacks to more than {most} bytes")
        if given > free and given > limits.archive_ratio * max(source.taken, 1):
            raise BombError(f"unpacks to more than {limits.archive_ratio} times its size")
        yield piece
        if not engine.eof:
            data = source.take() if engine.hungry else b""
            continue
        data = source.next_stream(engine.rest, padded=kind not in _UNPADDED) if isinstance(kind, Format) else b""
        if not data:
            return
        if kind is Format.XZ and source.padding:
            # Python takes zeros between xz streams for the head of a stream of the older format, and goes on in it.
            reason = "zeros stand between two streams: readers differ in what follows them"
            if disputed is None:
                raise UnpackError(reason)
            disputed.append(reason)
        streams += 1
        if streams > limits.archive_members:
            raise BombError(f"holds more than {limits.archive_members} streams")
        engine = engine_for(kind, data)


class _Source:
    """Packed bytes, and how many of them were taken."""

    def __init__(self, reader: BinaryIO, packed: int) -> None:
        self._reader = reader
        self._packed = packed
        self.taken = 0
        self.padding = 0
        """Zeros before the stream that was given last."""

    def take(self) -> bytes:
        data = self._reader.read(min(_CHUNK, self._packed - self.taken))
        self.taken += len(data)
        return data

    def next_stream(self, rest: bytes, *, padded: bool) -> bytes:
        """Give the beginning of what follows a finished stream: readers join all of them.

        Zeros are padding where the format has any. Anything else must be a stream: bytes that some readers skip don't
        belong there.
        """
        self.padding = 0
        while True:
            data = rest.lstrip(b"\0") if padded else rest
            self.padding += len(rest) - len(data)
            if data:
                return data
            rest = self.take()
            if not rest:
                return b""


def _copy(reader: BinaryIO, length: int, most: int) -> Iterator[bytes]:
    if length > most:
        raise BombError(f"holds more than {most} bytes")
    while length:
        data = reader.read(min(_STEP, length))
        if not data:
            raise UnpackError("its bytes end too early")
        length -= len(data)
        yield data


def open_member(archive: BinaryIO, member: Member) -> BinaryIO:
    """Give the packed bytes of a zip member as a file.

    Raises:
        ZipError: When its local header can't be read.
    """
    if not member.data:
        raise ZipError("its local header is unreadable")
    return window(archive, member.data, member.compressed)


def unpack_member(
    archive: BinaryIO, member: Member, *, most: int, limits: Limits, free: int | None = None
) -> Iterator[bytes]:
    """Unpack a zip member, and hold it against the size and the checksum that the directory promises.

    Args:
        archive: The archive, seekable.
        member: Which.
        most: As for `inflate`.
        limits: As for `inflate`.
        free: As for `inflate`.

    Raises:
        ZipError: When its local header can't be read.
        UnpackError: As `inflate`, and when size or checksum differ.
        BombError: As `inflate`.
    """
    checksum = size = 0
    packed = open_member(archive, member)
    for piece in inflate(packed, member.method, packed=member.compressed, most=most, limits=limits, free=free):
        checksum = zlib.crc32(piece, checksum)
        size += len(piece)
        yield piece
    if size != member.size:
        raise UnpackError(f"it holds {size} bytes, the directory says {member.size}")
    if checksum != member.checksum:
        raise UnpackError("its checksum is not the one in the directory")


def member_head(archive: BinaryIO, member: Member, length: int, limits: Limits) -> bytes:
    """Unpack the first `length` bytes of a zip member.

    Raises:
        ZipError: When its local header can't be read.
        UnpackError: When it is broken before that or can't be opened.
    """
    head = bytearray()
    packed = open_member(archive, member)
    for piece in inflate(packed, member.method, packed=member.compressed, most=1 << 62, limits=limits, step=length):
        head += piece
        if len(head) >= length:
            break
    return bytes(head[:length])


__all__ = ["BombError", "UnpackError", "inflate", "member_head", "open_member", "unpack_member"]
