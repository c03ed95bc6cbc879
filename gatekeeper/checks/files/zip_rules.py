"""What speaks against a zip archive before anything in it is unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.engines import UnpackError
from gatekeeper.checks.files.inflate import BombError, member_head
from gatekeeper.checks.files.npy_header import allocation
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.zip_directory import Directory, read_directory
from gatekeeper.checks.files.zip_member import Member, ZipError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_PEEK = 1 << 14


def judge_zip(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a zip archive by its directory and its local headers.

    Args:
        reader: The archive, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: `archive_ratio`, `archive_free_bytes`, `array_bytes` and `archive_members` say what a bomb is.
    """
    try:
        directory = read_directory(reader, size, limits)
    except ZipError as error:
        yield Problem(slug="zip-truncated", message=str(error))
        return
    for oddity in directory.oddities:
        message = _about(oddity.member, oddity.message)
        yield Problem(slug=oddity.slug, message=message, offset=oddity.offset, detail=oddity.member)
    for member in directory.members:
        if member.encrypted:
            yield Problem(slug="zip-encrypted", message=_about(member.name, "is encrypted"), detail=member.name)
    yield from _bombs(reader, directory, size, limits)


def _bombs(reader: BinaryIO, directory: Directory, size: int, limits: Limits) -> Iterator[Problem]:
    """Find members, and the archive as a whole, that claim to unpack to far more than they take.

    An array of zeros packs a thousandfold, and its header says so. What the loader would allocate is then what the
    publisher asked for in plain sight, and a bomb only beyond `array_bytes`.
    """
    rest = arrays = bombs = 0
    for member in directory.members:
        if not is_bomb(member, limits):
            rest += member.size
        elif _is_array(reader, member, limits) and arrays + member.size <= limits.array_bytes:
            arrays += member.size
        else:
            bombs += 1
            message = _about(member.name, f"unpacks from {member.compressed} to {member.size} bytes")
            yield Problem(slug="zip-bomb", message=message, detail=member.name)
    if not bombs and rest > limits.archive_free_bytes and rest > limits.archive_ratio * size:
        yield Problem(slug="zip-bomb", message=f"the archive unpacks from {size} to {rest} bytes")


def _is_array(reader: BinaryIO, member: Member, limits: Limits) -> bool:
    try:
        return allocation(member_head(reader, member, _PEEK, limits)) == member.size
    except (UnpackError, BombError, ZipError):
        return False


def is_bomb(member: Member, limits: Limits) -> bool:
    """Whether a member's declared sizes alone make it a bomb."""
    return member.size > limits.archive_free_bytes and member.size > limits.archive_ratio * max(member.compressed, 1)


def _about(member: str, message: str) -> str:
    return f"member {printable(member, 120)!r}: {message}" if member else message
