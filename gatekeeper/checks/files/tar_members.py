"""Members of a tar archive, under limits: names, links and where their bytes lie; nothing is unpacked to disk."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from gatekeeper.limits import MIB, Limits

_MOST_READ = 1 * MIB
"""Bytes that one header extension (a pax record, a long name) may have."""


class TarError(ValueError):
    """The archive can't be walked to its end; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TarMember:
    """One member of a tar archive."""

    name: str
    link: str
    """Where a symbolic or hard link leads; empty for others."""

    is_file: bool
    is_special: bool
    """A device or a pipe."""

    start: int
    """Offset of its bytes."""

    size: int
    """Bytes."""


class _Bounded:
    """Keeps tarfile from reading a hostile header extension into memory."""

    def __init__(self, reader: BinaryIO) -> None:
        self._reader = reader

    def read(self, length: int = -1) -> bytes:
        if not 0 <= length <= _MOST_READ:
            raise TarError(f"a header extension of {length} bytes is too long")
        return self._reader.read(length)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()


def tar_members(reader: BinaryIO, limits: Limits) -> Iterator[TarMember]:
    """Walk an uncompressed tar archive.

    Args:
        reader: The archive, seekable.
        limits: `archive_members` bounds the walk.

    Raises:
        TarError: When the archive is broken, cut off or has too many members.
    """
    reader.seek(0)
    size = reader.seek(0, 2)
    reader.seek(0)
    try:
        with tarfile.open(fileobj=cast(IO[bytes], _Bounded(reader)), mode="r:") as archive:
            for count, member in enumerate(archive):
                if count >= limits.archive_members:
                    raise TarError("more members than archive_members allows")
                if member.isreg() and member.offset_data + member.size > size:
                    raise TarError("the archive is cut off within a member")
                archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep every header it has seen
                yield TarMember(
                    name=member.name,
                    link=member.linkname if member.issym() or member.islnk() else "",
                    is_file=member.isreg(),
                    is_special=member.isdev(),
                    start=member.offset_data,
                    size=member.size,
                )
    except (tarfile.TarError, OSError, EOFError, OverflowError, UnicodeError, RecursionError) as error:
        raise TarError(f"the archive is broken: {type(error).__name__}") from error
