"""From a file of the artifact to copies for the scanners: pickle streams and small containers, never tensors.

Archives are walked here and not by the scanners, so that every loader's view of a member is fed, limits hold before
a byte is unpacked, and the same walk serves zip, tar and compressed files at any depth. Nothing is ever written
under a name from an archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.feed import Feed, FeedKind, Refusal, RefusalKind, escapes, safe_name
from gatekeeper.checks.files.formats import COMPRESSED, Format
from gatekeeper.checks.files.identify import HEAD, Identity, identify, identify_head, is_pickle_too, is_zip_too
from gatekeeper.checks.files.inflate import BombError, UnpackError, inflate, member_head, open_member
from gatekeeper.checks.files.npy_header import read_npy
from gatekeeper.checks.files.pickle_probe import Probe, probe
from gatekeeper.checks.files.problem import StructureError
from gatekeeper.checks.files.tar_members import TarError, TarMember, tar_members
from gatekeeper.checks.files.template_judge import judge_templates
from gatekeeper.checks.files.window import window
from gatekeeper.checks.files.zip_directory import Directory, Member, ZipError, read_directory
from gatekeeper.checks.files.zip_rules import find_bombs, is_bomb
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_STORAGES = {
    Format.TORCH_ZIP: re.compile(r"(?:^|/)data/\d+\Z"),
    Format.TORCHSCRIPT: re.compile(r"(?:^|/)(?:data|constants|tensors)/\d+\Z"),
    Format.TORCH_PACKAGE: re.compile(r"(?:^|/)\.data/\d+\.storage\Z"),
}
"""Members of torch archives that are read as plain bytes, whatever they look like."""

_PT2_TENSORS = re.compile(r"(?:^|/)data/(?:weights|constants)/")
"""Members of exported programs that are plain bytes, unless they look like something that is run."""

_WALKED = frozenset({*_STORAGES, Format.PT2, Format.ZIP, Format.NPZ, Format.KERAS_ZIP})
_WHOLE = frozenset(
    {
        Format.HDF5,
        Format.SAVED_MODEL,
        Format.KERAS_METADATA,
        Format.TFLITE,
        Format.ONNX,
        Format.PMML,
        Format.SKOPS,
        Format.SEVEN_ZIP,
    }
)
_EXTENSIONS = {
    Format.HDF5: ".h5",
    Format.TFLITE: ".tflite",
    Format.ONNX: ".onnx",
    Format.PMML: ".pmml",
    Format.SKOPS: ".skops",
    Format.SEVEN_ZIP: ".7z",
}
_INERT = (
    frozenset(Format)
    - _WALKED
    - _WHOLE
    - COMPRESSED
    - {Format.PICKLE, Format.TORCH_LEGACY, Format.NPY, Format.TAR, Format.RAR, Format.GGUF, Format.JSON, Format.JINJA}
)
"""Formats that hold nothing for the scanners."""

_ZF_PREFIX = 21
"""Bytes of joblib's prefix of 2013: a mark and the length in nineteen characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Item:
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


