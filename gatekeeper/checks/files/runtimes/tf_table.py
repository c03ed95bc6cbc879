"""The sorted table in which TensorFlow keeps a checkpoint's index: blocks of keys and values, each with a checksum.

Layout: tensorflow/core/lib/io/{format,block,table_builder}.cc, which is LevelDB's (doc/table_format.md there).
"""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.checks.files.problem import StructureError, UnsupportedError
from gatekeeper.checks.files.runtimes.crc32c import masked_crc32c

_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_FOOTER, _TRAILER = 48, 5
_PLAIN, _SNAPPY = 0, 1
_KEY_BYTES = 4096
"""Bytes of a key: names of tensors, of which the longest real ones take a tenth. Each may repeat the one before."""


def read_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give the keys and values of a table in their order.

    Args:
        data: The whole file, bounded by the caller.

    Raises:
        StructureError: When anything in it is not as the writer puts it: footer, blocks side by side from the first
            byte to the last, checksums, keys that grow.
        UnsupportedError: When a block is compressed.
    """
    if len(data) < _FOOTER or not data.endswith(_MAGIC):
        raise StructureError("cut-off", "the index has no footer", offset=len(data))
    footer = data[-_FOOTER:-8]
    meta, at = _handle(footer, 0, len(data))
    root, at = _handle(footer, at, len(data))
    if footer[at:].strip(b"\0"):
        raise StructureError("malformed", "the footer of the index holds more than it should", offset=len(data) - 8)
    handles = [_handle(value, 0, len(data))[0] for _, value in _entries(data, root)]
    end = 0
    for start, length in (*handles, meta, root):
        if start != end:
            message = f"a block of the index begins at byte {start}, where {end} is next"
            raise StructureError("spans", message, offset=min(start, end))
        end = start + length + _TRAILER
    if end != len(data) - _FOOTER:
        raise StructureError("spans", "bytes before the footer of the index belong to no block", offset=end)
    if any(True for _ in _entries(data, meta)):
        raise UnsupportedError("the index has a filter, which TensorFlow does not write")
    last = None
    for handle in handles:
        for key, value in _entries(data, handle):
            if last is not None and key <= last:
                raise StructureError("malformed", "the keys of the index are out of order", offset=handle[0])
            last = key
            yield key, value


def _handle(data: bytes, at: int, size: int) -> tuple[tuple[int, int], int]:
    """Read where a block begins and how long it is."""
    start, at = _varint(data, at)
    length, at = _varint(data, at)
    if start + length + _TRAILER > size - _FOOTER:
        raise StructureError("cut-off", f"a block of the index would end at byte {start + length}", offset=size)
    return (start, length), at


def _entries(data: bytes, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    """Give the pairs of one block; a key repeats as much of the one before as it says."""
    start, length = handle
    block = data[start : start + length]
    kind = data[start + length]
    stored = int.from_bytes(data[start + length + 1 : start + length + _TRAILER], "little")
    if masked_crc32c(data[start : start + length + 1]) != stored:
        raise StructureError("checksum", "the checksum of a block of the index is wrong", offset=start)
    if kind != _PLAIN:
        name = "snappy" if kind == _SNAPPY else f"method {kind}"
        raise UnsupportedError(f"its index is compressed ({name}), which can't be opened")
    end = _restarts(block, start)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        held, at = _varint(block, at)
        if shared > len(key) or shared + fresh > _KEY_BYTES or at + fresh + held > end:
            raise StructureError("malformed", "an entry of the index does not fit its block", offset=start + at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh + held
        yield key, block[at - held : at]


def _restarts(block: bytes, start: int) -> int:
    """Give where the entries end and the list of places begins at which keys are whole."""
    if len(block) >= 4:
        count = int.from_bytes(block[-4:], "little")
        end = len(block) - 4 - 4 * count
        if end >= 0 and count:
            return end
    raise StructureError("malformed", "a block of the index has no list of restarts", offset=start)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80 and (byte or not shift):  # padded with nothing, a number could be written in many ways
            return value, at + shift + 1
    raise StructureError("malformed", "a number in the index can't be read")
