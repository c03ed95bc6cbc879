"""The groups, datasets, links and texts of an HDF5 file: everything that h5py would show, without a tensor being read.

After the HDF5 File Format Specification 3.0, IV.A.2. What a reader would fetch from another file is told apart:
external links, datasets that lie in other files, and virtual datasets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gatekeeper.checks.files.hdf5_bytes import NOWHERE, Hdf5Error, Hdf5File, Message, number
from gatekeeper.checks.files.hdf5_heaps import (
    FractalHeap,
    global_object,
    local_name,
    tree_leaves,
    tree_records,
)

_SPACE, _TYPE, _LINK_INFO, _LINK, _EXTERNAL, _LAYOUT, _ATTRIBUTE, _TABLE, _ATTRIBUTES = (
    0x01, 0x03, 0x02, 0x06, 0x07, 0x08, 0x0C, 0x11, 0x15,
)  # fmt: skip
_EXTERNAL_LINK = 64
_CONTIGUOUS, _VIRTUAL = 1, 3
_STRING, _VARIABLE = 3, 9
_SHARED = 0x02


@dataclass(kw_only=True, slots=True)
class Object:
    """One group or dataset."""

    path: str
    """Where it hangs, as hostile as any name."""

    wanted: frozenset[str]
    """Names of the attributes whose text is read."""

    elsewhere: list[str] = field(default_factory=list)
    """What a reader would fetch from other files, each a sentence."""

    texts: dict[str, bytes] = field(default_factory=dict)
    """Attributes that are one text, of those that are asked for."""

    unread: list[str] = field(default_factory=list)
    """Parts that could not be made sense of, each a sentence."""

    elements: int = 0
    """Elements of a dataset."""

    element_bytes: int = 0
    stored: int | None = None
    """Bytes that a contiguous dataset takes; None for others."""

    address: int = NOWHERE
    """Where these begin."""


def objects(file: Hdf5File, root: int, wanted: frozenset[str]) -> Iterator[Object]:
    """Give every object that hangs below the root group, once.

    Args:
        file: The file.
        root: Address of the root group's header.
        wanted: Names of the attributes whose text is read; others may be as long as they like.

    Raises:
        Hdf5Error: When the file's parts are more than may be looked at, or an object can't be read.
    """
    waiting = [("/", root)]
    seen = {root}
    while waiting:
        path, address = waiting.pop()
        found = Object(path=path, wanted=wanted)
        children: list[tuple[str, int]] = []
        for message in file.messages(address):
            children += _read(file, message, found)
        yield found
        for name, child in children:
            if child not in seen:
                seen.add(child)
                waiting.append((f"{path.rstrip('/')}/{name}", child))


def _read(file: Hdf5File, message: Message, found: Object) -> list[tuple[str, int]]:
    """Read one message into `found`; give the objects that it links to."""
    data = message.data
    if message.kind == _TABLE:
        return list(_symbols(file, number(data, 0), number(data, 8)))
    if message.kind == _LINK:
        return _link(data, found)
    if message.kind == _LINK_INFO:
        return [child for link in _dense(file, data, flags_at=1, long=8) for child in _link(link, found)]
    if message.kind == _ATTRIBUTE:
        _attribute(file, data, found)
    elif message.kind == _ATTRIBUTES:
        for attribute in _dense(file, data, flags_at=1, long=2):
            _attribute(file, attribute, found)
    elif message.kind == _EXTERNAL:
        found.elsewhere.append("its values lie in another file")
    elif message.kind == _LAYOUT:
        _layout(data, found)
    elif message.kind == _SPACE:
        found.elements = _elements(data)
    elif message.kind == _TYPE:
        found.element_bytes = number(data, 4, 4)
    return []


def _symbols(file: Hdf5File, tree: int, heap: int) -> Iterator[tuple[str, int]]:
    """Read a group of the old style (III.B, III.C); soft links lead to objects that are found anyway."""
    for leaf in tree_leaves(file, tree):
        count = number(file.signed(leaf, b"SNOD", 8), 6, 2)
        block = file.read(leaf + 8, count * 40)
        for entry in range(count):
            if number(block, entry * 40 + 16, 4) != 2:
                yield local_name(file, heap, number(block, entry * 40)), number(block, entry * 40 + 8)


def _link(data: bytes, found: Object) -> list[tuple[str, int]]:
    """Read a link message (IV.A.2.g)."""
    flags = number(data, 1, 1)
    at = 2
    kind = 0
    if flags & 0x08:
        kind, at = number(data, at, 1), at + 1
    at += (8 if flags & 0x04 else 0) + (1 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    length = number(data, at, width)
    name = data[at + width : at + width + length].decode("utf-8", "replace")
    rest = data[at + width + length :]
    if kind == _EXTERNAL_LINK:
        target = rest[3:].split(b"\0", 1)[0].decode("utf-8", "replace")
        found.elsewhere.append(f"{name!r} is a link into the file {target!r}")
    elif kind == 0:
        return [(name, number(rest, 0))]
    return []


def _dense(file: Hdf5File, data: bytes, *, flags_at: int, long: int) -> Iterator[bytes]:
    """Read links or attributes that lie in a heap of their own (IV.A.2.c, IV.A.2.v).

    Args:
        file: The file.
        data: The message that tells where.
        flags_at: Offset of its flags.
        long: Bytes of the largest creation index.
    """
    at = flags_at + 1 + (long if number(data, flags_at, 1) & 1 else 0)
    heap, names = number(data, at), number(data, at + 8)
    if heap == NOWHERE or names == NOWHERE:
        return
    reader = FractalHeap(file, heap)
    # Links are kept by hash and identifier (type 5), attributes by identifier first (type 8).
    start = 4 if long == 8 else 0
    for record in tree_records(file, names):
        yield reader.get(record[start:])


def _attribute(file: Hdf5File, data: bytes, found: Object) -> None:
    """Read an attribute message (IV.A.2.m), if it is one text; numbers are passed over."""
    version, flags = number(data, 0, 1), number(data, 1, 1)
    sizes = [number(data, 2 + 2 * part, 2) for part in range(3)]
    if version not in (1, 2, 3):
        raise Hdf5Error("an attribute has an unknown version")
    at = 9 if version == 3 else 8
    spans = [(size + 7) // 8 * 8 if version == 1 else size for size in sizes]
    name = data[at : at + sizes[0]].rstrip(b"\0").decode("utf-8", "replace")
    if name not in found.wanted:
        return
    kind = data[at + spans[0] :][: sizes[1]]
    space = data[at + spans[0] + spans[1] :][: sizes[2]]
    if flags & (_SHARED | 1) or not kind:
        found.unread.append(f"attribute {name!r} has a type that is kept elsewhere")
        return
    rest = data[at + sum(spans) :]
    if kind[0] & 15 == _STRING and _elements(space) == 1:
        found.texts[name] = rest[: number(kind, 4, 4)].rstrip(b"\0")
    elif kind[0] & 15 == _VARIABLE and kind[1] & 15 == 1 and _elements(space) == 1:
        length = number(rest, 0, 4)
        found.texts[name] = global_object(file, number(rest, 4), number(rest, 12, 4))[:length]


def _elements(space: bytes) -> int:
    """Count the elements of a dataspace message (IV.A.2.b)."""
    version, rank = number(space, 0, 1), number(space, 1, 1)
    if version == 2 and number(space, 3, 1) == 2:
        return 0
    at = 8 if version == 1 else 4
    count = 1
    for axis in range(rank):
        count *= number(space, at + axis * 8)
    return count


def _layout(data: bytes, found: Object) -> None:
    """Read a data layout message (IV.A.2.i), versions 3 and 4; older ones tell no sizes that could be held to."""
    version, kind = number(data, 0, 1), number(data, 1, 1)
    if version in (3, 4) and kind == _CONTIGUOUS:
        found.address, found.stored = number(data, 2), number(data, 10)
    elif version == 4 and kind == _VIRTUAL:
        found.elsewhere.append("its values are taken from other datasets, in whatever files they lie")
