"""What is inside 7z archives: unpacked by py7zr in a confined child, under numbers, after its promises were checked."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from gatekeeper.checks.files.engines import UnpackError
from gatekeeper.checks.files.feed import Output, Refusal, RefusalKind
from gatekeeper.checks.files.inflate import BombError
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.walk import Item, Walk, collisions, name_trouble, too_deep
from gatekeeper.limits import MIB, Limits
from gatekeeper.text import printable

_MAGIC = b"7z\xbc\xaf\x27\x1c"
_START = 32
_ENTRY = "gatekeeper.checks.files.seven_zip_child:unpack"
_LONGEST_NAME = 32_768
_KINDS = {"gap": RefusalKind.GAP, "broken": RefusalKind.BROKEN, "bomb": RefusalKind.BOMB}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Member:
    name: str
    size: int
    kind: str
    """`file`, `folder`, `link` or `special`."""


def judge_7z(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Hold the start header of a 7z archive against its size (7zFormat.txt, "Signature Header").

    Args:
        reader: The archive, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: Not used; 32 bytes and the header's checksum are read.
    """
    reader.seek(0)
    start = reader.read(_START)
    if len(start) < _START or not start.startswith(_MAGIC):
        yield Problem(slug="7z-truncated", message="the archive is cut off within its first header", offset=0)
        return
    if zlib.crc32(start[12:]) != int.from_bytes(start[8:12], "little"):
        yield Problem(slug="7z-header", message="the checksum of the first header is wrong", offset=8)
        return
    at, length = (int.from_bytes(start[offset : offset + 8], "little") for offset in (12, 20))
    end = _START + at + length
    if end > size:
        yield Problem(slug="7z-truncated", message=f"the archive says it has {end} bytes, it has {size}", offset=size)
    elif end < size:
        yield Problem(slug="7z-trailing", message=f"{size - end} bytes follow the archive", offset=end)


def seven_zip_contents(item: Item, walk: Walk) -> Iterator[Output]:
    """Give what the members of a 7z archive hold.

    Raises:
        UnpackError: When it can't be unpacked.
        BombError: When it unpacks to far more than it takes.
        BudgetError: When the walk has cost all that it may.
    """
    deep = list(too_deep(item, walk.limits))
    yield from deep
    if deep:
        return
    if item.size > walk.budget.room:
        yield Refusal(path=item.shown, reason=f"{item.size} bytes are more than scan_file_bytes allows")
        return
    archive = walk.new("archive.7z")
    folder = walk.new("members")
    folder.mkdir()
    try:
        _copy(item, archive)
        yield from _contents(item, walk, _Job(walk=walk, archive=archive, folder=folder))
    finally:
        archive.unlink(missing_ok=True)
        for path in folder.iterdir():
            path.unlink()


def _contents(item: Item, walk: Walk, job: _Job) -> Iterator[Output]:
    listed = job.run(names=True)
    if isinstance(listed, Refusal):
        yield replace(listed, path=item.shown)
        return
    members = _members(listed)
    walk.budget.list(len(members))
    escaping: list[str] = []
    for member in members:
        shown = f"{item.shown}!{member.name}"
        troubles = list(name_trouble(shown, member.name))
        yield from troubles
        escaping += [member.name for _ in troubles]
        if member.kind == "link":
            yield Refusal(path=shown, reason="a link", kind=RefusalKind.LINK)
        elif member.kind == "special":
            yield Refusal(path=shown, reason="a device or a pipe", kind=RefusalKind.SPECIAL)
    yield from collisions(item.shown, [member.name for member in members if member.kind != "folder"])
    _refuse_bomb(item, members, walk.limits)
    made = job.run(names=False, skip=escaping)
    if isinstance(made, Refusal):
        yield replace(made, path=item.shown)
    # What was written before something broke is looked at all the same.
    names = _names(made, members, escaping)
    yield from _files(item, walk, job.folder, names)


def _refuse_bomb(item: Item, members: list[_Member], limits: Limits) -> None:
    total = sum(member.size for member in members)
    if total > limits.archive_free_bytes and total > limits.archive_ratio * item.size:
        raise BombError(f"unpacks from {item.size} to {total} bytes")
    if total > limits.scan_file_bytes:
        raise UnpackError(f"{total} bytes are more than scan_file_bytes allows")


def _files(item: Item, walk: Walk, folder: Path, names: list[str]) -> Iterator[Output]:
    made = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
    for path in sorted(made, key=lambda path: int(path.name)):
        number = int(path.name)
        name = names[number] if number < len(names) else path.name
        walk.budget.open()
        with path.open("rb") as reader:
            size = path.stat().st_size
            inner = walk.inner(item, f"{item.shown}!{name}", PurePosixPath(name), reader, size)
            yield from walk.descend(inner)


def _copy(item: Item, archive: Path) -> None:
    item.reader.seek(0)
    left = item.size
    with archive.open("wb") as out:
        while left and (data := item.reader.read(min(left, MIB))):
            out.write(data)
            left -= len(data)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """One archive and the child that reads it."""

    walk: Walk
    archive: Path
    folder: Path

    def run(self, *, names: bool, skip: list[str] | None = None) -> dict[str, Any] | Refusal:
        """Have it listed or unpacked."""
        from gatekeeper.confined import Bounds

        limits = self.walk.limits
        request = {
            "archive": str(self.archive),
            "folder": str(self.folder),
            "names": names,
            "members": limits.archive_members,
            "bytes": limits.scan_file_bytes,
            "skip": skip or [],
        }
        bounds = Bounds(
            cpu_seconds=limits.child_cpu_seconds,
            wall_seconds=limits.child_wall_seconds,
            memory_bytes=limits.child_memory_bytes,
            file_bytes=limits.scan_file_bytes,
            output_bytes=limits.child_output_bytes,
        )
        server = self.walk.server(_ENTRY, ("py7zr",))
        ending = server.run(json.dumps(request).encode("ascii"), bounds, writable=self.folder)
        if ending.error:
            return Refusal(path="", reason=f"7z: {printable(ending.error, 200)}", lasting=False)
        return _read(ending.output)


def _read(output: bytes) -> dict[str, Any] | Refusal:
    try:
        found = json.loads(output)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Refusal(path="", reason="the 7z child answered nonsense")
    if "error" in found:
        kind = _KINDS.get(str(found.get("kind")), RefusalKind.GAP)
        return Refusal(path="", reason=printable(str(found["error"]), 200), kind=kind)
    return found


def _members(found: dict[str, Any]) -> list[_Member]:
    try:
        return [
            _Member(name=str(entry["name"])[:_LONGEST_NAME], size=int(entry["size"]), kind=str(entry["kind"]))
            for entry in found["members"]
        ]
    except (TypeError, KeyError, ValueError) as error:
        raise UnpackError("the 7z child answered nonsense") from error


def _names(made: dict[str, Any] | Refusal, members: list[_Member], escaping: list[str]) -> list[str]:
    """Give the names of the numbered files: as the child noted them, else in the archive's order."""
    if isinstance(made, dict) and isinstance(made.get("files"), list):
        return [str(name) for name in made["files"]]
    return [member.name for member in members if member.kind == "file" and member.name not in escaping]
