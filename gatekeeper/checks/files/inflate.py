"""Unpacking under limits: every stream is cut off before it costs more than was allowed."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.window import window
from gatekeeper.checks.files.zip_directory import BZIP2, DEFLATED, LZMA, STORED, Member, ZipError
from gatekeeper.limits import Limits

_CHUNK = 1 << 16
_STEP = 1 << 20
_LZMA_MEMORY = 256 * 2**20
"""Bytes of dictionary that an xz stream may ask for."""


class BombError(ValueError):
    """The stream grows beyond its limits; the message says which."""


class UnpackError(ValueError):
    """The stream is broken, cut off or packed in a way that can't be opened here."""


class _Engine(Protocol):
    eof: bool

    @property
    def rest(self) -> bytes: ...

    def feed(self, data: bytes) -> bytes: ...


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._engine = zlib.decompressobj(wbits)
        self.eof = False

    @property
    def rest(self) -> bytes:
        return self._engine.unused_data

    def feed(self, data: bytes) -> bytes:
        plain = self._engine.decompress(self._engine.unconsumed_tail + data, _STEP)
        self.eof = self._engine.eof
        return plain


class _Buffered:
    """bz2 and lzma hold their input themselves."""

    def __init__(self, engine: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._engine = engine
        self.eof = False

    @property
    def rest(self) -> bytes:
        return self._engine.unused_data

    def feed(self, data: bytes) -> bytes:
        plain = self._engine.decompress(data, _STEP)
        self.eof = self._engine.eof
        return plain


def _engine(kind: Format | int) -> _Engine:
    if kind == DEFLATED:
        return _Zlib(-15)
    if kind is Format.GZIP:
        return _Zlib(31)
    if kind is Format.ZLIB:
        return _Zlib(15)
    if kind in (BZIP2, Format.BZIP2):
        return _Buffered(bz2.BZ2Decompressor())
    if kind is Format.XZ:
        return _Buffered(lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=_LZMA_MEMORY))
    name = {LZMA: "LZMA in zip"}.get(kind, str(kind)) if isinstance(kind, int) else kind.value
    raise UnpackError(f"packed with {name}, which can't be opened here")


def inflate(reader: BinaryIO, kind: Format | int, *, packed: int, most: int, limits: Limits) -> Iterator[bytes]:
    """Unpack one stream from the reader's position.

    Args:
        reader: Packed bytes.
        kind: A compressed `Format`, or a zip method number.
        packed: Bytes that the stream may take from the reader.
        most: Bytes of content to give at most.
        limits: `archive_ratio` above `archive_free_bytes` makes it a bomb.

    Yields:
        Pieces of content.

    Raises:
        BombError: When the content passes `most` or the ratio.
        UnpackError: When the stream is broken, cut off or of an unknown kind.
    """
    if kind == STORED:
        yield from _copy(reader, packed, most)
        return
    source = _Source(reader, packed)
    engine = _engine(kind)
    given = streams = 0
    data = source.take()
    while True:
        try:
            piece = engine.feed(data)
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError, MemoryError) as error:
            raise UnpackError(f"the packed stream is broken: {error}") from error
        if not data and not piece and not engine.eof:
            raise UnpackError("the packed stream is cut off")
        given += len(piece)
        if given > most:
            raise BombError(f"unpacks to more than {most} bytes")
        if given > limits.archive_free_bytes and given > limits.archive_ratio * max(source.taken, 1):
            raise BombError(f"unpacks to more than {limits.archive_ratio} times its size")
        yield piece
        if not engine.eof:
            data = source.take()
            continue
        data = source.next_stream(engine.rest) if isinstance(kind, Format) else b""
        if not data:
            return
        streams += 1
        if streams > limits.archive_members:
            raise BombError(f"holds more than {limits.archive_members} streams")
        engine = _engine(kind)


class _Source:
    """Packed bytes, and how many of them were taken."""

    def __init__(self, reader: BinaryIO, packed: int) -> None:
        self._reader = reader
        self._packed = packed
        self.taken = 0

    def take(self) -> bytes:
        data = self._reader.read(min(_CHUNK, self._packed - self.taken))
        self.taken += len(data)
        return data

    def next_stream(self, rest: bytes) -> bytes:
        """Give the beginning of what follows a finished stream: readers of gzip, bzip2 and xz join all of them.

        Zeros are padding. Anything else must be a stream: bytes that some readers skip don't belong there.
        """
        data = rest.lstrip(b"\0")
        while not data and (more := self.take()):
            data = more.lstrip(b"\0")
        return data


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


def member_head(archive: BinaryIO, member: Member, length: int, limits: Limits) -> bytes:
    """Unpack the first `length` bytes of a zip member.

    Raises:
        ZipError: When its local header can't be read.
        UnpackError: When it is broken before that or can't be opened.
    """
    head = b""
    stream = inflate(open_member(archive, member), member.method, packed=member.compressed, most=1 << 62, limits=limits)
    for piece in stream:
        head += piece
        if len(head) >= length:
            break
    return head[:length]
