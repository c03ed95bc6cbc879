"""A bounded reader of zip directories, that sees what lenient readers disagree about.

Loaders differ in which of a zip file's two descriptions of a member they believe: the central directory at the end
or the header in front of the bytes. This reader believes the central directory, as Python's `zipfile` and
PyTorch's miniz do, ignores flags and checksums as miniz can, and notes every place where the two disagree.
Layout: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from gatekeeper.checks.files.zip_end import End, read_end
from gatekeeper.checks.files.zip_layout import check_layout, check_locals, check_names
from gatekeeper.checks.files.zip_member import STORED, Member, Oddity, ZipError, widen
from gatekeeper.limits import Limits

_CENTRAL = struct.Struct("<4s6H3L5H2L")
_UTF8 = 0x800
_UNICODE_PATH = 0x7075


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """What a zip file says it holds."""

    members: tuple[Member, ...]
    oddities: tuple[Oddity, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Member names in order of the directory."""
        return tuple(member.name for member in self.members)


def read_names(reader: BinaryIO, size: int, limits: Limits) -> tuple[str, ...]:
    """Read the members' names alone, without looking at the local headers.

    Raises:
        ZipError: As `read_directory`.
    """
    end = read_end(reader, size)
    return tuple(member.name for member in _read_central(reader, end, limits)[0])


def read_directory(reader: BinaryIO, size: int, limits: Limits) -> Directory:
    """Read the central directory and hold each local header against it.

    Args:
        reader: The archive, seekable.
        size: Its size in bytes.
        limits: `archive_members` and `header_bytes` bound the work.

    Raises:
        ZipError: When there is no usable end record or directory.
    """
    end = read_end(reader, size)
    members, oddities = _read_central(reader, end, limits)
    checked, local_oddities = check_locals(reader, size, members)
    layout = check_layout(reader, checked, end.position - end.size)
    return Directory(
        members=checked, oddities=(*end.oddities, *oddities, *local_oddities, *layout, *check_names(checked))
    )


def _read_central(reader: BinaryIO, end: End, limits: Limits) -> tuple[list[Member], list[Oddity]]:
    if end.count > limits.archive_members:
        raise ZipError(f"{end.count} members are more than archive_members allows")
    if end.size > limits.header_bytes:
        raise ZipError(f"a directory of {end.size} bytes is more than header_bytes allows")
    at = end.position - end.size
    shift = at - end.start
    if at < 0 or shift < 0:
        raise ZipError("the central directory lies outside the file")
    oddities = []
    if shift:
        oddities.append(Oddity(slug="zip-prefix", message=f"{shift} bytes stand before the archive", offset=0))
    reader.seek(at)
    data = reader.read(end.size)
    members: list[Member] = []
    position = 0
    while position + _CENTRAL.size <= len(data) and data[position : position + 4] == b"PK\x01\x02":
        member, position = _parse_central(data, position, shift)
        members.append(member)
        if len(members) > limits.archive_members:
            raise ZipError("more members than archive_members allows")
    if len(members) != end.count or position != len(data):
        raise ZipError(f"the directory holds {len(members)} readable entries, its end record says {end.count}")
    return members, oddities


def _parse_central(data: bytes, at: int, shift: int) -> tuple[Member, int]:
    fields = _CENTRAL.unpack_from(data, at)
    flags, method, checksum, compressed, size, name_length, extra_length, comment_length = *fields[3:5], *fields[7:13]
    external, header = fields[15:17]
    name_at = at + _CENTRAL.size
    raw = data[name_at : name_at + name_length]
    extra = data[name_at + name_length : name_at + name_length + extra_length]
    after = name_at + name_length + extra_length + comment_length
    if after > len(data):
        raise ZipError("an entry of the directory is cut off")
    size, compressed, header = widen(extra, size, compressed, header)
    name, alias = raw.decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape"), _unicode_path(extra)
    member = Member(
        name=name,
        alias="" if alias == name else alias,
        checksum=checksum,
        method=method,
        flags=flags,
        compressed=compressed,
        size=size,
        header=header + shift,
        data=0,
        mode=external >> 16,
    )
    return member, after


def _unicode_path(extra: bytes) -> str:
    """Give the name in Info-ZIP's extra field, which some readers prefer (APPNOTE 4.6.9)."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == _UNICODE_PATH and length > 5:
            return extra[at + 9 : at + 4 + length].decode("utf-8", "surrogateescape")
        at += 4 + length
    return ""


__all__ = ["STORED", "Directory", "Member", "Oddity", "ZipError", "read_directory", "read_names"]
