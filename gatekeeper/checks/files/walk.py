"""What the container readers share: an item on its way to the scanners, and how to go on with what is inside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from gatekeeper.checks.files.budget import Budget, Spool
from gatekeeper.checks.files.feed import Output, Refusal, RefusalKind, escapes, folded
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.identify import identify, is_pickle_too, is_zip_too
from gatekeeper.limits import Limits
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.confined import Server


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """A file, or something in one, on its way to the scanners."""

    shown: str
    name: PurePosixPath
    reader: BinaryIO
    size: int
    format: Format
    depth: int = 0
    torchscript: bool = False
    zip_too: bool = False
    """Whether it ends as a zip archive, whatever it is."""

    pickle_too: bool = False
    """Whether an unpickler would run it, whatever it is."""

    holder: Format = Format.UNKNOWN
    """What it came out of."""


class Walk(ABC):
    """Walks over files of the artifact and everything in them; to be closed by `with`.

    Args:
        work: Private folder for copies.
        limits: Bounds on everything.
    """

    def __init__(self, work: Path, limits: Limits) -> None:
        self._work = work
        self._count = 0
        self._servers: dict[str, Server] = {}
        self._open = ExitStack()
        self.limits = limits
        self.budget = Budget(limits)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the confined children."""
        self._open.close()

    def server(self, entry: str, warm: tuple[str, ...]) -> Server:
        """Give the confined server for `entry`, started when it is first asked for."""
        from gatekeeper.confined import Server

        if entry not in self._servers:
            self._servers[entry] = self._open.enter_context(Server(entry=entry, warm=warm))
        return self._servers[entry]

    @abstractmethod
    def descend(self, item: Item) -> Iterator[Output]:
        """Give what an item holds, as each of the formats that a loader could take it for."""

    def new(self, name: str) -> Path:
        """Give a path for a copy, in a folder of its own."""
        self._count += 1
        folder = self._work / f"{self._count:06d}"
        folder.mkdir()
        return folder / name

    def inner(self, outer: Item, shown: str, name: PurePosixPath, reader: BinaryIO, size: int) -> Item:
        """Identify something that came out of `outer`."""
        found = identify(reader, name, size, self.limits)
        return Item(
            shown=shown,
            name=name,
            reader=reader,
            size=size,
            format=found,
            depth=outer.depth + 1,
            torchscript=outer.format is Format.TORCHSCRIPT,
            zip_too=is_zip_too(reader, found, size),
            pickle_too=is_pickle_too(reader, found, size, self.limits),
            holder=outer.format,
        )

    def spooled(self, outer: Item, stream: Iterator[bytes], shown: str, name: PurePosixPath) -> Iterator[Output]:
        """Unpack a stream and look at what it holds."""
        with Spool(lambda: self.new("unpacked"), self.budget) as spool:
            spool.fill(stream)
            yield from self.descend(self.inner(outer, shown, name, spool.reader, spool.size))


def too_deep(item: Item, limits: Limits) -> Iterator[Refusal]:
    """Say that an archive is nested too deeply, when it is."""
    if item.depth >= limits.archive_depth:
        yield Refusal(path=item.shown, reason="archives are nested too deeply", kind=RefusalKind.NESTED)


def name_trouble(shown: str, name: str) -> Iterator[Refusal]:
    """Say that a member's name leads out of the folder, when it does."""
    if escapes(name):
        yield Refusal(path=shown, reason="its name leads out of the folder", kind=RefusalKind.ESCAPE)


def link_trouble(shown: str, target: str) -> Refusal:
    """Say where a link leads."""
    if escapes(target):
        reason = f"a link that leads out of the folder, to {printable(target, 120)!r}"
        return Refusal(path=shown, reason=reason, kind=RefusalKind.ESCAPE)
    return Refusal(path=shown, reason=f"a link to {printable(target, 120)!r}", kind=RefusalKind.LINK)


def collisions(shown: str, names: Iterable[str]) -> Iterator[Refusal]:
    """Find the first two members that are one file on some disks, or for readers that let the last one win."""
    seen: dict[str, str] = {}
    for name in names:
        key = folded(name)
        if key in seen:
            reason = f"{printable(seen[key], 80)!r} and {printable(name, 80)!r} are one file on some disks"
            yield Refusal(path=shown, reason=reason, kind=RefusalKind.COLLISION)
            return
        seen[key] = name
