"""The end records of zip archives: where the directory is, and whether readers would agree about that.

Layout: APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from gatekeeper.checks.files.zip_member import Oddity, ZipError

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_MOST_COMMENT = 0xFFFF


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """What the end records say."""

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
        end = read_end(reader, size)
    except (ZipError, OSError, ValueError):
        return False
    start = end.position - end.size
    # Python's reader goes by the directory's bytes, whatever number of entries the record claims.
    if not end.size or start < 0 or (exact and any(oddity.slug == "zip-trailing" for oddity in end.oddities)):
        return False
    reader.seek(start)
    return reader.read(4) == b"PK\x01\x02"


def read_end(reader: BinaryIO, size: int) -> End:
    """Read the end record, and the zip64 one before it.

    Raises:
        ZipError: When there is none.
    """
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
        pairs = zip((count, length, start), wide.values, (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF), strict=True)
        if any(narrow not in (value, most) for narrow, value, most in pairs) or not wide.sound:
            oddities.append(Oddity(slug="zip-ambiguous", message="its two end records tell different things"))
        (count, length, start), position = wide.values, wide.position
    return End(count=count, size=length, start=start, position=position, oddities=tuple(oddities))


def _other_end(tail: bytes, last: int) -> bool:
    """Whether an earlier end record takes the last one for its comment; readers would differ in which they use."""
    at = tail.find(b"PK\x05\x06")
    while 0 <= at < last:
        if at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail):
            return True
        at = tail.find(b"PK\x05\x06", at + 1)
    return False


@dataclass(frozen=True, kw_only=True, slots=True)
class _End64:
    values: tuple[int, int, int]
    """Number of members, bytes of the directory, its offset."""

    position: int
    sound: bool
    """Whether locator and record agree with each other and claim one disk."""


def _read_end64(reader: BinaryIO, position: int) -> _End64 | None:
    if position < _LOCATOR64.size:
        return None
    reader.seek(position - _LOCATOR64.size)
    signature, disk, offset, disks = _LOCATOR64.unpack(reader.read(_LOCATOR64.size))
    if signature != b"PK\x06\x07":
        return None
    at = position - _LOCATOR64.size - _END64.size
    if at < 0:
        raise ZipError("the zip64 end record is cut off")
    reader.seek(at)
    signature, own, _, _, number, first, here, count, length, start = _END64.unpack(reader.read(_END64.size))
    if signature != b"PK\x06\x06":
        raise ZipError("the zip64 locator leads to no end record")
    prefix = at - length - start  # bytes before the archive move everything
    sound = (disk, number, first, own) == (0, 0, 0, _END64.size - 12) and disks <= 1 and here == count
    return _End64(values=(count, length, start), position=at, sound=sound and offset + prefix == at)
