"""Whether what stands in front of, behind and between the members of a zip archive is what its directory says.

Layout: APPNOTE.TXT 6.3.10, sections 4.3.7 and 4.3.9.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import BinaryIO

from gatekeeper.checks.files.zip_member import STORED, Member, Oddity, widen
from gatekeeper.text import printable

_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED = 0x1
_DESCRIPTOR = 0x8
_UTF8 = 0x800


def check_locals(reader: BinaryIO, size: int, members: list[Member]) -> tuple[tuple[Member, ...], list[Oddity]]:
    """Find each member's bytes and hold its local header against the directory."""
    checked: list[Member] = []
    oddities: list[Oddity] = []
    for member in members:
        located, problem = _check_local(reader, size, member)
        checked.append(located)
        if problem:
            oddities.append(Oddity(slug="zip-header", message=problem, member=member.name, offset=member.header))
    first = min((member.header for member in members), default=0)
    if first > 0 and members:
        oddities.append(Oddity(slug="zip-prefix", message=f"{first} bytes stand before the first member", offset=0))
    return tuple(checked), oddities


def _check_local(reader: BinaryIO, size: int, member: Member) -> tuple[Member, str]:
    if member.header + _LOCAL.size > size:
        return member, "its local header lies outside the file"
    reader.seek(member.header)
    fields = _LOCAL.unpack(reader.read(_LOCAL.size))
    signature, _, flags, method, _, _, checksum, compressed, plain, name_length, extra_length = fields
    if signature != b"PK\x03\x04":
        return member, "there is no local header where the directory points"
    name = reader.read(name_length).decode("utf-8" if flags & _UTF8 else "cp437", "surrogateescape")
    data = member.header + _LOCAL.size + name_length + extra_length
    located = replace(member, data=data)
    if data + member.compressed > size:
        return located, "its bytes end after the file does"
    if name != member.name:
        return located, f"its local header calls it {printable(name, 80)!r}"
    if method != member.method or (flags ^ member.flags) & _ENCRYPTED:
        return located, "its local header and the directory disagree about how it is packed"
    extra = reader.read(extra_length)
    plain, compressed, _ = widen(extra, plain, compressed, 0)
    if not flags & _DESCRIPTOR and (compressed, plain) != (member.compressed, member.size):
        return located, "its local header and the directory disagree about its size"
    if not flags & _DESCRIPTOR and checksum != member.checksum:
        return located, "its local header and the directory disagree about its checksum"
    if member.alias and name.isascii():  # Info-ZIP gives names their Unicode form that have letters beyond ASCII
        return located, f"a second name is hidden in it: {printable(member.alias, 80)!r}"
    if method == STORED and member.compressed != member.size and not flags & _ENCRYPTED:
        return located, "it is stored as it is, and yet has two sizes"
    return located, ""


def check_layout(reader: BinaryIO, members: tuple[Member, ...], directory: int) -> list[Oddity]:
    """Find members that share bytes, how one small file unpacks to petabytes without nesting, and bytes of nobody."""
    located = sorted((member for member in members if member.data), key=lambda member: member.header)
    if not members or len(located) < len(members):
        return []  # what is missing is said already; without the missing ones every neighbour would look wrong
    ends = [*(member.header for member in located[1:]), directory]
    for member, limit in zip(located, ends, strict=True):
        end = member.data + member.compressed
        if end > limit:
            return [Oddity(slug="zip-overlap", message="it shares bytes with what follows", member=member.name)]
        if end < limit and not _is_descriptor(reader, member, end, limit - end):
            message = f"{limit - end} bytes after it belong to nobody"
            return [Oddity(slug="zip-gap", message=message, member=member.name, offset=end)]
    return []


def _is_descriptor(reader: BinaryIO, member: Member, at: int, length: int) -> bool:
    """Whether bytes behind a member repeat its checksum and sizes, as streaming writers put them (APPNOTE 4.3.9)."""
    if not member.flags & _DESCRIPTOR or length not in (12, 16, 20, 24):
        return False
    reader.seek(at)
    found = reader.read(length)
    sizes = "<2L" if length in (12, 16) else "<2Q"
    wanted = struct.pack("<L", member.checksum) + struct.pack(
        sizes, *(value & (2**32 - 1) if sizes == "<2L" else value for value in (member.compressed, member.size))
    )
    return found == (b"PK\x07\x08" if length in (16, 24) else b"") + wanted


def check_names(members: tuple[Member, ...]) -> list[Oddity]:
    """Find a name that stands twice."""
    seen: set[str] = set()
    for member in members:
        if member.name in seen:
            message = "two members have the same name; loaders differ in which they read"
            return [Oddity(slug="zip-duplicate", message=message, member=member.name)]
        seen.add(member.name)
    return []
