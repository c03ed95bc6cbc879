"""What is inside zip archives: every member is identified, held against its checksum and looked at again."""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.checks.files.engines import UnknownMethodError, UnpackError
from gatekeeper.checks.files.feed import Feed, FeedKind, Output, Refusal, RefusalKind, safe_name
from gatekeeper.checks.files.formats import INERT, Format
from gatekeeper.checks.files.identify import HEAD, identify_head
from gatekeeper.checks.files.inflate import BombError, inflate, member_head, open_member, unpack_member
from gatekeeper.checks.files.npy_header import allocation
from gatekeeper.checks.files.pickle_probe import Probe, probe
from gatekeeper.checks.files.walk import Item, Walk, collisions, link_trouble, name_trouble, too_deep
from gatekeeper.checks.files.zip_directory import Directory, read_directory
from gatekeeper.checks.files.zip_end import has_end_record
from gatekeeper.checks.files.zip_member import STORED, Member, ZipError
from gatekeeper.checks.files.zip_rules import is_bomb

_STORAGES = {
    Format.TORCH_ZIP: re.compile(r"(?:^|/)data/\d+\Z"),
    Format.TORCHSCRIPT: re.compile(r"(?:^|/)(?:data|constants|tensors)/\d+\Z"),
    Format.TORCH_PACKAGE: re.compile(r"(?:^|/)\.data/\d+\.storage\Z"),
}
"""Members of torch archives that are read as plain bytes, whatever they look like."""

_PT2_TENSORS = re.compile(r"(?:^|/)data/(?:weights|constants)/")
"""Members of exported programs that are plain bytes, unless they look like something that is run."""

_END_SPAN = 66 * 1024
"""Bytes at the end of a member in which a zip archive would have its end record."""


def zip_contents(item: Item, walk: Walk) -> Iterator[Output]:
    """Give what the members of a zip archive hold.

    Raises:
        ZipError: When the directory can't be read.
        BudgetError: When the walk has cost all that it may.
    """
    directory = read_directory(item.reader, item.size, walk.limits)
    walk.budget.list(len(directory.members))
    if item.format is Format.ZIP:  # whatever else a zip archive is, its loader reads it in place
        yield from collisions(item.shown, _distinct(directory))
    deep = list(too_deep(item, walk.limits))
    yield from deep
    if deep:
        return
    if item.format is Format.KERAS_ZIP:
        yield from _keras(item, walk, directory)
    for member in directory.members:
        yield from _member(item, walk, member)


def _distinct(directory: Directory) -> dict[str, None]:
    """Give the names without those that stand twice, which is a finding of its own."""
    return dict.fromkeys(member.name for member in directory.members if not member.is_folder)


def _member(item: Item, walk: Walk, member: Member) -> Iterator[Output]:
    shown = f"{item.shown}!{member.name}"
    yield from name_trouble(shown, member.name)
    yield from name_trouble(shown, member.alias)
    if member.is_privileged and item.format is Format.ZIP:
        yield Refusal(path=shown, reason="would run with its owner's rights", kind=RefusalKind.SPECIAL)
    if member.is_folder:
        return
    try:
        if _is_storage(item.format, member.name):
            _check(item, walk, member)
            return
        walk.budget.open()
        yield from _content(item, walk, member, shown)
    except UnknownMethodError as error:
        yield Refusal(path=shown, reason=str(error))
    except (UnpackError, ZipError) as error:
        kind = RefusalKind.GAP if member.encrypted else RefusalKind.BROKEN
        yield Refusal(path=shown, reason=f"can't be unpacked: {error}", kind=kind)
    except BombError as error:
        # The outermost archive's bombs are findings of files/structure already.
        kind = RefusalKind.GAP if is_bomb(member, walk.limits) and not item.depth else RefusalKind.BOMB
        yield Refusal(path=shown, reason=str(error), kind=kind)


