"""Formats without a fixed signature whose first bytes can be nothing else: checksums, lengths, forms of headers."""

from __future__ import annotations

import struct
from collections.abc import Callable

from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.pickle_probe import has_proto

_TORCH_MAGIC = bytes.fromhex("6cfc9c46f9206aa85019")
"""The number that `torch.save` put first before 1.6, as pickle's LONG1 holds it."""


def _is_torch_legacy(head: bytes, _size: int) -> bool:
    return has_proto(head) and _TORCH_MAGIC in head[:32]


def is_safetensors(head: bytes, size: int) -> bool:
    """Whether the bytes begin with the length of a header that fits into the file, and a brace."""
    if len(head) < 9 or head[8:9] != b"{":
        return False
    return int.from_bytes(head[:8], "little") <= size - 8


def _is_bzip2(head: bytes, _size: int) -> bool:
    return head[:3] == b"BZh" and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90")


def _is_zlib(head: bytes, _size: int) -> bool:
    """The header of RFC 1950, and joblib's own prefix of 2013."""
    if head[:2] == b"ZF" and head[2:4] == b"0x":
        return True
    return head[:2] in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda") and len(head) > 2 and head[2] & 6 != 6


def _frame_after_skipped(head: bytes) -> bytes | None:
    """Give how the frame begins that follows frames without content, which zstd and lz4 share; None without these."""
    at = 0
    while head[at + 1 : at + 4] == b"\x2a\x4d\x18" and 0x50 <= head[at] <= 0x5F:
        at += 8 + int.from_bytes(head[at + 4 : at + 8], "little")
    return head[at : at + 4] if at else None


def _is_skipped_lz4(head: bytes, _size: int) -> bool:
    return _frame_after_skipped(head) == b"\x04\x22\x4d\x18"


def _is_skipped_zstd(head: bytes, _size: int) -> bool:
    return _frame_after_skipped(head) in (b"\x28\xb5\x2f\xfd", b"")


def _is_tar(head: bytes, _size: int) -> bool:
    """A header block whose checksum is right (POSIX.1-1988 ustar and the formats before it)."""
    block = head[:512]
    if len(block) < 512 or not block[0]:
        return False
    try:
        stored = int(block[148:156].rstrip(b"\x00 ").strip() or b"x", 8)
    except ValueError:
        return False
    return stored == sum(block[:148]) + 8 * 32 + sum(block[156:])


def _is_portable_executable(head: bytes, size: int) -> bool:
    if head[:2] != b"MZ" or len(head) < 64:
        return False
    at = int.from_bytes(head[60:64], "little")
    return head[at : at + 4] == b"PE\x00\x00" if at + 4 <= len(head) else at < size


def _is_media(head: bytes, _size: int) -> bool:
    return head[4:8] == b"ftyp"


def _is_image(head: bytes, _size: int) -> bool:
    return head[4:12] in (b"ftypavif", b"ftypheic", b"ftypmif1") or (
        head[:2] == b"BM" and head[6:10] == bytes(4) and len(head) > 26
    )


def _is_ctranslate2(head: bytes, _size: int) -> bool:
    """A version, then the name of a model specification (CTranslate2, `model.bin`)."""
    if len(head) < 8:
        return False
    version, length = struct.unpack_from("<IH", head)
    return 0 < version < 32 and head[6 : 6 + length].rstrip(b"\x00").endswith(b"Spec")


def _is_pickle(head: bytes, _size: int) -> bool:
    return has_proto(head)


STRUCTURES: tuple[tuple[Callable[[bytes, int], bool], Format], ...] = (
    (_is_torch_legacy, Format.TORCH_LEGACY),
    (_is_pickle, Format.PICKLE),
    (_is_bzip2, Format.BZIP2),
    (_is_zlib, Format.ZLIB),
    (_is_tar, Format.TAR),
    (_is_skipped_lz4, Format.LZ4),
    (_is_skipped_zstd, Format.ZSTD),
    (_is_portable_executable, Format.EXECUTABLE),
    (_is_image, Format.IMAGE),
    (_is_media, Format.VIDEO),
    (_is_ctranslate2, Format.CTRANSLATE2),
)
"""Test of the first bytes and the size → format, in the order in which they are asked."""
