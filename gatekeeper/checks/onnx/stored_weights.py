"""Where the weights of a file lie: initializers of an ONNX graph, entries of a safetensors header."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.files import WireField, WireWalk
from gatekeeper.checks.onnx.structure_external import escapes
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json_object

FLOATS = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}
"""Types whose values can be compared → bytes of one."""

_ONNX = {1: "F32", 10: "F16", 11: "F64", 16: "BF16"}
_PACKED = frozenset({2, 3, 21, 22, 25, 26})
"""Numbers of eight bits and less, in which weights are stored when they are quantised."""

LEAST = 256
"""Elements: smaller tensors are biases and scales, of which many are all ones or zeros and so like each other."""

_GRAPH, _INITIALIZER = 7, 5
_DIMS, _DTYPE, _NAME, _RAW, _ELSEWHERE = 1, 2, 8, 9, 13
_TEXT = 1_024
_LENGTH = 8
_DEPTH = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Weight:
    """A tensor with enough elements to be told from others."""

    name: str
    """Hostile."""

    dtype: str
    """A key of `FLOATS`; `packed` for small whole numbers, else empty."""

    shape: tuple[int, ...]
    file: ArtifactFile | None
    """Where its bytes are; None when that can't be told."""

    start: int
    """Byte offset there."""

    @property
    def elements(self) -> int:
        """How many it has."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Its bytes; 0 for what is no float."""
        return self.elements * FLOATS.get(self.dtype, 0)


def graph_weights(file: ArtifactFile, artifact: Artifact, limits: Limits) -> tuple[Weight, ...]:
    """Give the initializers of the main graph of an ONNX file.

    Args:
        file: The graph.
        artifact: Where to find the files that it names.
        limits: `fields` and `tensors` bound the walk.

    Raises:
        ValueError: When it can't be walked.
    """
    found = []
    with file.content.open() as reader:
        walk = WireWalk(reader, file.size, fields=limits.fields)
        for graph in walk.fields(walk.whole()):
            if graph.number != _GRAPH:
                continue
            for part in walk.fields(graph):
                if part.number == _INITIALIZER:
                    found.append(_initializer(walk, part, file, artifact))
                if len(found) > limits.tensors:
                    raise ValueError(f"it has more initializers than tensors ({limits.tensors})")
    return tuple(weight for weight in found if weight.elements >= LEAST)


def _initializer(walk: WireWalk, tensor: WireField, file: ArtifactFile, artifact: Artifact) -> Weight:
    name, kind, shape, start = "", 0, [], -1
    place: dict[str, str] = {}
    for part in walk.fields(tensor):
        if part.number == _DIMS:
            shape += _varints(walk.read(part, _TEXT)) if part.length else [part.value]
        elif part.number == _DTYPE:
            kind = part.value
        elif part.number == _NAME:
            name = walk.read(part, _TEXT).decode("utf-8", "replace")
        elif part.number == _RAW:
            start = part.start
        elif part.number == _ELSEWHERE:
            entry = [data.decode("utf-8", "replace") for _, data in walk.contents(part, _TEXT)]
            place |= {entry[0]: entry[1]} if len(entry) == 2 else {}
    dtype = _ONNX.get(kind, "packed" if kind in _PACKED else "")
    where: ArtifactFile | None = file if start >= 0 else None
    if place.get("location") and not escapes(place["location"]):
        where = artifact.file(posixpath.normpath(str(file.path.parent / place["location"])))
        start = int(place["offset"]) if place.get("offset", "").isdecimal() else 0
    weight = Weight(name=name, dtype=dtype, shape=tuple(shape), file=where, start=max(start, 0))
    if where is not None and weight.start + weight.size > where.size:
        raise ValueError("a tensor lies beyond the end of its file")
    return weight


def _varints(data: bytes) -> list[int]:
    """Read numbers that stand one after the other (https://protobuf.dev/programming-guides/encoding/#packed)."""
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
    return found


def safetensors_weights(artifact: Artifact, limits: Limits) -> Iterator[Weight]:
    """Give the floats of all safetensors files of an artifact; what can't be read is passed over.

    `files/structure` is strict with these files; here a tensor counts only when it lies where it says.

    Args:
        artifact: Where to look.
        limits: `header_bytes` and `tensors` bound the reading.
    """
    for file in artifact.files:
        if file.path.suffix.lower() == ".safetensors" and file.sha256 is not None:
            yield from _entries(file, limits)


def _entries(file: ArtifactFile, limits: Limits) -> Iterator[Weight]:
    with file.content.open() as reader:
        length = int.from_bytes(reader.read(_LENGTH), "little")
        if length > min(limits.header_bytes, file.size):
            return
        try:
            header = load_json_object(reader.read(length), depth=_DEPTH)
        except ParseError:
            return
    if len(header) > limits.tensors:
        return
    for name, entry in header.items():
        try:
            dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            weight = Weight(name=name, dtype=dtype, shape=tuple(shape), file=file, start=_LENGTH + length + begin)
            fits = weight.size == end - begin and begin >= 0 and weight.start + weight.size <= file.size
            if dtype in FLOATS and weight.elements >= LEAST and fits:
                yield weight
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            continue
