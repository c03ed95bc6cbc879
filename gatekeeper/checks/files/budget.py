"""What one file of the artifact may cost while its archives are walked, counted in work and not in time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.zip_member import BZIP2, LZMA, STORED
from gatekeeper.limits import MIB, Limits

_COST = {STORED: 0, LZMA: 4, Format.XZ: 4, BZIP2: 12, Format.BZIP2: 12}
"""Work of one unpacked byte, in units of deflate, lz4 and zstd; measured on one machine, the same on every one."""

_IN_MEMORY = 1 * MIB
"""Bytes of a member that is kept in memory; larger ones go to the work folder."""


class BudgetError(ValueError):
    """One file asked for more work than its limits allow; the message says which."""


class Budget:
    """Counts the work on one file of the artifact, however deep it goes.

    Args:
        limits: `archive_members`, `archive_opened`, `archive_scanned` and `unpack_bytes` bound the walk.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._members = 0
        self._opened = 0
        self._scanned = 0
        self._work = 0
        self._checked = 0
        self._templates = 0
        self.copied = 0
        """Bytes of copies that wait for the scanners, or that are being looked at."""

    @property
    def room(self) -> int:
        """Bytes that may still be copied."""
        return max(0, self._limits.scan_file_bytes - self.copied)

    def list(self, members: int) -> None:
        """Count members whose names are looked at.

        Raises:
            BudgetError: When all archives in the file have more than `archive_members`.
        """
        self._members += members
        if self._members > self._limits.archive_members:
            raise BudgetError("its archives have more members than archive_members allows")

    def open(self) -> None:
        """Count a member whose content is looked at.

        Raises:
            BudgetError: When that is more than `archive_opened`.
        """
        self._opened += 1
        if self._opened > self._limits.archive_opened:
            raise BudgetError("more members than archive_opened allows; the rest was not looked at")

    def scan(self) -> None:
        """Count a member that is copied for the scanners.

        Raises:
            BudgetError: When that is more than `archive_scanned`.
        """
        self._scanned += 1
        if self._scanned > self._limits.archive_scanned:
            raise BudgetError("more members for the scanners than archive_scanned allows; the rest was not looked at")

    def template(self) -> None:
        """Count a member that is a chat template.

        Raises:
            BudgetError: When there are more than `templates`.
        """
        self._templates += 1
        if self._templates > self._limits.templates:
            raise BudgetError("more chat templates than templates allows; the rest was not looked at")

    def may_check(self, length: int) -> bool:
        """Whether a checksum over `length` bytes that nobody else reads is still within `checksum_bytes`."""
        if self._checked + length > self._limits.checksum_bytes:
            return False
        self._checked += length
        return True

    def unpacked(self, stream: Iterator[bytes], kind: Format | int) -> Iterator[bytes]:
        """Give a stream on, counting its work.

        Raises:
            BudgetError: When all streams in the file cost more than `unpack_bytes`.
        """
        cost = _COST.get(kind, 1)
        for piece in stream:
            self._work += cost * len(piece)
            if self._work > self._limits.unpack_bytes:
                raise BudgetError("unpacking it costs more than unpack_bytes allows; the rest was not looked at")
            yield piece


class Spool:
    """Where a stream is unpacked to: memory while it is small, else a file of its own in the work folder.

    Args:
        place: Gives a path for the file, in a folder of its own, when one is needed.
        budget: Counts its bytes while it is there.

    Raises:
        BudgetError: On writing more than may be copied.
    """

    def __init__(self, place: Callable[[], Path], budget: Budget) -> None:
        self._place = place
        self._path: Path | None = None
        self._budget = budget
        self.reader: BinaryIO = io.BytesIO()
        self.size = 0

    def fill(self, stream: Iterator[bytes]) -> None:
        """Write a whole stream."""
        for piece in stream:
            if len(piece) > self._budget.room:
                raise BudgetError("it unpacks to more bytes than scan_file_bytes allows")
            self._budget.copied += len(piece)
            self.size += len(piece)
            if self.size > _IN_MEMORY and self._path is None:
                self._path = self._place()
                kept, self.reader = cast(io.BytesIO, self.reader), self._path.open("w+b")
                self.reader.write(kept.getvalue())
            self.reader.write(piece)
        self.reader.seek(0)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        """Remove it."""
        self.reader.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path.parent.rmdir()
        self._budget.copied -= self.size