def _content(item: Item, walk: Walk, member: Member, shown: str) -> Iterator[Output]:
    head = member_head(item.reader, member, HEAD, walk.limits)
    if member.is_link:
        yield link_trouble(shown, head[:4096].decode("utf-8", "replace"))
        return
    name = PurePosixPath(member.name)
    found = identify_head(head, name, max(member.size, len(head)))
    if found is Format.UNKNOWN and item.format is Format.PT2 and _PT2_TENSORS.search(member.name):
        return
    if member.encrypted and (found is Format.UNKNOWN or found in INERT):
        yield Refusal(path=shown, reason="encrypted")
        return
    if member.method == STORED and member.compressed == member.size and not member.encrypted:
        _check(item, walk, member)
        reader = open_member(item.reader, member)
        yield from walk.descend(walk.inner(item, shown, name, reader, member.size))
        return
    stream = _stream(item, walk, member, head)
    if _is_streamed(found, head, member):
        if _ends_as_zip(stream):
            reason = "it is a zip archive as well, to readers that begin at its end"
            yield Refusal(path=shown, reason=reason, kind=RefusalKind.BROKEN)
        return
    if member.size > walk.limits.scan_file_bytes:
        yield Refusal(path=shown, reason=f"{member.size} bytes are more than the scanners are given")
        return
    yield from walk.spooled(item, stream, shown, name)


def _stream(item: Item, walk: Walk, member: Member, head: bytes) -> Iterator[bytes]:
    most = walk.limits.unpack_bytes
    free = max(walk.limits.archive_free_bytes, min(allocation(head), member.size, walk.limits.array_bytes))
    stream = unpack_member(item.reader, member, most=most, limits=walk.limits, free=free)
    return walk.budget.unpacked(stream, member.method)


def _is_streamed(found: Format, head: bytes, member: Member) -> bool:
    """Whether a member's inside is known from its head: arrays without objects whose length is as it should be."""
    if probe(head, complete=len(head) < HEAD) is not Probe.NO:
        return False
    return found is Format.NPY and allocation(head) == member.size


def _ends_as_zip(stream: Iterator[bytes]) -> bool:
    """Unpack to the end, which holds it against its checksum, and look at the end."""
    kept: deque[bytes] = deque()
    length = 0
    for piece in stream:
        kept.append(piece)
        length += len(piece)
        while length - len(kept[0]) > _END_SPAN:
            length -= len(kept.popleft())
    tail = b"".join(kept)
    return has_end_record(io.BytesIO(tail), len(tail))


def _check(item: Item, walk: Walk, member: Member) -> None:
    """Hold bytes that nobody unpacks against their checksum, as far as `checksum_bytes` goes.

    PyTorch itself does not look at it, and what the Hub lists is held against a better one.
    """
    if member.encrypted or not walk.budget.may_check(member.size):
        return
    limits = walk.limits
    stream = unpack_member(item.reader, member, most=limits.checksum_bytes, limits=limits, free=limits.checksum_bytes)
    for _ in walk.budget.unpacked(stream, member.method):
        pass


def _is_storage(archive: Format, name: str) -> bool:
    pattern = _STORAGES.get(archive)
    return bool(pattern and pattern.search(name))


def _keras(item: Item, walk: Walk, directory: Directory) -> Iterator[Feed]:
    """Hand over the configuration alone, in an archive of its own: the weights are members of other formats."""
    import zipfile

    config = next((member for member in directory.members if member.name == "config.json"), None)
    if config is None:
        return
    packed = open_member(item.reader, config)
    most = walk.limits.json_bytes
    stream = inflate(packed, config.method, packed=config.compressed, most=most, limits=walk.limits)
    data = b"".join(walk.budget.unpacked(stream, config.method))
    copy = walk.new(f"{safe_name(item.name.stem)}.keras")
    with zipfile.ZipFile(copy, "w") as archive:
        archive.writestr("config.json", data)
    yield Feed(path=f"{item.shown}!config.json", copy=copy, kind=FeedKind.WHOLE)
