"""What opens one packed stream of each kind, behind one small interface."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from typing import Any, Protocol

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.zip_member import BZIP2, DEFLATED, LZMA, ZSTD

_LZMA_MEMORY = 256 * 2**20
"""Bytes of dictionary that an xz stream may ask for."""

_ZSTD_WINDOW = 27
"""Largest window of a zstd stream, as a power of two: what zstd's own tool accepts unless it is told otherwise."""

_SKIPPABLE = tuple(bytes([number]) + b"\x2a\x4d\x18" for number in range(0x50, 0x60))
"""How frames begin that carry no content (zstd and lz4 frame formats, "Skippable Frames")."""


class UnpackError(ValueError):
    """The stream is broken or cut off; the message says how."""


class UnknownMethodError(UnpackError):
    """The stream is packed in a way that can't be opened here."""


class Engine(Protocol):
    """One stream being unpacked."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""
        ...

    @property
    def hungry(self) -> bool:
        """Whether it can go on only with more packed bytes."""
        ...

    @property
    def rest(self) -> bytes:
        """What was read beyond its end."""
        ...

    def feed(self, data: bytes, most: int) -> bytes:
        """Give at most `most` bytes of content; errors are whatever the library raises."""
        ...


class _Zlib:
    def __init__(self, wbits: int) -> None:
        self._engine = zlib.decompressobj(wbits)

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def hungry(self) -> bool:
        return not self._engine.unconsumed_tail

    @property
    def rest(self) -> bytes:
        return self._engine.unused_data

    def feed(self, data: bytes, most: int) -> bytes:
        return self._engine.decompress(self._engine.unconsumed_tail + data, most)


class _Buffered:
    """bz2, lzma, zstd and lz4 hold their input themselves."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    @property
    def eof(self) -> bool:
        return bool(self._engine.eof)

    @property
    def hungry(self) -> bool:
        return bool(self._engine.needs_input)

    @property
    def rest(self) -> bytes:
        rest: bytes | None = self._engine.unused_data
        return rest or b""

    def feed(self, data: bytes, most: int) -> bytes:
        plain: bytes = self._engine.decompress(data, most)
        return plain


class _ZipLzma:
    """LZMA as zip archives hold it: a version, the properties with their size, a raw stream (APPNOTE 5.8)."""

    def __init__(self) -> None:
        self._head = b""
        self._engine: lzma.LZMADecompressor | None = None

    @property
    def eof(self) -> bool:
        return self._engine is not None and self._engine.eof

    @property
    def hungry(self) -> bool:
        return self._engine is None or self._engine.needs_input

    @property
    def rest(self) -> bytes:
        return self._engine.unused_data if self._engine else b""

    def feed(self, data: bytes, most: int) -> bytes:
        if self._engine is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            self._engine, data = self._begin(), self._head[9:]
        return self._engine.decompress(data, most)

    def _begin(self) -> lzma.LZMADecompressor:
        packed, dictionary = self._head[4], int.from_bytes(self._head[5:9], "little")
        if self._head[2:4] != b"\x05\x00" or packed >= 225 or dictionary > _LZMA_MEMORY:
            raise ValueError("its LZMA properties ask for what is not there")
        bits = {"lc": packed % 9, "lp": packed // 9 % 5, "pb": packed // 45, "dict_size": dictionary}
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, **bits}])


class _Skipped:
    """A frame without content: its length stands behind its mark."""

    def __init__(self) -> None:
        self._left = -1
        self._head = b""
        self.rest = b""
        self.eof = False
        self.hungry = True

    def feed(self, data: bytes, most: int) -> bytes:
        if self._left < 0:
            self._head += data
            if len(self._head) < 8:
                return b""
            self._left = int.from_bytes(self._head[4:8], "little")
            data = self._head[8:]
        self.rest = data[self._left :]
        self._left -= min(self._left, len(data))
        self.eof = not self._left
        return b""


def _zstd() -> Engine:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW}
    return _Buffered(zstd.ZstdDecompressor(options=options))


def _lz4() -> Engine:
    from lz4.frame import LZ4FrameDecompressor

    return _Buffered(LZ4FrameDecompressor())


def engine_for(kind: Format | int, data: bytes) -> Engine:
    """Give what opens a stream that begins with `data`."""
    if kind in (Format.ZSTD, Format.LZ4) and data.startswith(_SKIPPABLE):
        return _Skipped()
    return _engine(kind)


def _engine(kind: Format | int) -> Engine:
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
    if kind is Format.ZSTD or kind == ZSTD:
        return _zstd()
    if kind is Format.LZ4:
        return _lz4()
    if kind == LZMA:
        return _ZipLzma()
    name = kind.value if isinstance(kind, Format) else f"method {kind}"
    raise UnknownMethodError(f"packed with {name}, which can't be opened here")
