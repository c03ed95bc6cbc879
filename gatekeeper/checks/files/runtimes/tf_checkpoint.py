"""TensorFlow checkpoints: an index that says which tensor lies where in which data file.

Layout: tensorflow/core/util/tensor_bundle/tensor_bundle.cc and tensorflow/core/protobuf/tensor_bundle.proto.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem, StructureError, UnsupportedError
from gatekeeper.checks.files.protobuf import BYTES, FIXED32, VARINT, fields
from gatekeeper.checks.files.runtimes.spans import Span, judge_spans
from gatekeeper.checks.files.runtimes.tf_table import read_table
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_WIDTHS = {
    **dict.fromkeys((4, 6, 10, 11, 12, 24, 25, 26, 27, 28, 29, 30, 31, 32), 1),
    **dict.fromkeys((5, 14, 15, 16, 17, 19), 2),
    **dict.fromkeys((1, 3, 13, 22), 4),
    **dict.fromkeys((2, 8, 9, 23), 8),
    18: 16,
}
"""Bytes of one value by `DataType` (tensorflow/core/framework/types.proto); those of four bits take a byte each."""

_STRING, _RESOURCE, _VARIANT = 7, 20, 21
_SHARDS, _DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CHECKSUM, _SLICES = 1, 1, 2, 3, 4, 5, 6, 7
_OWN_NAMES = re.compile(r"_CHECKPOINTABLE_OBJECT_GRAPH\Z|.*/\.ATTRIBUTES/OBJECT_CONFIG_JSON\Z|_TRACKABLE")
"""Texts that TensorFlow itself keeps in a checkpoint: what the objects are called and how they were made."""

_MOST_SHARDS = 99_999
_MOST_SHOWN = 5
Sizes = Mapping[PurePosixPath, int]
"""Path → bytes of the files of an artifact."""

_DATA = re.compile(r"(?P<stem>.+)\.data-(?P<shard>\d{5})-of-(?P<count>\d{5})\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """What an index says."""

    shards: int
    """Number of data files."""

    spans: Mapping[int, tuple[Span, ...]]
    """Data file → the tensors in it."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    sliced: bool
    """Whether its values lie in entries of their own."""


def data_name(index: PurePosixPath, shard: int, shards: int) -> PurePosixPath:
    """Give the path of a data file that belongs to an index."""
    return index.with_name(f"{index.name.removesuffix('.index')}.data-{shard:05d}-of-{shards:05d}")


def index_name(data: PurePosixPath) -> PurePosixPath | None:
    """Give the path of the index that a data file belongs to; None when its name is of no data file."""
    found = _DATA.match(data.name)
    return data.with_name(found["stem"] + ".index") if found else None


def read_index(reader: BinaryIO, size: int, limits: Limits) -> Bundle:
    """Read an index to its end.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `checkpoint_index_bytes` and `tensors` bound the work.

    Raises:
        StructureError: When the rest can't be made sense of.
        UnsupportedError: When it is compressed, too large, or of the format before 2016.
    """
    if size > limits.checkpoint_index_bytes:
        raise UnsupportedError(f"{size} bytes are more than checkpoint_index_bytes allows")
    reader.seek(0)
    pairs = read_table(reader.read(size))
    name, header = next(pairs, (b"-", b""))
    if name:
        raise StructureError("malformed", "the index does not begin with its header", offset=0)
    shards = _header(header)
    spans: dict[int, list[Span]] = {}
    problems: list[Problem] = []
    for number, (key, value) in enumerate(pairs):
        if number >= limits.tensors:
            raise UnsupportedError("it has more tensors than are looked at")
        shown = printable(key.decode("utf-8", "backslashreplace"), 80)
        entry = _entry(value, shown)
        if not 0 <= entry.shard < shards:
            raise StructureError("malformed", f"{shown!r} lies in data file {entry.shard} of {shards}", detail=shown)
        problems += _judge_entry(entry, shown)
        spans.setdefault(entry.shard, []).append(Span(entry.offset, entry.size, shown))
    return Bundle(
        shards=shards,
        spans={shard: tuple(held) for shard, held in spans.items()},
        problems=tuple(_shortened(problems)),
    )


def judge_checkpoint(
    reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits, *, sizes: Sizes | None = None
) -> Iterator[Problem]:
    """Judge one file of a checkpoint; the graph in a `.meta` is judged by `files/model-code`.

    Args:
        reader: The file, seekable.
        name: Its path.
        size: Its size in bytes.
        limits: As for `read_index`.
        sizes: Path → bytes of the files around it; None when they can't be looked at.
    """
    index = index_name(name)
    if index is not None:
        if sizes is not None and not sizes.get(index):
            yield Problem(slug=UNJUDGED, message="no index says which tensors lie in it")
        return
    if name.suffix == ".meta":
        return
    if name.suffix != ".index":
        yield Problem(slug=UNJUDGED, message="checkpoints of the format before 2016 are not judged")
        return
    try:
        bundle = read_index(reader, size, limits)
        yield from bundle.problems
        if sizes is not None:
            yield from judge_shards(bundle, name, sizes)
    except StructureError as error:
        yield error.problem
    except UnsupportedError as error:
        yield Problem(slug=UNJUDGED, message=str(error))


