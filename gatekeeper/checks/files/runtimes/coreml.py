"""Core ML models: custom layers and models that an app must bring, links to other models, places of weights.

Field numbers after mlmodel/format/{Model,NeuralNetwork,MIL,CustomModel,LinkedModel}.proto of apple/coremltools.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem
from gatekeeper.checks.files.protobuf import BYTES, VARINT
from gatekeeper.checks.files.protobuf_stream import Field, ProtobufStream
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_PIPELINES = {200: (1, 1), 201: (1, 1), 202: (1,)}
"""Kinds of pipelines → the way to the models in them."""

_NETWORKS = frozenset({303, 403, 500})
_PROGRAM, _CUSTOM_MODEL, _LINKED_MODEL = 502, 555, 556
_PLAIN = frozenset(
    {300, 301, 302, 304, 400, 401, 402, 404, 501, 560, 600, 601, 602, 603, 604, 606, 607, 609, 610, 900, 2000, 2001,
     2002, 2003, 2004, 2005, 2006}
)  # fmt: skip
"""Kinds of models that are numbers and nothing else, or that the system brings."""

_FIRST_KIND = 200
_LAYERS, _CUSTOM_LAYER, _CLASS = 1, 500, 10
_INNER_NETWORKS = {605: (1, 2), 615: (3, 4)}
"""Branches and loops → the networks in them."""

_FUNCTIONS, _SPECIALISATIONS, _VALUE, _OPERATIONS = (2,), (3,), (2,), (3,)
_BLOCKS, _OPERATOR, _ARGUMENTS, _ATTRIBUTES = 4, 1, 2, 5
_WEIGHTS = "@model_path/"
_DEPTH = 12
_NAME_BYTES = 1024


@dataclass(slots=True)
class _Seen:
    own: dict[str, None] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """File of weights → the furthest place that is named in it."""

    unknown: set[int] = field(default_factory=set)
    models: int = 0


def judge_coreml(
    reader: BinaryIO,
    name: PurePosixPath,
    size: int,
    limits: Limits,
    *,
    sizes: Mapping[PurePosixPath, int] | None = None,
) -> Iterator[Problem]:
    """Judge a `.mlmodel`, alone or in an `.mlpackage`.

    Args:
        reader: The file, seekable.
        name: Its path.
        size: Its size in bytes.
        limits: `coreml_fields` bounds the walk.
        sizes: Path → bytes of the files around it; None when they can't be looked at.
    """
    stream = ProtobufStream(reader, size, fields=limits.coreml_fields)
    seen = _Seen()
    try:
        _model(stream, stream.whole(), seen, _DEPTH)
    except ValueError as error:
        yield Problem(slug=UNJUDGED, message=f"the model can't be read to its end: {error}")
    if seen.unknown or not seen.models:
        kinds = ", ".join(str(kind) for kind in sorted(seen.unknown)[:5]) or "none"
        yield Problem(slug=UNJUDGED, message=f"kinds of models that no check judges: {kinds}")
    if seen.own:
        message = f"the app must bring code for {', '.join(list(seen.own)[:5])}"
        yield Problem(slug="own-operator", message=message, detail=next(iter(seen.own)))
    for path in seen.elsewhere[:5]:
        yield Problem(slug="reaches-out", message=f"it takes in {path!r}, which is no part of it", detail=path)
    if sizes is not None:
        yield from _judge_places(seen.places, name.parent, sizes)


def _judge_places(
    places: dict[str, int], folder: PurePosixPath, sizes: Mapping[PurePosixPath, int]
) -> Iterator[Problem]:
    for path, furthest in places.items():
        beside = folder / path
        shown = printable(path, 80)
        if beside not in sizes:
            yield Problem(slug="missing-part", message=f"the weights {shown!r} are not there", detail=shown)
        elif furthest >= sizes[beside]:
            message = f"weights are said to lie at byte {furthest} of {shown!r}, which has {sizes[beside]}"
            yield Problem(slug="spans", message=message, detail=shown)


def _model(stream: ProtobufStream, model: Field, seen: _Seen, depth: int) -> None:
    if not depth:
        raise ValueError("it is nested too deeply")
    for part in stream.fields(model):
        if part.number < _FIRST_KIND:
            continue
        seen.models += 1
        if part.number in _PIPELINES:
            for inner in _inside(stream, part, _PIPELINES[part.number]):
                _model(stream, inner, seen, depth - 1)
        elif part.number in _NETWORKS:
            _network(stream, part, seen, depth - 1)
        elif part.number == _PROGRAM:
            for block in _inside(stream, part, _FUNCTIONS + _VALUE + _SPECIALISATIONS + _VALUE):
                _block(stream, block, seen, depth - 1)
        elif part.number == _CUSTOM_MODEL:
            seen.own[f"model {_first(stream, part, _CLASS)!r}"] = None
        elif part.number == _LINKED_MODEL:
            seen.elsewhere.append("another model")
        elif part.number not in _PLAIN:
            seen.unknown.add(part.number)


def _network(stream: ProtobufStream, network: Field, seen: _Seen, depth: int) -> None:
    if not depth:
        raise ValueError("it is nested too deeply")
    for layer in _inside(stream, network, (_LAYERS,)):
        for part in stream.fields(layer):
            if part.number == _CUSTOM_LAYER:
                seen.own[f"layer {_first(stream, part, _CLASS)!r}"] = None
            for number in _INNER_NETWORKS.get(part.number, ()):
                for inner in _inside(stream, part, (number,)):
                    _network(stream, inner, seen, depth - 1)


def _block(stream: ProtobufStream, block: Field, seen: _Seen, depth: int) -> None:
    if not depth:
        raise ValueError("it is nested too deeply")
    for operation in _inside(stream, block, _OPERATIONS):
        for part in stream.fields(operation):
            if part.number == _BLOCKS:
                _block(stream, part, seen, depth - 1)
            elif part.number == _OPERATOR and _text(stream, part).startswith("custom"):
                seen.own[f"operator {_text(stream, part)!r}"] = None
            elif part.number == _ARGUMENTS:
                for value in _inside(stream, part, (2, 1, 2)):
                    _value(stream, value, seen)
            elif part.number == _ATTRIBUTES:
                for value in _inside(stream, part, (2,)):
                    _value(stream, value, seen)


def _value(stream: ProtobufStream, value: Field, seen: _Seen) -> None:
    """Note where a value of a program lies, when it lies in a file."""
    for blob in _inside(stream, value, (5,)):
        path, offset = "", 0
        for part in stream.fields(blob):
            if part.number == 1 and part.wire == BYTES:
                path = stream.read(part, _NAME_BYTES).decode("utf-8", "backslashreplace")
            elif part.number == 2 and part.wire == VARINT:
                offset = part.value
        inside = path.removeprefix(_WEIGHTS)
        if inside == path or ".." in inside.split("/") or inside.startswith("/"):
            seen.elsewhere.append(printable(path, 120))
        else:
            seen.places[inside] = max(seen.places.get(inside, 0), offset)


def _inside(stream: ProtobufStream, message: Field, way: tuple[int, ...]) -> Iterator[Field]:
    """Give the messages that lie at the end of a way of field numbers."""
    for part in stream.fields(message):
        if part.number == way[0] and part.wire == BYTES:
            if len(way) == 1:
                yield part
            else:
                yield from _inside(stream, part, way[1:])


def _first(stream: ProtobufStream, message: Field, number: int) -> str:
    return next((_text(stream, part) for part in _inside(stream, message, (number,))), "")


def _text(stream: ProtobufStream, part: Field) -> str:
    return printable(stream.read(part, _NAME_BYTES).decode("utf-8", "backslashreplace"), 60)
