"""Whether a file of `torch.save` (since 1.6) holds what its pickle names: each storage once, whole, and nothing else.

Only the archive's directory and `data.pkl` are read; the storages themselves are not. The layout is that of
`torch/serialization.py` (`_save`) and of `caffe2/serialize/inline_container.cc`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.inflate import BombError, UnpackError, inflate, open_member
from gatekeeper.checks.files.pickle_record import Record
from gatekeeper.checks.files.pickle_walk import walk_file
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.torch_ids import StorageId, storage_id
from gatekeeper.checks.files.window import window
from gatekeeper.checks.files.zip_directory import STORED, Member, ZipError, read_directory
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_PICKLE = "data.pkl"
_STORAGE = re.compile(r"data/[^/]+\Z")
_BESIDE = frozenset(
    {"version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id", ".data/version"}
)
"""Members that torch writes beside the pickle and the storages."""

_MOST = 50
"""Problems of one file."""

_SHORT = 64
"""Bytes of the members that say one word; a longer one is no such word."""

_ORDERS = frozenset({b"little", b"big"})


def judge_torch_zip(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Hold the members of a torch archive against the storages that its pickle names.

    Args:
        reader: The archive, seekable.
        name: Its name; of no matter here.
        size: Its size in bytes.
        limits: Bounds on the directory and the pickle.

    Yields:
        Problems, none when the directory can't be read: that is `judge_zip`'s to say.
    """
    try:
        members = read_directory(reader, size, limits).members
    except ZipError:
        return
    pickled = [member for member in members if PurePosixPath(member.name).name == _PICKLE]
    shortest = min(pickled, key=lambda member: member.name.count("/"), default=None)
    if shortest is None:
        return
    root = shortest.name.removesuffix(_PICKLE)
    inside = {member.name.removeprefix(root): member for member in members if member.name.startswith(root)}
    if not {"version", ".data/version"} & set(inside):
        yield Problem(
            slug="torch-version", message="the archive has no member `version`, without which torch refuses it"
        )
    if not shortest.size:
        yield Problem(slug="torch-pickle", message="its data.pkl is empty", detail=shortest.name)
    yield from _words(reader, inside, limits)
    record = _walk(reader, shortest, limits)
    if record is None:
        yield Problem(slug="torch-pickle", message="its data.pkl can't be unpacked", detail=shortest.name)
        return
    problems = [*_storages(inside, record), *_strangers(members, root, inside, record)]
    yield from problems[:_MOST]


def _words(reader: BinaryIO, inside: dict[str, Member], limits: Limits) -> Iterator[Problem]:
    """Find a version that is no number, which the native reader refuses, and an order of bytes that torch refuses."""
    for name in ("version", ".data/version"):
        word = _content(reader, inside[name], _SHORT, limits) if name in inside else b"0"
        if word is None or not word.strip().isdigit():
            yield Problem(slug="torch-version", message="its version is no number, and torch refuses it", detail=name)
    word = _content(reader, inside["byteorder"], _SHORT, limits) if "byteorder" in inside else b"little"
    if word not in _ORDERS:
        message = "its order of bytes is neither little nor big, and torch refuses it"
        yield Problem(slug="torch-version", message=message, detail="byteorder")


def _walk(reader: BinaryIO, member: Member, limits: Limits) -> Record | None:
    """Walk over the pickle; None when it can't be had."""
    if member.method == STORED and member.data:
        return walk_file(window(reader, member.data, member.size), member.size, limits)
    data = _content(reader, member, limits.pickle_bytes, limits)
    return None if data is None else walk_file(io.BytesIO(data), len(data), limits)


def _content(reader: BinaryIO, member: Member, most: int, limits: Limits) -> bytes | None:
    """Unpack a member of up to `most` bytes; None when it can't be had."""
    try:
        packed = open_member(reader, member)
        return b"".join(inflate(packed, member.method, packed=member.compressed, most=most, limits=limits))
    except (UnpackError, ZipError, BombError):
        return None


def named_storages(record: Record) -> dict[str, StorageId]:
    """Give the storages that a pickle names, by key; the largest where it names one in several ways."""
    found: dict[str, StorageId] = {}
    for value in record.ids:
        one = storage_id(value)
        if one is not None and (one.key not in found or found[one.key].size < one.size):
            found[one.key] = one
    return found


def _storages(inside: dict[str, Member], record: Record) -> Iterator[Problem]:
    for key, storage in named_storages(record).items():
        member = inside.get(f"data/{key}")
        shown = printable(key, 80)
        if member is None:
            yield Problem(slug="torch-storage-missing", message=f"storage {shown!r} is not in the archive", detail=key)
        elif member.size != storage.size:
            message = f"storage {shown!r} has {member.size} bytes, its pickle says {storage.size}"
            yield Problem(slug="torch-storage-size", message=message, offset=member.header, detail=key)


def _strangers(members: tuple[Member, ...], root: str, inside: dict[str, Member], record: Record) -> Iterator[Problem]:
    """Find members that nothing in the pickle leads to."""
    whole = not (record.gaps or record.truncated or record.problems)
    named = {f"data/{key}" for key in named_storages(record)}
    for rest, member in inside.items():
        if rest == _PICKLE or rest in _BESIDE or rest in named or member.is_folder:
            continue
        shown = printable(member.name, 120)
        if not _STORAGE.match(rest):
            yield Problem(
                slug="torch-member", message=f"member {shown!r} is none that torch writes", detail=member.name
            )
        elif whole:
            message = f"member {shown!r} is a storage that the pickle does not name"
            yield Problem(slug="torch-storage-extra", message=message, offset=member.header, detail=member.name)
    for member in members:
        if not member.name.startswith(root) and not member.is_folder:
            shown = printable(member.name, 120)
            message = f"member {shown!r} lies outside the archive's folder"
            yield Problem(slug="torch-member", message=message, detail=member.name)
