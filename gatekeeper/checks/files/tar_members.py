"""Members of a tar archive, read strictly: names, links and where their bytes lie; nothing is unpacked to disk.

Formats: POSIX.1-1988 (ustar), POSIX.1-2001 (pax) and GNU tar's long names (GNU tar manual, "Basic Tar Format").
Lenient readers skip what they can't read and go on at the next header that they like, each in its own way; here
everything between the first byte and the last must be accounted for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gatekeeper.checks.files.budget import BudgetError
from gatekeeper.limits import KIB, MIB, Limits

_BLOCK = 512
_MOST_EXTENSION = 64 * KIB
"""Bytes that one header extension (a pax record, a long name) may have."""

_MOST_EXTENSIONS = 8
"""Extensions in a row before one member; honest writers put two."""

_MOST_PADDING = 1 * MIB
"""Zeros after the end of an archive; writers fill up to a tape record, ten kibibytes unless told otherwise."""

_OCTAL_END = 8**11
"""First size that the octal field can't hold, so that only an extension can."""

_FILES = frozenset({b"0", b"\0", b"7"})
_LINKS = frozenset({b"1", b"2"})
_SPECIAL = frozenset({b"3", b"4", b"6"})
_FOLDERS = frozenset({b"5", b"D"})
_GLOBAL_REFUSED = frozenset({"path", "linkpath", "size"})


class TarError(ValueError):
    """The archive can't be walked to its end; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TarMember:
    """One member of a tar archive."""

    name: str
    alias: str
    """Another name that some reader would give it; empty when all agree."""

    link: str
    """Where a symbolic or hard link leads; empty for others."""

    kind: bytes
    """The header's type flag."""

    mode: int
    is_sparse: bool
    """Whether its bytes are only those that are not zero, so that they are not looked at."""

    start: int
    """Offset of its bytes."""

    size: int
    """Bytes."""

    @property
    def is_folder(self) -> bool:
        """Whether it stands for a folder."""
        return self.kind in _FOLDERS or (self.kind in _FILES and self.name.endswith("/"))

    @property
    def is_special(self) -> bool:
        """Whether it is a device or a pipe."""
        return self.kind in _SPECIAL

    @property
    def is_file(self) -> bool:
        """Whether it has content; readers take every type that they don't know for a file."""
        return not (self.is_folder or self.is_special or self.kind in _LINKS)

    @property
    def is_privileged(self) -> bool:
        """Whether it would be a program that runs with its owner's or group's rights."""
        return self.is_file and bool(self.mode & 0o6000)


@dataclass(kw_only=True, slots=True)
class _Extension:
    """What header extensions say of the member after them."""

    path: str | None = None
    link: str | None = None
    size: int | None = None
    sparse: bool = False
    count: int = 0


_EXTENSIONS = frozenset({b"x", b"X", b"g", b"L", b"K"})
"""Headers that say something of the members after them: those of pax (`X` is how Solaris wrote them) and of GNU."""


def tar_members(reader: BinaryIO, limits: Limits) -> Iterator[TarMember]:
    """Walk an uncompressed tar archive.

    Args:
        reader: The archive, seekable.
        limits: `archive_members` bounds the walk.

    Raises:
        TarError: When the archive is broken, cut off or has bytes that no reader agrees about.
        BudgetError: When it has more members than that.
    """
    end = reader.seek(0, 2)
    at = count = 0
    extension = _Extension()
    while True:
        header = _read(reader, at, _BLOCK, end)
        if not any(header):
            if extension.count:
                raise TarError("a header extension has no member")
            _judge_end(reader, at + _BLOCK, end)
            return
        kind, size, start = header[156:157], _header_size(header), at + _BLOCK
        if kind in _EXTENSIONS:
            at = _extend(extension, kind, reader, start, size, end)
            continue
        member, at = _member(reader, header, extension, start, end)
        extension = _Extension()
        count += 1
        if count > limits.archive_members:
            raise BudgetError("more members than archive_members allows")
        yield member


def _read(reader: BinaryIO, at: int, length: int, end: int) -> bytes:
    if at + length > end:
        raise TarError("the archive is cut off")
    reader.seek(at)
    data = reader.read(length)
    if len(data) != length:
        raise TarError("the archive is cut off")
    return data


def _header_size(header: bytes) -> int:
    stored = _number(header[148:156])
    blanked = header[:148] + b" " * 8 + header[156:]
    signed = sum(byte - 256 if byte > 127 else byte for byte in blanked)
    if stored not in (sum(blanked), signed):
        raise TarError("the archive is broken: there is no member where one should begin")
    return _number(header[124:136])


