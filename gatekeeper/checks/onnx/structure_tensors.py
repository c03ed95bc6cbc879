"""Whether every tensor says once, and in one way, what its elements are.

Two readers that prefer different fields of one tensor run two models: ONNX Runtime reads `raw_data` where it is
present, others the field of the type, and `onnx.checker` does not look into the attributes of functions.
"""

from __future__ import annotations

import math

from gatekeeper.checks.onnx.left_out import left_out
from gatekeeper.checks.onnx.problems import Tally
from gatekeeper.checks.onnx.structure_external import Places
from gatekeeper.checks.onnx.structure_walk import Held, Survey, text_of
from gatekeeper.text import printable

_FLOAT, _INT32, _STRING, _INT64, _RAW, _DOUBLE, _UINT64 = 4, 5, 6, 7, 9, 10, 11
_DATA = {_FLOAT: "float_data", _INT32: "int32_data", _STRING: "string_data", _INT64: "int64_data", _RAW: "raw_data",
         _DOUBLE: "double_data", _UINT64: "uint64_data"}  # fmt: skip
"""Number of a field of `TensorProto` → its name, for those that hold elements (onnx/onnx.proto)."""

_NUMBERS = {name: number for number, name in _DATA.items()}
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


def judge_tensors(found: Survey, mark: str, tally: Tally, places: Places) -> None:
    """Judge every tensor of a file.

    Args:
        found: Where they are.
        mark: Of those whose elements were left out before the file was parsed.
        tally: Takes the problems.
        places: Takes those that lie in other files.
    """
    for message, detail in found.odd:
        tally.add("two-values", message, detail)
    for held in found.tensors:
        _judge(held, mark, tally, places)


def _judge(held: Held, mark: str, tally: Tally, places: Places) -> None:
    given = {descriptor.number: value for descriptor, value in held.tensor.ListFields()}
    # Entries of a field, or bytes where it was left out or is `raw_data`.
    data = {number: len(given[number]) for number in given if number in _DATA and len(given[number])}
    gone = left_out(held.tensor, mark) if mark else ()
    data |= {_NUMBERS[part.field]: part.length for part in gone}
    entries = [(text_of(entry.key), text_of(entry.value)) for entry in given.get(_ELSEWHERE, ())]
    entries = entries[: len(entries) - len(gone) - 1] if gone else entries
    external = given.get(_PLACE) == _EXTERNAL and not gone
    dtype, dims = given.get(_DTYPE, 0), tuple(given.get(_DIMS, ()))
    if len(data) + external > 1:
        fields = [_DATA[number] for number in data] + ["another file"] * external
        _tell(tally, "two-data-fields", held, f"has elements in {' and in '.join(fields)}")
        return
    if entries and not external:
        _tell(tally, "two-data-fields", held, "names another file, and has elements in this one")
        return
    if _SEGMENT in given:
        _tell(tally, "data-field", held, "is a segment of one, which no reader puts together")
    elements = elements_of(dims)
    if dtype not in _FIELDS or elements is None or (external and dtype == _TEXT_DTYPE):
        _tell(tally, "impossible-tensor", held, "has a type or a shape that no tensor has there")
    elif external:
        places.add(_shown(held), text_of(held.tensor.name), entries, bytes_of(dtype, elements), tally)
    else:
        number = next(iter(data), 0)
        holds = _entries(number, data[number]) if gone else data.get(number, 0)
        _judge_data(held, number, holds, dtype, elements, tally)


def _entries(number: int, length: int) -> int | None:
    """Give how many entries a field has that was left out; None where they are of no fixed width."""
    width = {_RAW: 1, _FLOAT: 4, _DOUBLE: 8}.get(number)
    return length // width if width else None


def _judge_data(held: Held, number: int, holds: int | None, dtype: int, elements: int, tally: Tally) -> None:
    """Hold the elements that lie in the file against type and shape.

    Args:
        held: The tensor.
        number: Of the field that holds them; 0 for none.
        holds: Bytes in `raw_data`, or entries of another field; None when that can't be told.
        dtype: What it says that they are.
        elements: How many its shape asks for.
        tally: Takes the problem.
    """
    if number and number != _FIELDS[dtype] and not (number == _RAW and dtype != _TEXT_DTYPE):
        _tell(tally, "data-field", held, f"has its elements in {_DATA[number]}, which its type does not allow")
        return
    raw = number == _RAW
    wanted = bytes_of(dtype, elements) if raw else _numbers(dtype, elements)
    if holds is not None and holds != wanted:
        unit = "bytes" if raw else "elements"
        _tell(tally, "data-size", held, f"has {holds:,} {unit}, its type and shape ask for {wanted:,}")


def _tell(tally: Tally, slug: str, held: Held, rest: str) -> None:
    tally.add(slug, f"{_shown(held)} {rest}", text_of(held.tensor.name))


def _shown(held: Held) -> str:
    name = text_of(held.tensor.name)
    return f"the tensor {printable(name, 80)!r} in {held.where}" if name else f"a tensor in {held.where}"


def elements_of(dims: tuple[int, ...]) -> int | None:
    """Give the number of elements of a shape; None when there is no such tensor."""
    if any(size < 0 for size in dims):
        return None
    count = math.prod(dims) if len(dims) < _RANK else _MOST
    return count if count < _MOST else None


_RANK = 65
"""No tensor library takes more dimensions than 64."""


def bytes_of(dtype: int, elements: int) -> int:
    """Give the bytes that elements of a type take in `raw_data` or in another file."""
    return -(-elements * _BITS.get(dtype, 8) // 8)


def _numbers(dtype: int, elements: int) -> int:
    """Give how many entries of the field of its type some elements take: small types share one (onnx.proto)."""
    if dtype in _PAIRS:
        return 2 * elements
    bits = _BITS.get(dtype, 8)
    return -(-elements * bits // 8) if 8 % bits == 0 else elements  # six bits share none
