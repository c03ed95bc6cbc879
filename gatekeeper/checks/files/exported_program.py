"""Exported PyTorch programs (`.pt2`): the operators that the graphs in an archive call, read as text.

The graphs are JSON that `torch/_export/serde/serialize.py` writes: each node's `target` names an operator as
`torch.ops.namespace.name.overload`. What the operators compute together is not judged (`files/coverage` says so).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.inflate import BombError, UnpackError, inflate, open_member
from gatekeeper.checks.files.problem import UNJUDGED, Problem
from gatekeeper.checks.files.torchscript_code import NETWORK, SPACES, reads_files
from gatekeeper.checks.files.zip_directory import ZipError, read_directory
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_PROGRAM = re.compile(r"(?:\A|/)(?:models/[^/]+|serialized_exported_program)\.json\Z")
_TARGET = re.compile(r'"target"\s*:\s*"torch\.ops\.(\w{1,100})\.(\w{1,200})')
_OWN = frozenset({"higher_order"})
"""Namespaces of an exported program that TorchScript has not: control flow."""


def judge_exported_program(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge what the graphs of an exported program call.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `listing_bytes` bounds the text that is read.
    """
    left = limits.listing_bytes
    told: set[tuple[str, str]] = set()
    try:
        for member in read_directory(reader, size, limits).members:
            if not _PROGRAM.search(member.name):
                continue
            packed = open_member(reader, member)
            text = b"".join(inflate(packed, member.method, packed=member.compressed, most=left, limits=limits))
            left -= len(text)
            for space, operator in _TARGET.findall(text.decode("utf-8", "replace")):
                if (space, operator) not in told:
                    told.add((space, operator))
                    yield from _judge_call(space, operator, printable(member.name, 160))
    except (ZipError, UnpackError, BombError) as error:
        yield Problem(slug=UNJUDGED, message=f"its graphs can't be read to the end: {error}")


def _judge_call(space: str, operator: str, detail: str) -> Iterator[Problem]:
    shown = f"{space}.{operator}"
    if space in NETWORK:
        yield Problem(slug="exported-reaches", message=f"it talks to other processes by {shown!r}", detail=detail)
    elif reads_files(operator):
        yield Problem(slug="exported-reaches", message=f"it reads or writes files by {shown!r}", detail=detail)
    elif space not in SPACES | _OWN:
        message = f"it needs {shown!r} from a library that the file does not hold"
        yield Problem(slug="exported-custom", message=message, detail=detail)
