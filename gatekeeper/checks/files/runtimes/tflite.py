"""TFLite models: which operators they call, and whether tensors have the bytes that their shapes ask for.

Field numbers after `tensorflow/compiler/mlir/lite/schema/schema.fbs`, version 3 of the format.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from gatekeeper.checks.files.problem import UNJUDGED, Problem, StructureError, UnsupportedError
from gatekeeper.checks.files.runtimes.flatbuffer import Flatbuffer, Table
from gatekeeper.checks.files.tensorflow_graph import harmless
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_VERSION, _CODES, _GRAPHS, _DESCRIPTION, _BUFFERS, _METADATA, _SIGNATURES, _ELSEWHERE = 0, 1, 2, 3, 4, 6, 7, 8
_OLD_CODE, _CUSTOM_NAME, _NEW_CODE = 0, 1, 3
_TENSORS, _INPUTS, _OUTPUTS, _OPERATORS = 0, 1, 2, 3
_SHAPE, _TYPE, _BUFFER, _NAME, _SPARSITY = 0, 1, 2, 3, 6
_CODE, _TAKES, _GIVES, _OPTIONS = 0, 1, 2, 5
_DATA, _OFFSET, _SIZE = 0, 1, 2
_CUSTOM, _LAST_BUILTIN = 32, 220
_KNOWN = frozenset(
    {
        "TFLite_Detection_PostProcess", "Mfcc", "AudioSpectrogram", "NumericVerify", "Convolution2DTransposeBias",
        "MaxPoolingWithArgmax2D", "MaxUnpooling2D", "TransformTensorBilinear", "TransformLandmarks",
        "Landmarks2TransformMatrix",
    }
)  # fmt: skip
"""Custom operators that only compute: those that TFLite's own resolver brings (tensorflow/lite/core/kernels) and
those of MediaPipe (mediapipe/util/tflite/operations)."""

_FLEX = "Flex"
_BITS = {0: 32, 1: 16, 2: 32, 3: 8, 4: 64, 6: 8, 7: 16, 8: 64, 9: 8, 10: 64, 11: 128, 12: 64, 15: 32, 16: 16, 17: 4,
         18: 16, 19: 2, 20: 4}  # fmt: skip
"""Bits of one value by `TensorType`; texts, resources and variants have no fixed width."""

_LAST_TYPE = 20
_NAME_BYTES = 200
_ALIGNMENT = 64
"""Zero bytes that may follow the last part, and a few more to tell an archive by."""

_LONG = 65_536
"""Most elements of a shape or a list of inputs."""


def judge_tflite(reader: BinaryIO, _name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
    """Judge a model: its operators, and every tensor against its buffer.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `flatbuffer_tables` bounds the parts that are read.
    """
    file = Flatbuffer(reader, size, tables=limits.flatbuffer_tables)
    try:
        model = file.root()
        if model.number(_VERSION, "I") != 3:
            raise StructureError("malformed", "it is not of version 3, the only one that there is", offset=4)
        yield from _judge_codes(model.tables(_CODES))
        buffers = [_length(file, buffer) for buffer in model.tables(_BUFFERS)]
        codes = model.length(_CODES, 4)
        for graph in model.tables(_GRAPHS):
            yield from _judge_graph(file, graph, buffers, codes)
        for entry in model.tables(_METADATA):
            entry.text(0, _NAME_BYTES)
        for signature in model.tables(_SIGNATURES):
            signature.text(2, _NAME_BYTES)
        model.text(_DESCRIPTION, _NAME_BYTES)
        if model.tables(_ELSEWHERE):
            raise UnsupportedError("its weights lie in other files")
        yield from _judge_end(reader, file.end, size)
    except StructureError as error:
        yield error.problem
    except UnsupportedError as error:
        yield Problem(slug=UNJUDGED, message=str(error))


def _judge_codes(codes: list[Table]) -> Iterator[Problem]:
    own: dict[str, None] = {}
    for code in codes:
        number = max(code.number(_OLD_CODE, "b"), code.number(_NEW_CODE, "i"))
        name = code.text(_CUSTOM_NAME, _NAME_BYTES)
        if number == _CUSTOM and name.startswith(_FLEX):
            if name.removeprefix(_FLEX) not in harmless():
                message = (
                    f"it calls TensorFlow's {printable(name.removeprefix(_FLEX), 80)!r}, which may reach for files"
                )
                yield Problem(slug="reaches-out", message=message, offset=code.at, detail=printable(name, 80))
        elif number == _CUSTOM and name not in _KNOWN:
            own[printable(name, 60)] = None
        elif not 0 <= number <= _LAST_BUILTIN:
            own[f"number {number}"] = None
    if own:
        message = f"operators that TFLite does not bring: {', '.join(list(own)[:5])}"
        yield Problem(slug="own-operator", message=message, detail=next(iter(own)))


def _judge_graph(file: Flatbuffer, graph: Table, buffers: list[int], codes: int) -> Iterator[Problem]:
    graph.text(4, _NAME_BYTES)
    tensors = graph.tables(_TENSORS)
    for tensor in tensors:
        yield from _judge_tensor(tensor, buffers)
    for numbers in (graph.numbers(_INPUTS, "i", _LONG), graph.numbers(_OUTPUTS, "i", _LONG)):
        yield from _judge_numbers(numbers, len(tensors), graph)
    for operator in graph.tables(_OPERATORS):
        if operator.number(_CODE, "I") >= codes:
            yield Problem(slug="malformed", message="an operator has a number that there is not", offset=operator.at)
        for numbers in (operator.numbers(_TAKES, "i", _LONG), operator.numbers(_GIVES, "i", _LONG)):
            yield from _judge_numbers(numbers, len(tensors), operator)
        operator.length(_OPTIONS)


def _judge_numbers(numbers: tuple[int, ...], tensors: int, where: Table) -> Iterator[Problem]:
    if numbers and not -1 <= min(numbers) <= max(numbers) < tensors:
        yield Problem(
            slug="malformed", message="an operator or graph names a tensor that there is not", offset=where.at
        )


def _judge_tensor(tensor: Table, buffers: list[int]) -> Iterator[Problem]:
    name = printable(tensor.text(_NAME, _NAME_BYTES), 80)
    kind, buffer = tensor.number(_TYPE, "b"), tensor.number(_BUFFER, "I")
    shape = tensor.numbers(_SHAPE, "i", _LONG)
    if not 0 <= kind <= _LAST_TYPE or buffer >= max(1, len(buffers)) or min(shape, default=0) < -1:
        message = f"tensor {name!r} has an unknown type, an impossible shape or no buffer"
        yield Problem(slug="malformed", message=message, offset=tensor.at, detail=name)
    elif buffer and buffers[buffer] and kind in _BITS and not tensor.table(_SPARSITY):
        wanted = -(-math.prod(shape) * _BITS[kind] // 8)
        if wanted != buffers[buffer]:
            message = f"tensor {name!r} has {buffers[buffer]} bytes, its type and shape ask for {wanted}"
            yield Problem(slug="malformed", message=message, offset=tensor.at, detail=name)


def _length(file: Flatbuffer, buffer: Table) -> int:
    """Give the bytes of a buffer, which lie within the tables or, in files of more than two gigabytes, after them."""
    offset, size = buffer.number(_OFFSET, "Q"), buffer.number(_SIZE, "Q")
    if offset > 1:
        file.span(offset, size)
        return size
    return buffer.length(_DATA)


def _judge_end(reader: BinaryIO, end: int, size: int) -> Iterator[Problem]:
    """Say what follows the last part; labels follow in a zip archive, which is looked into as one."""
    reader.seek(end)
    rest = reader.read(_ALIGNMENT).lstrip(b"\0")
    if rest and not rest.startswith((b"PK\3\4", b"PK\5\6")):
        yield Problem(slug="trailing", message=f"{size - end} bytes follow the last part", offset=end)
