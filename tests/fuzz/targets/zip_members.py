"""Zip archives: directory, local headers, and every member unpacked."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

from gatekeeper.checks.files.formats import ZIPS
from gatekeeper.checks.files.inflate import BombError, UnpackError, unpack_member
from gatekeeper.checks.files.zip_directory import ZipError, read_directory
from gatekeeper.checks.files.zip_rules import judge_zip
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import STRUCTURE, Answer, judged
from tests.support.samples import zipped

SEEDS = seeds.both(
    seeds.of(*ZIPS),
    lambda: [zipped({"a/b.txt": b"x" * 300, "c": b""}, method) for method in (0, 8, 12, 14)],
)
TOKENS = (
    b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08", b"\x75\x70",
    b"\x01\0\x10\0", b"\xff\xff\xff\xff",
    b"\xff\xff", b"../", b"/", b"a/b.txt", b"\x08\0", b"\x0e\0", b"\x0c\0", b"\x5d\0", b"\x01\0", b"\0\x08",
)  # fmt: skip
_MOST = 1 << 20


def answer(data: bytes) -> tuple[Answer, list[str]]:
    return judged(judge_zip, "m.zip", data, STRUCTURE), _unpacked(data)


def _unpacked(data: bytes) -> list[str]:
    """Say for each member what it unpacks to."""
    reader = laws.Counted(data)
    try:
        directory = read_directory(reader, len(data), DEFAULT_LIMITS)
    except ZipError as error:
        laws.showable(str(error))
        return [str(error)]
    told = []
    for member in directory.members[:20]:
        try:
            length = sum(map(len, unpack_member(laws.Counted(data), member, most=_MOST, limits=DEFAULT_LIMITS)))
        except (ZipError, UnpackError, BombError) as error:
            laws.showable(str(error))
            told.append(str(error))
            continue
        if length != member.size or length > _MOST:
            raise laws.LawError("a member has another size than it has")
        told.append(str(length))
    return told


def _in_python(data: bytes) -> dict[str, int] | None:
    """Give what Python's own reader finds, where it finds its way."""
    with suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.orig_filename: info.file_size for info in archive.infolist()}
    return None


def one_input(data: bytes) -> None:
    found, _ = laws.same_twice(answer, data)
    theirs = _in_python(data)
    if theirs is not None and not found:
        members = read_directory(laws.Counted(data), len(data), DEFAULT_LIMITS).members
        ours = {member.name: member.size for member in members}
        if theirs != ours:
            raise laws.LawError("Python finds other members, and nothing is wrong", (theirs, ours))
    laws.cut_is_told(lambda data: judged(judge_zip, "m.zip", data, STRUCTURE), data, found)
