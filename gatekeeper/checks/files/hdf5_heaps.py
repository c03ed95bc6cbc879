"""Where HDF5 keeps what does not fit in a header: names, long texts, and many links or attributes (III.A to III.G)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.checks.files.hdf5_bytes import NOWHERE, Hdf5Error, Hdf5File, number

_MOST_TREE = 64
"""Levels of a tree; honest ones have three."""


def local_name(file: Hdf5File, heap: int, offset: int) -> str:
    """Read a name from a local heap (III.D).

    Raises:
        Hdf5Error: When it is not there.
    """
    head = file.signed(heap, b"HEAP", 32)
    size, start = number(head, 8), number(head, 24)
    if offset >= size:
        raise Hdf5Error("a name lies outside its heap")
    name, end, _ = file.read(start + offset, min(size - offset, 4096)).partition(b"\0")
    if not end:
        raise Hdf5Error("a name has no end")
    return name.decode("utf-8", "replace")


def global_object(file: Hdf5File, collection: int, index: int) -> bytes:
    """Read an object from a global heap collection (III.E): variable-length texts lie there.

    Raises:
        Hdf5Error: When it is not there.
    """
    size = number(file.signed(collection, b"GCOL", 16), 8)
    block = file.read(collection, size)
    at = 16
    while at + 16 <= size:
        found, length = number(block, at, 2), number(block, at + 8)
        if found == index:
            return block[at + 16 : at + 16 + length]
        if found == 0:
            break
        at += 16 + (length + 7) // 8 * 8
    raise Hdf5Error("a text is not in its heap")


def tree_leaves(file: Hdf5File, root: int) -> Iterator[int]:
    """Give the symbol table nodes below a version 1 B-tree of a group (III.A.1)."""
    waiting = [(root, _MOST_TREE)]
    while waiting:
        address, levels = waiting.pop()
        head = file.signed(address, b"TREE", 24)
        if head[4] != 0 or not levels:
            raise Hdf5Error(f"no tree of a group at {address}")
        used = number(head, 6, 2)
        entries = file.read(address + 24, 8 + used * 16)
        children = [number(entries, 8 + entry * 16) for entry in range(used)]
        if head[5]:
            waiting += [(child, levels - 1) for child in children]
        else:
            yield from children


@dataclass(frozen=True, slots=True)
class _Table:
    """The doubling table of a fractal heap (III.G)."""

    width: int
    first: int
    """Bytes of a block in the first row."""

    largest: int
    """Bytes of the largest direct block."""

    bits: int
    """Bits of an offset in the heap."""

    root: int
    rows: int
    """Rows of the root indirect block; 0 when the root is a direct block."""

    def row_size(self, row: int) -> int:
        return self.first << max(0, row - 1)


class FractalHeap:
    """Reads managed objects of a fractal heap.

    Args:
        file: The file.
        address: Of the heap's header.

    Raises:
        Hdf5Error: When the header can't be read, or the heap is filtered.
    """

    def __init__(self, file: Hdf5File, address: int) -> None:
        head = file.signed(address, b"FRHP", 142)
        if number(head, 7, 2):
            raise Hdf5Error("a heap of links or attributes is packed")
        self._file = file
        self._longest = number(head, 10, 4)
        self._table = _Table(
            width=number(head, 110, 2),
            first=number(head, 112),
            largest=number(head, 120),
            bits=number(head, 128, 2),
            root=number(head, 132),
            rows=number(head, 140, 2),
        )
        if not self._table.first or not self._table.width or self._table.bits > 64:
            raise Hdf5Error("a heap has an impossible shape")

    def get(self, identifier: bytes) -> bytes:
        """Read the object of a heap identifier.

        Raises:
            Hdf5Error: When it is not a managed object or not there.
        """
        kind = identifier[0] >> 4 & 3
        if kind == 2:  # tiny: it lies in the identifier itself
            return identifier[1 : 2 + (identifier[0] & 15)]
        if kind:
            raise Hdf5Error("a link or attribute is kept outside its heap")
        width = (self._table.bits + 7) // 8
        offset = number(identifier, 1, width)
        # The length takes as many bytes as the smaller of the two bounds on an object needs.
        most = min(self._longest, self._table.largest)
        length = number(identifier, 1 + width, (most.bit_length() + 7) // 8)
        block, start = self._block(offset)
        return self._file.read(block + offset - start, length)

    def _block(self, offset: int) -> tuple[int, int]:
        """Find the direct block that holds an offset, and where in the heap it begins."""
        table, address, rows, base = self._table, self._table.root, self._table.rows, 0
        for _ in range(_MOST_TREE):
            if rows == 0:
                return address, base
            row, column, start = self._cell(offset - base, rows)
            size = table.row_size(row)
            head = 13 + (table.bits + 7) // 8
            direct = size <= table.largest
            address = number(self._file.read(address + head + (row * table.width + column) * 8, 8), 0)
            base += start
            if address == NOWHERE:
                raise Hdf5Error("a heap has no block for an object")
            rows = 0 if direct else (size // (table.first * table.width)).bit_length()
        raise Hdf5Error("a heap is nested too deeply")

    def _cell(self, offset: int, rows: int) -> tuple[int, int, int]:
        start = 0
        for row in range(rows):
            size = self._table.row_size(row)
            if offset < start + size * self._table.width:
                column = (offset - start) // size
                return row, column, start + column * size
            start += size * self._table.width
        raise Hdf5Error("an object lies outside its heap")


def tree_records(file: Hdf5File, header: int) -> Iterator[bytes]:
    """Give the records of a version 2 B-tree (III.A.2): heap identifiers of links or attributes."""
    head = file.signed(header, b"BTHD", 34)
    node, record, depth = number(head, 6, 4), number(head, 10, 2), number(head, 12, 2)
    root, count = number(head, 16), number(head, 24, 2)
    if not record or node <= 10 or depth > _MOST_TREE:
        raise Hdf5Error("a tree has an impossible shape")
    if root == NOWHERE:
        return
    # How wide the counts beside a pointer are depends on how many records fit in a leaf, and below a node.
    leaf = (node - 10) // record
    total = [leaf]
    for level in range(1, depth + 1):
        pointer = 8 + _bytes(leaf) + (_bytes(total[level - 1]) if level > 1 else 0)
        fit = max(0, node - 10 - pointer) // (record + pointer)
        total.append((fit + 1) * total[level - 1] + fit)
    waiting = [(root, count, depth)]
    while waiting:
        address, count, level = waiting.pop()
        if 6 + count * record > node:
            raise Hdf5Error("a node of a tree claims more records than fit in it")
        block = file.signed(address, b"BTIN" if level else b"BTLF", node)
        yield from (block[6 + entry * record : 6 + (entry + 1) * record] for entry in range(count))
        if level:
            few, at = _bytes(leaf), 6 + count * record
            pointer = 8 + few + (_bytes(total[level - 1]) if level > 1 else 0)
            for child in range(count + 1):
                place = at + child * pointer
                waiting.append((number(block, place), number(block, place + 8, few), level - 1))


def _bytes(value: int) -> int:
    return (max(value, 1).bit_length() + 7) // 8
