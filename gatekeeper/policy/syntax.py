"""The syntax tree of a checked expression, read from the bytes that the CEL engine hands out.

The engine's own tree says for certain which facts an expression mentions and what they are compared with; reading
the source text with patterns would be a guess. The bytes are a `cel.expr.CheckedExpr` in protobuf's wire format
(`checked.proto` and `syntax.proto` of cel-spec, https://github.com/google/cel-spec), wrapped in an `Any`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_DEPTH = 100
"""Nesting of an expression, in nodes."""

# Field numbers of the messages, by message.
_ANY_TYPE, _ANY_VALUE = 1, 2
_CHECKED_EXPR, _CHECKED_SOURCE = 4, 5
_SOURCE_POSITIONS = 4
_EXPR_ID, _EXPR_CONST, _EXPR_IDENT, _EXPR_SELECT, _EXPR_CALL, _EXPR_LIST, _EXPR_LOOP = 2, 3, 4, 5, 6, 7, 9
_CONST_STRING = 6
_IDENT_NAME = 1
_LOOP_PARTS = frozenset({2, 4, 5, 6, 7})  # range, initial value, condition, step, result
_CALL_TARGET, _CALL_FUNCTION, _CALL_ARGS = 1, 2, 3
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class SyntaxTreeError(ValueError):
    """The bytes are not a tree that this module reads; the message says how."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One node of the tree."""

    offset: int
    """Where it stands in the source, in code points; of a call, where its operator or bracket stands."""

    raw: bytes
    """The node as an `Expr` message."""

    fact: str = ""
    """Name, when it is a variable."""

    text: str | None = None
    """Value, when it is a literal string."""

    function: str = ""
    """Name, when it is a call; operators look like `_&&_`."""

    items: tuple[Node, ...] = ()
    """Arguments of a call (its receiver first), elements of a list, or the parts of anything else."""

    def walk(self) -> Iterator[Node]:
        """Give this node and all below it."""
        yield self
        for item in self.items:
            yield from item.walk()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A checked expression."""

    root: Node
    _type_url: bytes
    _fields: tuple[tuple[int, bytes], ...]

    def part(self, node: Node) -> bytes:
        """Give one node of this tree as an expression of its own, for the engine to evaluate."""
        checked = b"".join(
            _field(number, node.raw if number == _CHECKED_EXPR else value) for number, value in self._fields
        )
        return _field(_ANY_TYPE, self._type_url) + _field(_ANY_VALUE, checked)


def read(serialised: bytes) -> Tree:
    """Read what the engine's `Expression.serialize` gives.

    Raises:
        SyntaxTreeError: When the bytes are not of that form, or nested deeper than `MAX_DEPTH`.
    """
    wrapper = dict(_messages(serialised))
    fields = tuple(_messages(wrapper.get(_ANY_VALUE, b"")))
    by_number = dict(fields)
    if _CHECKED_EXPR not in by_number:
        raise SyntaxTreeError("no expression in it")
    source = by_number.get(_CHECKED_SOURCE, b"")
    positions = dict(_pair(entry) for number, entry in _messages(source) if number == _SOURCE_POSITIONS)
    return Tree(
        root=_node(by_number[_CHECKED_EXPR], positions, 0),
        _type_url=wrapper.get(_ANY_TYPE, b""),
        _fields=fields,
    )


def _node(raw: bytes, positions: dict[int, int], depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise SyntaxTreeError(f"nested deeper than {MAX_DEPTH}")
    fields = list(_wire(raw))
    number = next((value for key, value in fields if key == _EXPR_ID and isinstance(value, int)), 0)
    offset = positions.get(number, 0)
    kind, body = next(((key, value) for key, value in fields if isinstance(value, bytes)), (0, b""))
    parts = list(_messages(body))
    if kind == _EXPR_IDENT:
        return Node(offset=offset, raw=raw, fact=dict(parts).get(_IDENT_NAME, b"").decode(errors="replace"))
    if kind == _EXPR_CONST:
        text = dict(parts).get(_CONST_STRING)
        return Node(offset=offset, raw=raw, text=None if text is None else text.decode(errors="replace"))
    function = dict(parts).get(_CALL_FUNCTION, b"").decode(errors="replace") if kind == _EXPR_CALL else ""
    below = [value for key, value in parts if _is_expression(kind, key)]
    return Node(
        offset=offset,
        raw=raw,
        function=function,
        items=tuple(_node(item, positions, depth + 1) for item in below),
    )


def _is_expression(kind: int, key: int) -> bool:
    """Whether a field of a node of this kind is itself a node."""
    if kind == _EXPR_CALL:
        return key in {_CALL_TARGET, _CALL_ARGS}
    if kind in {_EXPR_SELECT, _EXPR_LIST}:
        return key == 1
    return kind == _EXPR_LOOP and key in _LOOP_PARTS


def _pair(entry: bytes) -> tuple[int, int]:
    """Read an entry of a `map<int64, int32>`, whose zeros are left out."""
    fields = dict(_wire(entry))
    key, value = fields.get(1, 0), fields.get(2, 0)
    if not isinstance(key, int) or not isinstance(value, int):
        raise SyntaxTreeError("a position is no number")
    return key, value


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    return ((number, value) for number, value in _wire(data) if isinstance(value, bytes))


def _wire(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Read protobuf's wire format, https://protobuf.dev/programming-guides/encoding/."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == _VARINT:
            value, position = _varint(data, position)
            yield number, value
            continue
        if wire_type == _BYTES:
            length, position = _varint(data, position)
        elif wire_type in {_FIXED32, _FIXED64}:
            length = 4 if wire_type == _FIXED32 else 8
        else:
            raise SyntaxTreeError(f"wire type {wire_type}")
        if position + length > len(data):
            raise SyntaxTreeError("cut short")
        if wire_type == _BYTES:
            yield number, data[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise SyntaxTreeError("a number is cut short")


def _field(number: int, value: bytes) -> bytes:
    return _encoded(number << 3 | _BYTES) + _encoded(len(value)) + value


def _encoded(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)
