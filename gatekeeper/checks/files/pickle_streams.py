"""Where each pickle in a file ends: the old torch format writes five of them in front of its tensors."""

from __future__ import annotations

import io
import pickletools
from dataclasses import dataclass
from typing import BinaryIO

LEGACY_STREAMS = 5
"""Magic number, protocol, system, the object and the list of storages (torch/serialization.py, `_legacy_load`)."""

_LEGACY_HEAD = 1 << 20
_IMPORTS = frozenset({"GLOBAL", "STACK_GLOBAL", "INST"})
_IMPORT_WEIGHT = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """One pickle."""

    start: int
    end: int
    complete: bool
    """Whether it ends with STOP; else it goes on to the end of the data or to an impossible opcode."""


def split_streams(data: bytes, most: int) -> list[Stream]:
    """Find consecutive pickles without building anything.

    Args:
        data: Bytes that begin with a pickle.
        most: Streams to find at most.

    Returns:
        The streams; an incomplete one is the last, and reaches to the end of the data.
    """
    streams: list[Stream] = []
    start = 0
    reader = io.BytesIO(data)
    while len(streams) < most and start < len(data):
        reader.seek(start)
        complete = _walk(reader)
        end = reader.tell() if complete else len(data)
        streams.append(Stream(start=start, end=end, complete=complete))
        start = end
    return streams


def legacy_length(reader: BinaryIO, size: int, most: int) -> int:
    """Say how many bytes from the first on hold the streams of the old torch format, so that no tensor is copied.

    Args:
        reader: The file.
        size: Its size in bytes.
        most: What to answer at most, and where the streams are longer than what is looked at.
    """
    reader.seek(0)
    streams = split_streams(reader.read(min(size, _LEGACY_HEAD)), LEGACY_STREAMS)
    sound = len(streams) == LEGACY_STREAMS and all(stream.complete for stream in streams)
    return streams[-1].end if sound else min(size, most)


def weigh(data: bytes, most: int) -> int:
    """Count opcodes of consecutive pickles without building anything; an import counts as ten, which it costs.

    Args:
        data: Bytes that begin with a pickle.
        most: What may be counted; no further opcode is read after it.

    Returns:
        The count up to the end of the data or to an impossible opcode; at most ten more than `most`.
    """
    count = 0
    reader = io.BytesIO(data)
    try:
        while reader.tell() < len(data):
            for opcode, _, _ in pickletools.genops(reader):
                count += _IMPORT_WEIGHT if opcode.name in _IMPORTS else 1
                if count > most:
                    return count
    except Exception:  # as in `_walk`
        return count
    return count


def _walk(reader: io.BytesIO) -> bool:
    try:
        for _ in pickletools.genops(reader):
            pass
    except Exception:  # pickletools raises whatever a decoder meets; all of it means that there is no STOP
        return False
    return True
