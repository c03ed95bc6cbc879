"""Whether every tensor says once, and in one way, what its elements are.

Two readers that prefer different fields of one tensor run two models: ONNX Runtime reads `raw_data` where it is
present, others the field of the type, and `onnx.checker` does not look into the attributes of functions.
"""

from __future__ import annotations

import math

from gatekeeper.checks.onnx.problems import Tally
from gatekeeper.checks.onnx.structure_external import Places
from gatekeeper.checks.onnx.structure_walk import Held, Survey, text_of
from gatekeeper.text import printable

_FLOAT, _INT32, _STRING, _INT64, _RAW, _DOUBLE, _UINT64 = 4, 5, 6, 7, 9, 10, 11
_DATA = {_FLOAT: "float_data", _INT32: "int32_data", _STRING: "string_data", _INT64: "int64_data", _RAW: "raw_data",
         _DOUBLE: "double_data", _UINT64: "uint64_data"}  # fmt: skip
"""Number of a field of `TensorProto` → its name, for those that hold elements (onnx/onnx.proto)."""

_DIMS, _DTYPE, _SEGMENT, _NAME, _ELSEWHERE, _PLACE = 1, 2, 3, 8, 13, 14
_EXTERNAL = 1
_TEXT_DTYPE = 8
_FIELDS = {
    **dict.fromkeys((1, 14), _FLOAT), **dict.fromkeys((2, 3, 4, 5, 6, 9, 10, 16, *range(17, 29)), _INT32),
    _TEXT_DTYPE: _STRING, 7: _INT64, 11: _DOUBLE, 15: _DOUBLE, 12: _UINT64, 13: _UINT64,
}  # fmt: skip
"""`TensorProto.DataType` → the field that holds such elements when `raw_data` does not."""

_BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64, 14: 64, 15: 128, 16: 16,
         17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4, 24: 8, 25: 2, 26: 2, 27: 6, 28: 6}  # fmt: skip
_PAIRS = frozenset({14, 15})
"""Complex types, of which each element takes two numbers."""

_MOST = 2**62
"""More elements than this are no tensor's; products of sizes stay small."""


def judge_tensors(found: Survey, tally: Tally, places: Places) -> None:
    """Judge every tensor of a file.

    Args:
        found: Where they are.
        tally: Takes the problems.
        places: Takes those that lie in other files.
    """
    for message, detail in found.odd:
        tally.add("two-values", message, detail)
    for held in found.tensors:
        _judge(held, tally, places)


def _judge(held: Held, tally: Tally, places: Places) -> None:
    given = {descriptor.number: value for descriptor, value in held.tensor.ListFields()}
    data = [number for number in given if number in _DATA and len(given[number])]
    external = given.get(_PLACE) == _EXTERNAL
    dtype, dims = given.get(_DTYPE, 0), tuple(given.get(_DIMS, ()))
    name = text_of(given.get(_NAME, ""))
    shown = f"the tensor {printable(name, 80)!r} in {held.where}" if name else f"a tensor in {held.where}"
    if len(data) + external > 1:
        fields = [_DATA[number] for number in data] + ["another file"] * external
        tally.add("two-data-fields", f"{shown} has elements in {' and in '.join(fields)}", name)
        return
    if given.get(_ELSEWHERE) and not external:
        tally.add("two-data-fields", f"{shown} names another file, and says that its elements lie in this one", name)
        return
    if _SEGMENT in given:
        tally.add("data-field", f"{shown} is a segment of one, which no reader puts together", name)
    elements = _elements(dims)
    if dtype not in _FIELDS or elements is None:
        tally.add("impossible-tensor", f"{shown} has an unknown type or an impossible shape", name)
    elif external:
        _judge_external(held, shown, name, _bytes(dtype, elements), tally, places)
    else:
        _judge_data(given, data, dtype, elements, shown, name, tally)


def _judge_external(held: Held, shown: str, name: str, wanted: int, tally: Tally, places: Places) -> None:
    if held.tensor.data_type == _TEXT_DTYPE:
        tally.add("impossible-tensor", f"{shown} has texts in another file, which no reader knows how to read", name)
        return
    entries = [(text_of(entry.key), text_of(entry.value)) for entry in held.tensor.external_data]
    places.add(shown, name, entries, wanted, tally)


def _judge_data(
    given: dict[int, object], data: list[int], dtype: int, elements: int, shown: str, name: str, tally: Tally
) -> None:
    """Hold the elements that lie in the file against type and shape."""
    number = data[0] if data else 0
    if number and number != _FIELDS[dtype] and not (number == _RAW and dtype != _TEXT_DTYPE):
        tally.add("data-field", f"{shown} has its elements in {_DATA[number]}, which its type does not allow", name)
        return
    holds = len(given[number]) if number else 0  # type: ignore[arg-type]
    if number == _RAW:
        wanted, unit = _bytes(dtype, elements), "bytes"
    else:
        wanted, unit = _numbers(dtype, elements), "elements"
    if holds != wanted:
        message = f"{shown} has {holds:,} {unit}, its type and shape ask for {wanted:,}"
        tally.add("data-size", message, name)


def _elements(dims: tuple[int, ...]) -> int | None:
    """Give the number of elements of a shape; None when there is no such tensor."""
    if any(size < 0 for size in dims):
        return None
    count = math.prod(dims) if len(dims) < _RANK else _MOST
    return count if count < _MOST else None


_RANK = 65
"""No tensor library takes more dimensions than 64."""


def _bytes(dtype: int, elements: int) -> int:
    return -(-elements * _BITS.get(dtype, 8) // 8)


def _numbers(dtype: int, elements: int) -> int:
    """Give how many entries of the field of its type some elements take: small types share one (onnx.proto)."""
    if dtype in _PAIRS:
        return 2 * elements
    bits = _BITS.get(dtype, 8)
    return -(-elements * bits // 8) if 8 % bits == 0 else elements  # six bits share none
