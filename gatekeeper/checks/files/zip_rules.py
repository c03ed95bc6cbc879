"""What speaks against a zip archive before anything in it is unpacked."""

from __future__ import annotations

from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.zip_directory import Directory, Member, ZipError, read_directory
from gatekeeper.limits import Limits
from gatekeeper.text import printable


def judge_zip(reader: BinaryIO, size: int, limits: Limits) -> list[Problem]:
    """Judge a zip archive by its directory and its local headers.

    Args:
        reader: The archive, seekable.
        size: Its size in bytes.
        limits: `archive_ratio`, `archive_free_bytes` and `archive_members` say what a bomb is.
    """
    try:
        directory = read_directory(reader, size, limits)
    except ZipError as error:
        return [Problem(slug="zip-truncated", message=str(error))]
    problems = [
        Problem(slug=oddity.slug, message=_about(oddity.member, oddity.message), offset=oddity.offset,
                detail=oddity.member)
        for oddity in directory.oddities
    ]  # fmt: skip
    problems += [
        Problem(slug="zip-encrypted", message=_about(member.name, "is encrypted"), detail=member.name)
        for member in directory.members
        if member.encrypted
    ]
    return problems + find_bombs(directory, size, limits)


def find_bombs(directory: Directory, size: int, limits: Limits) -> list[Problem]:
    """Find members, and the archive as a whole, that claim to unpack to far more than they take."""
    problems = [
        Problem(slug="zip-bomb", detail=member.name,
                message=_about(member.name, f"unpacks from {member.compressed} to {member.size} bytes"))
        for member in directory.members
        if is_bomb(member, limits)
    ]  # fmt: skip
    total = sum(member.size for member in directory.members)
    if not problems and total > limits.archive_free_bytes and total > limits.archive_ratio * size:
        problems.append(Problem(slug="zip-bomb", message=f"the archive unpacks from {size} to {total} bytes"))
    return problems


def is_bomb(member: Member, limits: Limits) -> bool:
    """Whether a member's declared sizes alone make it a bomb."""
    return member.size > limits.archive_free_bytes and member.size > limits.archive_ratio * max(member.compressed, 1)


def _about(member: str, message: str) -> str:
    return f"member {printable(member, 120)!r}: {message}" if member else message
