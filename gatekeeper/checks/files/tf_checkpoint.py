"""Whether the index of a TensorFlow checkpoint is whole: a sorted table that ends in a footer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits

_FOOTER = 48
_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")


def judge_checkpoint(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Look at the footer of an `.index` (tensorflow/core/lib/io/format.h); the data beside it has no structure.

    Args:
        reader: The file, seekable.
        name: Its name.
        size: Its size in bytes.
        limits: Not used; the footer alone is read.
    """
    if name.suffix != ".index":
        return
    reader.seek(max(0, size - _FOOTER))
    footer = reader.read(_FOOTER)
    if len(footer) < _FOOTER or not footer.endswith(_MAGIC):
        yield Problem(slug="checkpoint-truncated", message="the index has no footer: it is cut off", offset=size)
