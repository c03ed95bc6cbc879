"""TorchScript: the operators that the code in an archive calls, read as text; nothing is compiled.

The listing is what `torch/csrc/jit/serialization/python_print.cpp` writes: a small part of Python in which operators
of PyTorch stand as `torch.name(` and those of other libraries as `ops.namespace.name(`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.inflate import BombError, UnpackError, inflate, open_member
from gatekeeper.checks.files.problem import UNJUDGED, Problem
from gatekeeper.checks.files.zip_directory import ZipError, read_directory
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_LISTING = re.compile(r"(?:\A|/)code/.*\.py\Z")
# Texts and comments, so that their words are not taken for calls; possessive, hence linear.
_TEXTS = re.compile(r"\"(?:[^\"\\\n]++|\\.)*+\"|'(?:[^'\\\n]++|\\.)*+'|#[^\n]*+", re.DOTALL)
_CALLS = re.compile(
    r"(?<![\w.])(?P<own>torch\.\w+(?:\.\w+)*)\s*\(|(?<![\w.])ops\s*\.\s*(?P<space>\w+)\s*\.\s*(?P<name>\w+)"
    r"|(?P<python>\^\w+)|__torch__\.torch\.classes\.(?P<classes>\w+)\.(?P<kind>\w+)"
)
_FILES = re.compile(
    r"(?:\A|_)(?:from_file|fromfile|read_file|write_file|readfile|writefile|load|save|sox_io|open)(?:_|\Z)"
)
NETWORK = frozenset({"c10d", "rpc", "dist_rpc", "dist_c10d", "_c10d_functional", "c10d_functional", "symm_mem"})
"""Namespaces whose operators talk to other processes."""

SPACES = frozenset(
    {
        "prim", "aten", "quantized", "_quantized", "torchvision", "image", "torchaudio", "sparse", "mkldnn", "cuda",
        "prepacked", "xnnpack", "static_runtime", "onednn", "prims", "mkldnn_prepacked", "quantized_decomposed",
        "tensorexpr", "torchtext", "rnn", "vulkan_prepack", "metal_prepack", "profiler",
    }
)  # fmt: skip
"""Namespaces that PyTorch and its sister libraries register."""


def judge_torchscript(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge what the code of a TorchScript archive calls.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `listing_bytes` bounds the code that is read.

    Yields:
        Problems by the slugs of `files/model-code`; always one that says that the file is a program.
    """
    left, lines = limits.listing_bytes, 0
    told: set[str] = set()
    try:
        for member in read_directory(reader, size, limits).members:
            if not _LISTING.search(member.name):
                continue
            packed = open_member(reader, member)
            pieces = inflate(packed, member.method, packed=member.compressed, most=left, limits=limits)
            text = b"".join(pieces).decode("utf-8", "replace")
            left -= len(text)
            lines += text.count("\n")
            for problem in judge_listing(text, member.name):
                if problem.message not in told:
                    told.add(problem.message)
                    yield problem
    except (ZipError, UnpackError, BombError) as error:
        yield Problem(slug=UNJUDGED, message=f"its code can't be read to the end: {error}")
    message = f"it is a program of {lines} lines, of which only the operators that it calls were looked at"
    yield Problem(slug="torchscript-program", message=message)


def judge_listing(text: str, where: str) -> Iterator[Problem]:
    """Judge the calls of one listing.

    Args:
        text: The code.
        where: The member that it comes from.
    """
    detail = printable(where, 160)
    for match in _CALLS.finditer(_TEXTS.sub('""', text)):
        name = match["own"] or match["name"] or match["kind"] or match["python"]
        space = match["space"] or match["classes"] or ""
        shown = printable(f"{space}.{name}" if space else name, 80)
        if match["python"]:
            message = f"it calls a Python function, {shown!r}, that only the publisher's process had"
            yield Problem(slug="torchscript-custom", message=message, detail=detail)
        elif space in NETWORK:
            yield Problem(
                slug="torchscript-reaches", message=f"it talks to other processes by {shown!r}", detail=detail
            )
        elif reads_files(name):
            yield Problem(slug="torchscript-reaches", message=f"it reads or writes files by {shown!r}", detail=detail)
        elif space and space not in SPACES:
            message = f"it needs {shown!r} from a library that the file does not hold"
            yield Problem(slug="torchscript-custom", message=message, detail=detail)


def reads_files(operator: str) -> bool:
    """Whether an operator's name says that it reads or writes files."""
    return _FILES.search(operator.rsplit(".", 1)[-1]) is not None
