"""A bounded reader of zip directories, that sees what lenient readers disagree about.

Loaders differ in which of a zip file's two descriptions of a member they believe: the central directory at the end
or the header in front of the bytes. This reader believes the central directory, as Python's `zipfile` and
PyTorch's miniz do, ignores flags and checksums as miniz can, and notes every place where the two disagree.
Layout: APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

from gatekeeper.limits import Limits
from gatekeeper.text import printable

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MOST_COMMENT = 0xFFFF
_ENCRYPTED = 0x1
_DESCRIPTOR = 0x8
_UTF8 = 0x800
STORED, DEFLATED, BZIP2, LZMA = 0, 8, 12, 14


class ZipError(ValueError):
    """No zip directory can be read, or a member has no bytes; the message says why, in printable words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One entry of the central directory."""

    name: str
    method: int
    """0 stored, 8 deflate, 12 bzip2, 14 LZMA; others can't be opened here."""

    flags: int
    compressed: int
    """Bytes in the archive, as declared."""

    size: int
    """Bytes when unpacked, as declared."""

    header: int
    """Offset of the local header in the file."""

    data: int
    """Offset of the first byte of content; 0 when the local header is unreadable."""

    mode: int
    """Unix mode from the external attributes; 0 when there is none."""

    @property
    def is_link(self) -> bool:
        """Whether unpacking would make a symbolic link."""
        return self.mode & 0o170000 == 0o120000

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """What a zip file says it holds."""

    members: tuple[Member, ...]
    oddities: tuple[Oddity, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Member names in order of the directory."""
        return tuple(member.name for member in self.members)


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    count: int
    size: int
    start: int
    """Offset of the central directory, as declared."""

    position: int
    """Offset of the first end record in the file."""

    oddities: tuple[Oddity, ...]


def has_end_record(reader: BinaryIO, size: int, *, exact: bool = False) -> bool:
    """Whether readers that look at the end of a file would take it for a zip archive.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        exact: Whether nothing may follow the archive.
    """
    try:
        end = _read_end(reader, size)
    except (ZipError, OSError, ValueError):
        return False
    start = end.position - end.size
    # Python's reader goes by the directory's bytes, whatever number of entries the record claims.
    if not end.size or start < 0 or (exact and any(oddity.slug == "zip-trailing" for oddity in end.oddities)):
        return False
    reader.seek(start)
    return reader.read(4) == b"PK\x01\x02"


def read_names(reader: BinaryIO, size: int, limits: Limits) -> tuple[str, ...]:
    """Read the members' names alone, without looking at the local headers.

    Raises:
        ZipError: As `read_directory`.
    """
    end = _read_end(reader, size)
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
    end = _read_end(reader, size)
    members, oddities = _read_central(reader, end, limits)
    checked, local_oddities = _check_locals(reader, size, members)
    return Directory(
        members=checked, oddities=(*end.oddities, *oddities, *local_oddities, *_overlaps(checked), *_twins(checked))
    )


def _read_end(reader: BinaryIO, size: int) -> _End:
    span = min(size, _END.size + _MOST_COMMENT)
    reader.seek(size - span)
    tail = reader.read(span)
    at = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size + 4))
    if at < 0:
        raise ZipError("no end-of-directory record: the archive is cut off")
    _, disk, first_disk, here, count, length, start, comment = _END.unpack_from(tail, at)
    position = size - span + at
    oddities = []
    if disk or first_disk or here != count:
        oddities.append(Oddity(slug="zip-ambiguous", message="the archive claims to span several disks"))
    if at + _END.size + comment != len(tail):
        oddities.append(
            Oddity(slug="zip-trailing", message="bytes follow the end of the archive", offset=position + _END.size)
        )
    if _other_end(tail, at):
        oddities.append(Oddity(slug="zip-ambiguous", message="the archive has two end records"))
    wide = _read_end64(reader, position)
    if wide:
        count, length, start, position = wide
    return _End(count=count, size=length, start=start, position=position, oddities=tuple(oddities))


def _other_end(tail: bytes, last: int) -> bool:
    """Whether an earlier end record takes the last one for its comment; readers would differ in which they use."""
    at = tail.find(b"PK\x05\x06")
    while 0 <= at < last:
        if at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail):
            return True
        at = tail.find(b"PK\x05\x06", at + 1)
    return False


def _read_end64(reader: BinaryIO, position: int) -> tuple[int, int, int, int] | None:
    if position < _LOCATOR64.size:
        return None
    reader.seek(position - _LOCATOR64.size)
    signature, _, _, _ = _LOCATOR64.unpack(reader.read(_LOCATOR64.size))
    if signature != b"PK\x06\x07":
        return None
    at = position - _LOCATOR64.size - _END64.size
    if at < 0:
        raise ZipError("the zip64 end record is cut off")
    reader.seek(at)
    signature, _, _, _, _, _, _, count, length, start = _END64.unpack(reader.read(_END64.size))
    if signature != b"PK\x06\x06":
        raise ZipError("the zip64 locator leads to no end record")
    return count, length, start, at


def _read_central(reader: BinaryIO, end: _End, limits: Limits) -> tuple[list[Member], list[Oddity]]:
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
    (_, _, _, flags, method, _, _, _, compressed, size, name_length, extra_length, comment_length, _, _, external,
     header) = _CENTRAL.unpack_from(data, at)  # fmt: skip
    name_at = at + _CENTRAL.size
    raw = data[name_at : name_at + name_length]
    extra = data[name_at + name_length : name_at + name_length + extra_length]
    after = name_at + name_length + extra_length + comment_length
    if after > len(data):
        raise ZipError("an entry of the directory is cut off")
    size, compressed, header = _widen(extra, size, compressed, header)
    member = Member(
        name=raw.decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape"),
        method=method,
        flags=flags,
        compressed=compressed,
        size=size,
        header=header + shift,
        data=0,
        mode=external >> 16,
    )
    return member, after


def _widen(extra: bytes, size: int, compressed: int, header: int) -> tuple[int, int, int]:
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


def _check_locals(reader: BinaryIO, size: int, members: list[Member]) -> tuple[tuple[Member, ...], list[Oddity]]:
    checked: list[Member] = []
    oddities: list[Oddity] = []
    for member in members:
        located, problem = _check_local(reader, size, member)
        checked.append(located)
        if problem:
            oddities.append(Oddity(slug="zip-header", message=problem, member=member.name, offset=member.header))
    first = min((member.header for member in members), default=0)
    if first > 0 and members:
        oddities.append(Oddity(slug="zip-prefix", message=f"{first} bytes stand before the first member", offset=0))
    return tuple(checked), oddities


def _check_local(reader: BinaryIO, size: int, member: Member) -> tuple[Member, str]:
    if member.header + _LOCAL.size > size:
        return member, "its local header lies outside the file"
    reader.seek(member.header)
    fields = _LOCAL.unpack(reader.read(_LOCAL.size))
    signature, _, flags, method, _, _, _, compressed, plain, name_length, extra_length = fields
    if signature != b"PK\x03\x04":
        return member, "there is no local header where the directory points"
    name = reader.read(name_length).decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape")
    data = member.header + _LOCAL.size + name_length + extra_length
    located = replace(member, data=data)
    if data + member.compressed > size:
        return located, "its bytes end after the file does"
    if name != member.name:
        return located, f"its local header calls it {printable(name, 80)!r}"
    if method != member.method or (flags ^ member.flags) & _ENCRYPTED:
        return located, "its local header and the directory disagree about how it is packed"
    deferred = flags & _DESCRIPTOR or 0xFFFFFFFF in (compressed, plain)
    if not deferred and (compressed, plain) != (member.compressed, member.size):
        return located, "its local header and the directory disagree about its size"
    return located, ""


def _overlaps(members: tuple[Member, ...]) -> list[Oddity]:
    """Find members that share bytes: how one small file unpacks to petabytes without nesting."""
    end = 0
    for member in sorted((member for member in members if member.data), key=lambda member: member.header):
        if member.header < end:
            return [Oddity(slug="zip-overlap", message="members share the same bytes", member=member.name)]
        end = member.data + member.compressed
    return []


def _twins(members: tuple[Member, ...]) -> list[Oddity]:
    seen: set[str] = set()
    for member in members:
        if member.name in seen:
            message = "two members have the same name; loaders differ in which they read"
            return [Oddity(slug="zip-duplicate", message=message, member=member.name)]
        seen.add(member.name)
    return []
