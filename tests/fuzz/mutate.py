"""A small mutator that knows what binary formats are made of; the same seed gives the same inputs."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random

MOST = 1 << 16
"""Bytes of one input: parsers are to be reached deep, not wide."""

_NUMBERS = (
    0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1023, 1024, 4095, 4096, 2**15 - 1, 2**15, 2**16 - 1,
    2**16,
    2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1,
)  # fmt: skip
_TEXT_NUMBERS = (b"0", b"-1", b"1e309", b"NaN", b"1_0", b"18446744073709551616", b"9" * 400, b"0x10", b"-0.0", b"007")
_WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}


class Mutator:
    """Makes new inputs of old ones.

    Args:
        seed: Of the random numbers.
        tokens: What the format is written with: magic numbers, opcodes, keywords, keys.
    """

    def __init__(self, seed: int, tokens: Sequence[bytes] = ()) -> None:
        self._random = Random(seed)
        self._tokens = [token for token in tokens if token] or [b"\0"]

    def mutate(self, data: bytes, others: Sequence[bytes], most: int = MOST) -> bytes:
        """Change `data` in one to six places, or join it with one of the `others`."""
        random = self._random
        for _ in range(min(random.randint(1, 6), random.randint(1, 6))):
            data = random.choice(_CHANGES)(self, data, others)[:most]
        return data

    def _place(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._place(data)
        return start, min(len(data), start + int(2 ** self._random.uniform(0, 10)))

    def flip(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Turn one bit over."""
        if not data:
            return b"\0"
        changed = bytearray(data)
        changed[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
        return bytes(changed)

    def byte(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Put another byte in place of one."""
        at = self._place(data)
        return data[:at] + self._random.randbytes(1) + data[at + 1 :]

    def number(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Write a number that code tends to trip over, in one of four widths and two orders."""
        width = self._random.choice((1, 2, 4, 8))
        at = self._place(data)
        return data[:at] + self._packed(self._random.choice(_NUMBERS), width) + data[at + width :]

    def length(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Change something that could be a length: a small number that leads to a place within the data."""
        width = self._random.choice((1, 2, 4, 8))
        order = self._random.choice("<>")
        places = range(max(0, len(data) - width + 1))
        tried = self._random.sample(places, min(len(places), 64))
        for at in tried:
            (value,) = struct.unpack_from(order + _WIDTHS[width], data, at)
            if 0 < value <= len(data) - at:
                left = len(data) - at - width
                new = self._random.choice(
                    (0, value - 1, value + 1, value * 2, left, left + 1, left - 1, len(data), len(data) + 1, -value)
                )
                return data[:at] + self._packed(new, width, order) + data[at + width :]
        return data

    def step(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Add to a number, or take from it."""
        width = self._random.choice((1, 2, 4, 8))
        if len(data) < width:
            return data
        at, order = self._random.randrange(len(data) - width + 1), self._random.choice("<>")
        (value,) = struct.unpack_from(order + _WIDTHS[width], data, at)
        return data[:at] + self._packed(value + self._random.randint(-16, 16), width, order) + data[at + width :]

    def remove(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Leave a piece out."""
        start, end = self._span(data)
        return data[:start] + data[end:]

    def truncate(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Cut the end off."""
        return data[: self._place(data)]

    def duplicate(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Repeat a piece where it stands: twice, or so often that nesting and counting are put to the test."""
        start, end = self._span(data)
        times = self._random.choice((1, 1, 2, 8, 64, 1024))
        return data[:end] + data[start:end] * min(times, MOST // max(1, end - start)) + data[end:]

    def move(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Write a piece over another place, or put it in there."""
        start, end = self._span(data)
        at = self._place(data)
        return data[:at] + data[start:end] + data[at + self._random.choice((0, end - start)) :]

    def token(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Put a word of the format in, or write it over what is there; now and then many times."""
        token = self._random.choice(self._tokens) * self._random.choice((1, 1, 1, 1, 2, 50))
        at = self._place(data)
        return data[:at] + token + data[at + self._random.choice((0, len(token))) :]

    def splice(self, data: bytes, others: Sequence[bytes]) -> bytes:
        """Go on with another input, from anywhere in it."""
        other = self._random.choice(others) if others else data
        return data[: self._place(data)] + other[self._place(other) :]

    def insert(self, data: bytes, others: Sequence[bytes]) -> bytes:
        """Put a piece of another input in."""
        other = self._random.choice(others) if others else data
        start, end = self._span(other)
        at = self._place(data)
        return data[:at] + other[start:end] + data[at:]

    def digits(self, data: bytes, _: Sequence[bytes]) -> bytes:
        """Change a number that is written as text."""
        places = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
        if not places:
            return data
        start = end = self._random.choice(places)
        while end < len(data) and 48 <= data[end] <= 57:
            end += 1
        value = int(data[start:end][:18])
        new = self._random.choice(
            (*_TEXT_NUMBERS, *(b"%d" % number for number in (value + 1, value * 2, 2**31, 2**63)))
        )
        return data[:start] + new + data[end:]

    def _packed(self, value: int, width: int, order: str = "") -> bytes:
        return struct.pack((order or self._random.choice("<>")) + _WIDTHS[width], value % (1 << 8 * width))


_CHANGES: tuple[Callable[[Mutator, bytes, Sequence[bytes]], bytes], ...] = (
    Mutator.flip, Mutator.byte, Mutator.number, Mutator.number, Mutator.length, Mutator.length, Mutator.step,
    Mutator.remove,
    Mutator.truncate, Mutator.duplicate, Mutator.move, Mutator.token, Mutator.token, Mutator.token, Mutator.splice,
    Mutator.insert, Mutator.digits,
)  # fmt: skip


def with_length(data: bytes) -> bytes:
    """Make the first eight bytes say how long the object after them is, so that mutations of safetensors are read."""
    end = data.rfind(b"}", 8) + 1
    return struct.pack("<Q", end - 8) + data[8:] if end > 8 else data


def with_start_checksums(data: bytes) -> bytes:
    """Make both checksums in the first header of a 7z archive right."""
    if len(data) < 32:
        return data
    at, length = struct.unpack_from("<QQ", data, 12)
    end = data[32 + at : 32 + at + length] if at < MOST and length < MOST else b""
    start = data[12:28] + struct.pack("<I", zlib.crc32(end))
    return data[:8] + struct.pack("<I", zlib.crc32(start)) + start + data[32:]


def with_member_checksums(data: bytes) -> bytes:
    """Make the checksum of each tar header right, wherever a header stands."""
    changed = bytearray(data)
    for at in range(0, len(data) - 511, 512):
        block = changed[at : at + 512]
        if block[257:262] == b"ustar" or (block[0] and block[156:157].isalnum()):
            block[148:156] = b" " * 8
            changed[at + 148 : at + 156] = b"%06o\0 " % sum(block)
    return bytes(changed)
