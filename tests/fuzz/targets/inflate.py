"""Compressed streams of every kind, and the methods of zip members."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import zlib
from contextlib import suppress

from gatekeeper.checks.files.formats import COMPRESSED, Format
from gatekeeper.checks.files.inflate import BombError, UnpackError, inflate
from gatekeeper.limits import DEFAULT_LIMITS
from tests.fuzz import laws, seeds
from tests.fuzz.judging import chosen

_KINDS: tuple[Format | int, ...] = (*sorted(COMPRESSED), 8, 12, 14, 93)
_MOST = 1 << 22
_TEXT = b"the quick brown fox " * 40


def _streams() -> list[bytes]:
    raw = zlib.compressobj(wbits=-15)
    packed = [zlib.compress(_TEXT), gzip.compress(_TEXT, mtime=0), bz2.compress(_TEXT), lzma.compress(_TEXT)]
    return [*packed, packed[1] * 2, lzma.compress(_TEXT, lzma.FORMAT_ALONE), raw.compress(_TEXT) + raw.flush()]


SEEDS = seeds.chosen_by_first_byte(seeds.both(seeds.of(*COMPRESSED), _streams), len(_KINDS))
TOKENS = (
    b"\x1f\x8b\x08\0", b"BZh9", b"1AY&SY", b"\xfd7zXZ\0", b"YZ", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18",
    b"\x50\x2a\x4d\x18", b"\x78\x9c", b"ZF0x",
    bytes(16), b"\x17rE8P\x90", b"\x5d\0\0\x80\0", b"\xff" * 8, b"\x03\0",
)  # fmt: skip


def answer(data: bytes) -> tuple[int, str, str]:
    number, data = chosen(data, len(_KINDS))
    given, digest = 0, hashlib.sha256()
    try:
        for piece in inflate(laws.Counted(data), _KINDS[number], packed=len(data), most=_MOST, limits=DEFAULT_LIMITS):
            given += len(piece)
            digest.update(piece)
    except (UnpackError, BombError) as error:
        laws.showable(str(error))
        return given, digest.hexdigest(), str(error)
    finally:
        if given > _MOST:
            raise laws.LawError("more bytes were given than were allowed", given)
    return given, digest.hexdigest(), ""


def _in_python(kind: Format | int, data: bytes) -> bytes | None:
    """Give what Python's own modules unpack, where they come to an end; little enough to be had at once."""
    unpack = {Format.GZIP: gzip.decompress, Format.BZIP2: bz2.decompress, Format.XZ: lzma.decompress}.get(kind)
    if unpack is None or len(data) > 1 << 12:
        return None
    with suppress(Exception):
        return unpack(data)
    return None


def one_input(data: bytes) -> None:
    given, digest, error = laws.same_twice(answer, data)
    number, data = chosen(data, len(_KINDS))
    theirs = _in_python(_KINDS[number], data)
    if theirs is not None and not error and (len(theirs), hashlib.sha256(theirs).hexdigest()) != (given, digest):
        raise laws.LawError("Python unpacks something else, and nothing is wrong")
