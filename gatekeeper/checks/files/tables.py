"""Whether tables (Parquet, Arrow, SQLite) are whole, told by what stands at their ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits

_MARKS = {b"PAR1": b"PAR1", b"ARRO": b"ARROW1"}
"""First four bytes → last bytes (Apache Parquet, "File Format"; Apache Arrow, "IPC File Format")."""

_SQLITE = b"SQLite format 3\x00"


def judge_table(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Look at the end of a table.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: Not used; a hundred bytes are read.
    """
    reader.seek(0)
    head = reader.read(100)
    mark = _MARKS.get(head[:4])
    if mark:
        reader.seek(max(0, size - len(mark)))
        if size < 2 * len(mark) or reader.read(len(mark)) != mark:
            yield Problem(slug="table-truncated", message="its last bytes are not there", offset=size)
    elif head.startswith(_SQLITE) and size < _sqlite_size(head):
        message = f"the file says that it has {_sqlite_size(head)} bytes, it has {size}"
        yield Problem(slug="table-truncated", message=message, offset=size)


def _sqlite_size(head: bytes) -> int:
    """Give the bytes of a database (https://www.sqlite.org/fileformat.html, 1.3); at least its header's hundred."""
    if len(head) < 100 or head[24:28] != head[92:96]:
        return 100  # written by a library of before 2010, which kept no count of pages
    page = int.from_bytes(head[16:18], "big")
    return (65_536 if page == 1 else page) * int.from_bytes(head[28:32], "big")
