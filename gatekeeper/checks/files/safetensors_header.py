"""A strict reader of safetensors headers: everything that the format promises, and no tensor bytes.

Format: eight bytes with the little-endian length of the header, the header (JSON, an object, padded with spaces),
then the tensors, contiguous, in any order, without holes, up to the last byte of the file.
(https://github.com/huggingface/safetensors, section "Format"; data types as in its version 0.8.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from gatekeeper.checks.files.problem import Problem, StructureError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip
"""Bits of one element, by data type."""

_LENGTH = 8
_DEPTH = 4
_MOST = 2**64
_FIELDS = {"dtype", "shape", "data_offsets"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """One entry of the header."""

    name: str
    dtype: str
    """A key of `BITS`."""

    shape: tuple[int, ...]
    begin: int
    """Bytes from the end of the header."""

    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What the header says."""

    tensors: tuple[Tensor, ...]
    """Sorted by position."""

    start: int
    """Byte offset in the file of the end of the header, where the tensors begin."""

    problems: tuple[Problem, ...]
    """Every deviation, first come first."""


def judge_safetensors(reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Give every deviation of a safetensors file from its format.

    Args:
        reader: The file, seekable.
        name: Not used.
        size: Its size in bytes.
        limits: As for `read_header`.
    """
    reader.seek(0)
    try:
        yield from read_header(reader, size, limits).problems
    except StructureError as error:
        yield error.problem


def read_header(reader: BinaryIO, size: int, limits: Limits) -> Header:
    """Read and judge the header of a safetensors file.

    Args:
        reader: At offset 0.
        size: Bytes of the whole file.
        limits: `header_bytes` and `tensors` bound the work.

    Raises:
        StructureError: When there is no header that can be read.
    """
    header, length = _read_object(reader, size, limits)
    problems: list[Problem] = []
    if "__metadata__" in header:
        problems += _judge_metadata(header.pop("__metadata__"))
    if len(header) > limits.tensors:
        raise StructureError("safetensors-header", f"{len(header)} tensors are more than tensors allows")
    tensors = []
    for name, entry in header.items():
        try:
            tensors.append(_read_tensor(name, entry))
        except StructureError as error:
            problems.append(error.problem)
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    if not problems:  # spans of the readable entries alone would look like holes
        problems += _judge_spans(tensors, _LENGTH + length, size)
    return Header(tensors=tuple(tensors), start=_LENGTH + length, problems=tuple(problems))


def _read_object(reader: BinaryIO, size: int, limits: Limits) -> tuple[dict[str, Any], int]:
    prefix = reader.read(_LENGTH)
    if len(prefix) < _LENGTH:
        raise StructureError("safetensors-truncated", f"the file has {size} bytes, too few for a header", offset=0)
    length = int.from_bytes(prefix, "little")
    if length > limits.header_bytes:
        message = f"the header claims {length} bytes, more than header_bytes allows ({limits.header_bytes})"
        raise StructureError("safetensors-header", message, offset=0)
    if _LENGTH + length > size:
        raise StructureError(
            "safetensors-truncated", f"the header claims {length} bytes, the file has {size}", offset=0
        )
    data = reader.read(length)
    if len(data) != length:
        raise StructureError("safetensors-truncated", "the header ends too early", offset=_LENGTH + len(data))
    if not data.startswith(b"{"):
        raise StructureError("safetensors-header", "the header does not begin with an object", offset=_LENGTH)
    if data.rstrip(b" ")[-1:] != b"}":
        raise StructureError("safetensors-header", "something else than spaces follows the header", offset=_LENGTH)
    try:
        return load_json_object(data, depth=_DEPTH), length
    except ParseError as error:
        raise StructureError("safetensors-header", f"the header can't be read: {error}", offset=_LENGTH) from error


def _judge_metadata(metadata: Any) -> list[Problem]:
    if isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values()):
        return []
    message = "__metadata__ must map strings to strings"
    return [Problem(slug="safetensors-metadata", message=message, offset=_LENGTH, detail="__metadata__")]


def _read_tensor(name: str, entry: Any) -> Tensor:
    shown = printable(name, 80)

    def wrong(slug: str, message: str) -> StructureError:
        return StructureError(slug, f"tensor {shown!r} {message}", offset=_LENGTH, detail=name)

    if not isinstance(entry, dict) or set(entry) != _FIELDS:
        raise wrong("safetensors-entry", "must have dtype, shape and data_offsets and nothing else")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        raise wrong("safetensors-dtype", f"has the unknown type {printable(str(dtype), 40)!r}")
    if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise wrong("safetensors-entry", "has a shape or offsets that are no sizes")
    elements = 1
    for extent in shape:  # every step must fit, since readers multiply in this order
        elements *= extent
        if elements >= _MOST:
            raise wrong("safetensors-span", "has more elements than a size can count")
    bits = elements * BITS[dtype]
    if bits >= _MOST or bits % 8 or bits // 8 != offsets[1] - offsets[0]:
        raise wrong(
            "safetensors-span", f"spans {offsets[1] - offsets[0]} bytes where its type and shape need {bits / 8:g}"
        )
    return Tensor(name=name, dtype=dtype, shape=tuple(shape), begin=offsets[0], end=offsets[1])


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < _MOST for item in value)


def _judge_spans(tensors: list[Tensor], start: int, size: int) -> list[Problem]:
    problems = []
    at = 0
    for tensor in tensors:
        if tensor.begin != at:
            slug, word = ("safetensors-hole", "leaves a hole before") if tensor.begin > at else (
                "safetensors-overlap", "overlaps the one before")  # fmt: skip
            message = f"tensor {printable(tensor.name, 80)!r} {word} offset {start + tensor.begin}"
            problems.append(Problem(slug=slug, message=message, offset=start + tensor.begin, detail=tensor.name))
        at = max(at, tensor.end)
    if start + at > size:
        message = f"the tensors need {start + at} bytes, the file has {size}"
        problems.append(Problem(slug="safetensors-truncated", message=message, offset=size))
    elif start + at < size:
        message = f"{size - start - at} bytes follow the last tensor"
        problems.append(Problem(slug="safetensors-trailing", message=message, offset=start + at))
    return problems
