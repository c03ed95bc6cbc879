"""What runs in a confined child: py7zr over one 7z archive, its members written under numbers.

The parent checks the request's limits again by what it finds; nothing here is believed but the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from py7zr import SevenZipFile
from py7zr.exceptions import PasswordRequired, UnsupportedCompressionMethodError
from py7zr.io import Py7zIO, WriterFactory


class _Full(Exception):  # noqa: N818 - not an error of the archive's
    """More was unpacked than was allowed."""


class _Numbered(Py7zIO):
    """One member on its way to a file."""

    def __init__(self, path: Path, owner: _Files) -> None:
        self._out = path.open("w+b")
        self._owner = owner

    def write(self, s: bytes | bytearray) -> int:
        """Write, as long as there is room."""
        self._owner.left -= len(s)
        if self._owner.left < 0:
            raise _Full
        return self._out.write(s)

    def read(self, size: int | None = None) -> bytes:
        """Read back, which py7zr does for checksums."""
        return self._out.read(-1 if size is None else size)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move in the file."""
        return self._out.seek(offset, whence)

    def flush(self) -> None:
        """Write what is buffered."""
        self._out.flush()

    def size(self) -> int:
        """Give the bytes written."""
        return self._out.tell()

    def close(self) -> None:
        """Finish the file."""
        self._out.close()


class _Files(WriterFactory):
    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._open: list[_Numbered] = []
        self.left = most
        self.made: list[str] = []

    def create(self, filename: str) -> Py7zIO:
        """Open the next file; the member's name is only noted."""
        self.made.append(filename)
        self._open.append(_Numbered(self._folder / str(len(self.made) - 1), self))
        return self._open[-1]

    def close(self) -> None:
        """Finish every file, so that what came before a break is there to be looked at."""
        for numbered in self._open:
            numbered.close()


def unpack(request: bytes, answer: Callable[[bytes], None]) -> None:
    """List and unpack one archive.

    Args:
        request: JSON with `archive` and `folder` (paths), `names` (whether only to list), `members` and `bytes`
            (limits) and `skip` (names that are not to be unpacked).
        answer: Is given one JSON document.
    """
    wanted: dict[str, Any] = json.loads(request)
    try:
        found = _unpack(wanted)
    except PasswordRequired:
        found = {"error": "it is encrypted", "kind": "gap"}
    except UnsupportedCompressionMethodError:
        found = {"error": "it is packed in a way that can't be opened here", "kind": "gap"}
    except _Full:
        found = {"error": "it unpacks to more than it says", "kind": "bomb"}
    # What a broken archive makes py7zr and the libraries below it raise is of many kinds.
    except Exception as error:
        found = {"error": f"can't be unpacked: {type(error).__name__}", "kind": "broken"}
    answer(json.dumps(found).encode("ascii"))


def _unpack(wanted: dict[str, Any]) -> dict[str, Any]:
    with Path(wanted["archive"]).open("rb") as stream, SevenZipFile(stream) as archive:
        if len(archive.files) > wanted["members"]:
            return {"error": "more members than archive_members allows", "kind": "gap"}
        if archive.needs_password():
            raise PasswordRequired
        listed = archive.list()
        if wanted["names"]:
            return {"members": [_entry(member) for member in listed]}
        skip = set(wanted["skip"])
        names = [member.filename for member in listed if member.is_file and member.filename not in skip]
        files = _Files(Path(wanted["folder"]), wanted["bytes"])
        try:
            if names:
                archive.extract(targets=names, factory=files)
        finally:
            files.close()
        return {"files": files.made}


def _entry(member: Any) -> dict[str, Any]:
    kind = "folder" if member.is_directory else "link" if member.is_symlink else "file" if member.is_file else "special"
    return {"name": member.filename, "size": int(member.uncompressed or 0), "kind": kind}