def _number(data: bytes) -> int:
    """Read a number: octal text, or binary when its first bit is set (GNU and POSIX.1-2001)."""
    if data[0] & 0x80:
        if data[0] & 0x40:
            raise TarError("a member has a negative size")
        return int.from_bytes(bytes([data[0] & 0x3F]) + data[1:], "big")
    text = data.split(b"\0", 1)[0].strip(b" ")
    if text.strip(b"01234567"):
        raise TarError("the archive is broken: a number is none")
    return int(text or b"0", 8)


def _extend(extension: _Extension, kind: bytes, reader: BinaryIO, start: int, size: int, end: int) -> int:
    extension.count += 1
    if size > _MOST_EXTENSION or extension.count > _MOST_EXTENSIONS:
        raise TarError(f"a header extension of {size} bytes is too long")
    data = _read(reader, start, size, end)
    if kind == b"L":
        extension.path = _text(data)
    elif kind == b"K":
        extension.link = _text(data)
    elif kind == b"g":
        if _GLOBAL_REFUSED & set(_records(data)):
            raise TarError("an extension renames or resizes every member")
    else:
        _apply(extension, _records(data))
    return start + _padded(size)


def _apply(extension: _Extension, records: dict[str, str]) -> None:
    extension.path = records.get("path", extension.path)
    extension.link = records.get("linkpath", extension.link)
    extension.sparse = extension.sparse or any(key.startswith("GNU.sparse.") for key in records)
    if "size" in records:
        if not (records["size"].isascii() and records["size"].isdecimal() and len(records["size"]) < 20):
            raise TarError("an extension gives a size that is none")
        extension.size = int(records["size"])


def _records(data: bytes) -> dict[str, str]:
    """Read pax records: length, blank, key, equals sign, value, newline (POSIX.1-2001, pax, "Extended Header")."""
    records: dict[str, str] = {}
    at = 0
    while at < len(data):
        blank = data.find(b" ", at, at + 12)
        digits = data[at:blank] if blank > 0 else b""
        length = int(digits) if digits.isdigit() else 0
        record = data[blank + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if at + length > len(data) or not equals or not value.endswith(b"\n"):
            raise TarError("a header extension is broken")
        if _decoded(key) in records:
            raise TarError("a header extension says the same thing twice")
        records[_decoded(key)] = _decoded(value[:-1])
        at += length
    return records


def _member(
    reader: BinaryIO, header: bytes, extension: _Extension, start: int, end: int
) -> tuple[TarMember, int]:  # fmt: skip
    kind, size = header[156:157], _header_size(header)
    if extension.size is not None:
        # An honest writer puts the size into an extension when the header has no room for it, and then alone.
        if extension.size != size and extension.size < _OCTAL_END:
            raise TarError("a header and its extension give different sizes")
        size = extension.size
    name, prefixed = _names(header)
    data = start
    if kind == b"S":
        data = _skip_sparse_map(reader, header, start, end)
    member = TarMember(
        name=name if extension.path is None else extension.path,
        alias=prefixed if extension.path is None else name,
        link=(_text(header[157:257]) if extension.link is None else extension.link) if kind in _LINKS else "",
        kind=kind,
        mode=_number(header[100:108]),
        is_sparse=kind == b"S" or extension.sparse,
        start=data,
        size=size,
    )
    if size and not member.is_file and kind != b"D":
        # Hard links of pax archives may carry content; no reader that models meet writes them.
        raise TarError("a link, folder or device has content, which readers step over or don't")
    if data + size > end:
        raise TarError("the archive is cut off within a member")
    return member, data + _padded(size)


def _skip_sparse_map(reader: BinaryIO, header: bytes, start: int, end: int) -> int:
    more = header[482]
    while more:
        more = _read(reader, start, _BLOCK, end)[504]
        start += _BLOCK
    return start


def _names(header: bytes) -> tuple[str, str]:
    """Give a member's name, and the one that Python gives it when that is another.

    The field for a prefix is one in POSIX's own form alone; Python's `tarfile` reads it in every form.
    """
    name, prefix = _text(header[:100]), _text(header[345:500])
    prefixed = f"{prefix}/{name}" if prefix else name
    if header[257:263] == b"ustar\0":
        return prefixed, ""
    return name, prefixed if prefix else ""


def _judge_end(reader: BinaryIO, at: int, end: int) -> None:
    """See that the archive ends with a second block of zeros, and nothing else comes after (POSIX ustar)."""
    if any(_read(reader, at, _BLOCK, end)):
        raise TarError("a block of zeros stands within the archive: readers differ in whether it ends there")
    if end - at > _MOST_PADDING or any(_read(reader, at, end - at, end)):
        raise TarError("bytes follow the end of the archive")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _text(data: bytes) -> str:
    return _decoded(data.split(b"\0", 1)[0])


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