def judge_shards(bundle: Bundle, index: PurePosixPath, sizes: Sizes) -> Iterator[Problem]:
    """Hold what the index says against the sizes of its data files.

    Args:
        bundle: The index, read.
        index: Its path.
        sizes: Path → bytes of every file beside it.
    """
    for shard in range(bundle.shards):
        path = data_name(index, shard, bundle.shards)
        if path in sizes:
            yield from judge_spans(bundle.spans.get(shard, ()), sizes[path], printable(path.name, 80))
        else:
            message = f"the data file {printable(path.name, 80)!r} is not there"
            yield Problem(slug="missing-part", message=message)
            return


def _header(value: bytes) -> int:
    """Give the number of data files."""
    shards = 0
    for number, wire, held, _ in _fields(value, "the header"):
        if number == _SHARDS and wire == BYTES:
            raise UnsupportedError("checkpoints of the format before 2016 are not judged")
        if number == _SHARDS and wire == VARINT:
            shards = held
    if not 0 < shards <= _MOST_SHARDS:
        raise StructureError("malformed", f"the index says that it has {shards} data files", offset=0)
    return shards


def _entry(value: bytes, name: str) -> _Entry:
    numbers = dict.fromkeys((_DTYPE, _SHARD, _OFFSET, _SIZE), 0)
    shape: tuple[int, ...] = ()
    sliced = checked = False
    for number, wire, held, part in _fields(value, repr(name)):
        if number in numbers and wire == VARINT:
            numbers[number] = held
        elif number == _SHAPE and wire == BYTES:
            shape = _shape(part, name)
        elif number == _CHECKSUM and wire == FIXED32:
            checked = True
        elif number == _SLICES and wire == BYTES:
            sliced = True
        else:
            raise StructureError("malformed", f"{name!r} is described by an unknown field {number}", detail=name)
    if max(numbers.values()) >= 2**63:
        raise StructureError("malformed", f"{name!r} has a negative place or length", detail=name)
    if numbers[_SIZE] and not checked:
        raise StructureError("malformed", f"{name!r} has no checksum", detail=name)
    return _Entry(numbers[_DTYPE], shape, numbers[_SHARD], numbers[_OFFSET], numbers[_SIZE], sliced)


def _shape(data: bytes, name: str) -> tuple[int, ...]:
    extents = []
    for number, wire, _, part in _fields(data, repr(name)):
        if number != 2 or wire != BYTES:
            raise StructureError("malformed", f"the shape of {name!r} is not known", detail=name)
        extent = [held for inner, kind, held, _ in _fields(part, repr(name)) if (inner, kind) == (1, VARINT)]
        extents.append(extent[-1] if extent else 0)
    if len(extents) > 254 or max(extents, default=0) >= 2**63:  # TensorShape::MaxDimensions
        raise StructureError("malformed", f"the shape of {name!r} is impossible", detail=name)
    return tuple(extents)


def _fields(data: bytes, what: str) -> Iterator[tuple[int, int, int, bytes]]:
    try:
        yield from fields(data, len(data))
    except ValueError as error:
        raise StructureError("malformed", f"the index can't be read at {what}: {error}") from error


def _judge_entry(entry: _Entry, name: str) -> Iterator[Problem]:
    if entry.sliced:
        if entry.size:
            yield Problem(slug="malformed", message=f"{name!r} is both whole and in slices", detail=name)
    elif entry.dtype in _WIDTHS:
        wanted = math.prod(entry.shape) * _WIDTHS[entry.dtype]
        if wanted != entry.size:
            message = f"{name!r} takes {entry.size} bytes, its type and shape {wanted}"
            yield Problem(slug="malformed", message=message, detail=name)
    elif entry.dtype == _STRING:
        if not _OWN_NAMES.match(name):
            yield Problem(slug="texts", message=f"{name!r} holds texts, not numbers", detail=name)
        if math.prod(entry.shape) > entry.size:
            yield Problem(slug="malformed", message=f"{name!r} has more texts than bytes", detail=name)
    elif entry.dtype in (_RESOURCE, _VARIANT):
        message = f"{name!r} is an object that a library rebuilds from its bytes, not a tensor"
        yield Problem(slug="own-values", message=message, detail=name)
    else:
        yield Problem(slug="malformed", message=f"{name!r} is of the unknown type {entry.dtype}", detail=name)


def _shortened(problems: list[Problem]) -> Iterator[Problem]:
    """Keep the first few of each kind."""
    seen: dict[str, int] = {}
    for problem in problems:
        seen[problem.slug] = seen.get(problem.slug, 0) + 1
        if seen[problem.slug] <= _MOST_SHOWN:
            yield problem
