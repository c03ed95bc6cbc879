"""Tar archives."""

from __future__ import annotations

import io
import tarfile
from contextlib import suppress

from gatekeeper.checks.files.budget import BudgetError
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.tar_members import TarError, TarMember, tar_members
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.mutate import with_member_checksums
from tests.support.samples import tarred

SEEDS = seeds.both(seeds.of(Format.TAR), lambda: [tarred({"a" * 120: b"x" * 600, "b/ü": b"y"}, {"l": "../" * 60})])
TOKENS = (
    b"ustar\x0000", b"ustar  \0", b"././@LongLink", b"././@PaxHeader", b"20 path=../x\n", b"12 size=10\n",
    b"30 GNU.sparse.major=1\n", b"L", b"K",
    b"x", b"X", b"g", b"S", b"V", b"\x80", b"\xff", bytes(512), b"0000644\0", b"77777777777", b"../",
)  # fmt: skip
MEND = with_member_checksums


def answer(data: bytes) -> tuple[list[TarMember], str]:
    members: list[TarMember] = []
    try:
        for member in tar_members(laws.Counted(data), DEFAULT_LIMITS):
            members.append(member)  # noqa: PERF402 - what came before the error counts
    except (TarError, BudgetError) as error:
        laws.showable(str(error))
        return members, str(error)
    return members, ""


def _is_file(member: tarfile.TarInfo) -> bool:
    """Whether it is unpacked as a file, as members of unknown types are."""
    return not (member.isdir() or member.islnk() or member.issym() or member.isdev())


def _in_python(data: bytes) -> list[tuple[str, int]] | None:
    """Give the files that Python's own reader finds, where it finds its way."""
    with suppress(Exception), tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        return [(member.name, member.size) for member in archive.getmembers() if _is_file(member)]
    return None


def one_input(data: bytes) -> None:
    members, error = laws.same_twice(answer, data)
    if any(member.start + member.size > len(data) or member.size < 0 for member in members if member.is_file):
        raise laws.LawError("a member lies outside the archive")
    if not error and not _agree(_in_python(data) or [], members):
        raise laws.LawError("Python finds other members, and nothing is wrong")
    if not error and members:
        laws.cut_is_told(lambda data: answer(data)[1], data, error)


def _agree(theirs: list[tuple[str, int]], ours: list[TarMember]) -> bool:
    """Whether all that Python finds is found; it ends earlier, at a header with a number that it can't read."""
    files = [member for member in ours if member.is_file]
    return len(theirs) <= len(files) and all(
        name in (member.name, member.alias) and (member.is_sparse or size == member.size)
        for (name, size), member in zip(theirs, files, strict=False)
    )
