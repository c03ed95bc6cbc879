"""What a zip archive says of one member, and places where its readers would disagree."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_ENCRYPTED = 0x1
STORED, DEFLATED, BZIP2, LZMA, ZSTD = 0, 8, 12, 14, 93
"""Methods of packing (APPNOTE 4.4.5)."""


class ZipError(ValueError):
    """No zip directory can be read, or a member has no bytes; the message says why, in printable words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One entry of the central directory."""

    name: str
    method: int
    """0 stored, 8 deflate, 12 bzip2, 14 LZMA, 93 zstd; others can't be opened here."""

    flags: int
    compressed: int
    """Bytes in the archive, as declared."""

    size: int
    """Bytes when unpacked, as declared."""

    checksum: int
    """CRC-32 of the content, as declared."""

    header: int
    """Offset of the local header in the file."""

    data: int
    """Offset of the first byte of content; 0 when the local header is unreadable."""

    mode: int
    """Unix mode from the external attributes; 0 when there is none."""

    alias: str = ""
    """The second name that Info-ZIP's extra field gives it; empty when there is none or it is the same."""

    @property
    def is_link(self) -> bool:
        """Whether unpacking would make a symbolic link."""
        return self.mode & 0o170000 == 0o120000

    @property
    def is_privileged(self) -> bool:
        """Whether it would be a program that runs with its owner's or group's rights."""
        return self.mode & 0o170000 in (0, 0o100000) and bool(self.mode & 0o6000)

    @property
    def is_folder(self) -> bool:
        """Whether it stands for a folder."""
        return self.name.endswith("/")

    @property
    def encrypted(self) -> bool:
        """Whether the central directory calls it encrypted."""
        return bool(self.flags & _ENCRYPTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Oddity:
    """A place where readers of this archive would disagree."""

    slug: str
    """Which rule of `files/structure` it belongs to."""

    message: str
    member: str = ""
    offset: int | None = None


def widen(extra: bytes, size: int, compressed: int, header: int) -> tuple[int, int, int]:
    """Replace fields that overflow 32 bits by those of the zip64 extra field (APPNOTE 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            values = list(struct.unpack_from(f"<{min(length, 24) // 8}Q", extra[at + 4 : at + 4 + length].ljust(24)))
            wide = [values.pop(0) if field == 0xFFFFFFFF and values else field for field in (size, compressed, header)]
            return wide[0], wide[1], wide[2]
        at += 4 + length
    return size, compressed, header