class Unpacker:
    """Walks files and copies what can hold code.

    Args:
        work: Private folder for the copies.
        limits: Bounds on everything.
    """

    def __init__(self, work: Path, limits: Limits) -> None:
        self._work = work
        self._limits = limits
        self._count = 0
        self._budget = 0

    def feeds(self, identity: Identity) -> Iterator[Feed | Refusal]:
        """Give what one file holds for the scanners; the file is read while the result is iterated.

        Raises:
            SourceError: When its bytes can't be had.
            ContentChangedError: When it is no longer the file that was hashed.
            OSError: When it can't be read.
        """
        if identity.format in _INERT and not identity.is_zip_too and not identity.is_pickle_too:
            return
        self._budget = self._limits.scan_file_bytes
        with identity.file.content.open() as reader:
            item = _Item(
                shown=str(identity.file.path),
                name=identity.file.path,
                reader=reader,
                size=identity.file.size,
                format=identity.format,
                zip_too=identity.is_zip_too,
                pickle_too=identity.is_pickle_too,
            )
            yield from self._item(item)

    def _item(self, item: _Item) -> Iterator[Feed | Refusal]:
        """Give what an item holds, as each of the formats that a loader could take it for."""
        yield from self._as_format(item)
        if item.zip_too:
            yield from self._as_format(replace(item, format=Format.ZIP))
        if item.pickle_too:
            yield from self._as_format(replace(item, format=Format.PICKLE))

    def _as_format(self, item: _Item) -> Iterator[Feed | Refusal]:
        """Dispatch on the format; whatever goes wrong in one item is said and hides no other."""
        try:
            if item.format in _WALKED:
                yield from self._zip(item)
            elif item.format is Format.PICKLE:
                yield self._copy(item, FeedKind.PICKLE, 0, self._limits.scan_file_bytes)
            elif item.format is Format.TORCH_LEGACY:
                streams = replace(item, size=min(item.size, self._limits.pickle_bytes))
                yield self._copy(streams, FeedKind.TORCH_LEGACY, 0, self._limits.pickle_bytes)
            elif item.format is Format.NPY:
                yield from self._npy(item)
            elif item.format is Format.TAR:
                yield from self._tar(item)
            elif item.format in COMPRESSED:
                yield from self._compressed(item)
            elif item.format in _WHOLE:
                yield self._copy(item, FeedKind.WHOLE, 0, self._limits.scan_file_bytes)
            elif item.format is Format.RAR:
                yield Refusal(path=item.shown, reason="rar archives can't be opened")
            elif item.depth and item.format in (Format.GGUF, Format.JSON, Format.JINJA):  # others: files/templates
                yield from self._templates(item)
        except BombError as error:
            yield Refusal(path=item.shown, reason=str(error), kind=RefusalKind.BOMB)
        except (UnpackError, ZipError, TarError, StructureError) as error:
            # The outermost archive's own faults are findings of files/structure already.
            kind = RefusalKind.BROKEN if item.depth or item.format in COMPRESSED | {Format.TAR} else RefusalKind.GAP
            yield Refusal(path=item.shown, reason=f"can't be unpacked: {error}", kind=kind)

    def _copy(self, item: _Item, kind: FeedKind, start: int, most: int) -> Feed | Refusal:
        """Copy an item from `start` on; refuse it whole when that is more than `most` bytes."""
        length = item.size - start
        if length > min(most, self._budget):
            return Refusal(path=item.shown, reason=f"{length} bytes are more than the scanners are given")
        self._budget -= length
        name = safe_name(item.name.name)
        if kind is not FeedKind.WHOLE:
            name += ".pkl"
        elif not name.lower().endswith(ending := _EXTENSIONS.get(item.format, "")):
            name += ending
        copy = self._new(name)
        with copy.open("wb") as out:
            item.reader.seek(start)
            while length and (data := item.reader.read(min(length, 1 << 20))):
                out.write(data)
                length -= len(data)
        return Feed(path=item.shown, copy=copy, kind=kind, torchscript=item.torchscript)

    def _new(self, name: str) -> Path:
        self._count += 1
        folder = self._work / f"{self._count:06d}"
        folder.mkdir()
        return folder / name

    def _npy(self, item: _Item) -> Iterator[Feed | Refusal]:
        item.reader.seek(0)
        header = read_npy(item.reader)
        if header.objects:
            yield self._copy(item, FeedKind.PICKLE, header.start, self._limits.pickle_bytes)

    def _templates(self, item: _Item) -> Iterator[Refusal]:
        for problem in judge_templates(item.reader, item.name, item.size, item.format, self._limits):
            kind = RefusalKind.REACH if problem.slug == "reach" else RefusalKind.GAP
            yield Refusal(path=item.shown, reason=problem.message, kind=kind)

    def _zip(self, item: _Item) -> Iterator[Feed | Refusal]:
        try:
            directory = read_directory(item.reader, item.size, self._limits)
        except ZipError as error:
            kind = RefusalKind.BROKEN if item.depth else RefusalKind.GAP
            yield Refusal(path=item.shown, reason=f"can't be unpacked: {error}", kind=kind)
            return
        bombs = find_bombs(directory, item.size, self._limits) if item.depth else []
        for bomb in bombs[:1]:
            yield Refusal(path=item.shown, reason=bomb.message, kind=RefusalKind.BOMB)
        if item.depth >= self._limits.archive_depth:
            yield _too_deep(item)
            return
        if item.format is Format.KERAS_ZIP:
            yield from self._keras(item, directory)
        for member in directory.members:
            yield from self._zip_member(item, member)

    def _zip_member(self, item: _Item, member: Member) -> Iterator[Feed | Refusal]:
        shown = f"{item.shown}!{member.name}"
        if escapes(member.name):
            yield Refusal(path=shown, reason="its name leads out of the folder", kind=RefusalKind.ESCAPE)
        if member.is_folder or _is_storage(item.format, member.name):
            return
        try:
            head = member_head(item.reader, member, HEAD, self._limits)
            if member.is_link:
                yield _link(shown, head[:4096].decode("utf-8", "replace"))
                return
            found = identify_head(head, PurePosixPath(member.name), max(member.size, len(head)))
            if found is Format.UNKNOWN and item.format is Format.PT2 and _PT2_TENSORS.search(member.name):
                return
            if found is Format.UNKNOWN or (member.encrypted and found in _INERT):
                yield Refusal(path=shown, reason="encrypted" if member.encrypted else "a member of unknown format")
            if found in _INERT and probe(head, complete=len(head) < HEAD) is Probe.NO:
                return
            yield from self._extracted(item, member, shown)
        except (UnpackError, ZipError) as error:
            kind = RefusalKind.GAP if member.encrypted else RefusalKind.BROKEN
            yield Refusal(path=shown, reason=f"can't be unpacked: {error}", kind=kind)
        except BombError as error:
            kind = RefusalKind.GAP if is_bomb(member, self._limits) and not item.depth else RefusalKind.BOMB
            yield Refusal(path=shown, reason=str(error), kind=kind)

    def _extracted(self, item: _Item, member: Member, shown: str) -> Iterator[Feed | Refusal]:
        """Unpack one member to a file of its own and look at that."""
        if member.size > self._budget and member.size > self._limits.scan_file_bytes:
            yield Refusal(path=shown, reason=f"{member.size} bytes are more than the scanners are given")
            return
        stream = inflate(
            open_member(item.reader, member),
            member.method,
            packed=member.compressed,
            most=self._budget,
            limits=self._limits,
        )
        yield from self._spooled(item, stream, shown, PurePosixPath(member.name))

    def _spooled(
        self, item: _Item, stream: Iterator[bytes], shown: str, name: PurePosixPath
    ) -> Iterator[Feed | Refusal]:
        copy = self._new("unpacked")
        try:
            with copy.open("w+b") as spool:
                for piece in stream:
                    spool.write(piece)
                size = spool.tell()
                self._budget -= size
                inner = self._inner(item, shown, name, spool, size)
                self._budget += size  # the spool goes away; what is copied of it counts
                yield from self._item(inner)
        finally:
            copy.unlink()

    def _keras(self, item: _Item, directory: Directory) -> Iterator[Feed | Refusal]:
        """Hand over the configuration alone, in an archive of its own: the weights are members of other formats."""
        import zipfile

        config = next((member for member in directory.members if member.name == "config.json"), None)
        if config is None:
            return
        stream = inflate(
            open_member(item.reader, config),
            config.method,
            packed=config.compressed,
            most=self._limits.json_bytes,
            limits=self._limits,
        )
        copy = self._new(f"{safe_name(item.name.stem)}.keras")
        with zipfile.ZipFile(copy, "w") as archive:
            archive.writestr("config.json", b"".join(stream))
        yield Feed(path=f"{item.shown}!config.json", copy=copy, kind=FeedKind.WHOLE)

    def _tar(self, item: _Item) -> Iterator[Feed | Refusal]:
        if item.depth >= self._limits.archive_depth:
            yield _too_deep(item)
            return
        for member in tar_members(item.reader, self._limits):
            yield from self._tar_member(item, member)

    def _tar_member(self, item: _Item, member: TarMember) -> Iterator[Feed | Refusal]:
        shown = f"{item.shown}!{member.name}"
        if escapes(member.name) or member.is_special:
            yield Refusal(path=shown, reason="it leads out of the folder", kind=RefusalKind.ESCAPE)
        if member.link:
            yield _link(shown, member.link)
        if not member.is_file:
            return
        name = PurePosixPath(member.name)
        reader = window(item.reader, member.start, member.size)
        inner = self._inner(item, shown, name, reader, member.size)
        if inner.format is Format.UNKNOWN:
            yield Refusal(path=shown, reason="a member of unknown format")
        yield from self._item(inner)

    def _inner(self, outer: _Item, shown: str, name: PurePosixPath, reader: BinaryIO, size: int) -> _Item:
        """Identify something that came out of `outer`."""
        found = identify(reader, name, size, self._limits)
        return _Item(
            shown=shown,
            name=name,
            reader=reader,
            size=size,
            format=found,
            depth=outer.depth + 1,
            torchscript=outer.format is Format.TORCHSCRIPT,
            zip_too=is_zip_too(reader, found, size),
            pickle_too=is_pickle_too(reader, found, size, self._limits),
        )

    def _compressed(self, item: _Item) -> Iterator[Feed | Refusal]:
        if item.format in (Format.LZ4, Format.ZSTD):
            yield Refusal(path=item.shown, reason=f"{item.format.value} streams can't be opened")
            return
        if item.depth >= self._limits.archive_depth:
            yield _too_deep(item)
            return
        item.reader.seek(0)
        start = _ZF_PREFIX if item.reader.read(2) == b"ZF" else 0
        item.reader.seek(start)
        stream = inflate(item.reader, item.format, packed=item.size - start, most=self._budget, limits=self._limits)
        inner = item.name.with_suffix("") if item.name.suffix.lower() in (".gz", ".bz2", ".xz", ".z") else item.name
        yield from self._spooled(item, stream, item.shown, inner)


def _is_storage(archive: Format, name: str) -> bool:
    pattern = _STORAGES.get(archive)
    return bool(pattern and pattern.search(name))


def _link(shown: str, target: str) -> Refusal:
    if escapes(target):
        reason = f"a link that leads out of the folder, to {printable(target, 120)!r}"
        return Refusal(path=shown, reason=reason, kind=RefusalKind.ESCAPE)
    return Refusal(path=shown, reason=f"a link to {printable(target, 120)!r}", kind=RefusalKind.LINK)


def _too_deep(item: _Item) -> Refusal:
    return Refusal(path=item.shown, reason="archives are nested too deeply", kind=RefusalKind.NESTED)
