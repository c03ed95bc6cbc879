"""Whether a JSON file was cut off: brackets or a text that nobody closes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import Problem
from gatekeeper.limits import Limits

# Possessive, so linear in the text; what stays of a text that is not closed is its quotation mark.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_TAIL = 4096


def judge_json_end(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Count what is opened and not closed; whether the rest is JSON is for whoever reads it.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: Of more than `json_bytes` the last bytes alone are read.
    """
    if size > limits.json_bytes:
        reader.seek(size - _TAIL)
        cut = not reader.read(_TAIL).rstrip().endswith((b"}", b"]"))
    else:
        reader.seek(0)
        bare = _STRING.sub(b"", reader.read(size))
        cut = b'"' in bare or bare.count(b"{") > bare.count(b"}") or bare.count(b"[") > bare.count(b"]")
    if cut:
        yield Problem(slug="json-truncated", message="brackets or a text are not closed: it is cut off", offset=size)
