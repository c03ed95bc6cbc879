"""The Castagnoli checksum as TensorFlow's tables store it (RFC 3720, appendix B.4; `crc32c::Mask`)."""

from __future__ import annotations

from functools import cache

_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8


@cache
def _table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


def masked_crc32c(data: bytes) -> int:
    """Give the masked checksum: rotated and shifted, so that a checksum over checksums stays one.

    Args:
        data: Bounded by the caller; a megabyte costs a tenth of a second.
    """
    table = _table()
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
