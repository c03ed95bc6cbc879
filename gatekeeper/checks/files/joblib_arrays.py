"""Where joblib spliced array bytes into a pickle: `joblib.load` steps over them, other readers trip.

`joblib.dump` writes a `NumpyArrayWrapper`, and after its BUILD a byte of padding length, the padding and the array's
bytes; then the pickle goes on (joblib/numpy_pickle.py). The stack is followed symbolically, nothing is built.
"""

from __future__ import annotations

import io
import math
import pickletools
import re
from dataclasses import dataclass, field
from typing import Any

WRAPPER = b"NumpyArrayWrapper"
_WRAPPERS = ("joblib.numpy_pickle.NumpyArrayWrapper", "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper")
_DTYPE = "numpy.dtype"
_PADDED = "numpy_array_alignment_bytes"
_TYPE = re.compile(r"[<>|=]?([a-zA-Z])(\d+)\Z")
_MARK = object()
_OPAQUE = object()


@dataclass(frozen=True, slots=True)
class _Global:
    name: str


@dataclass(frozen=True, slots=True)
class _Made:
    """The result of calling a global."""

    name: str
    arguments: tuple[Any, ...]


@dataclass(slots=True)
class _Machine:
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def pop(self) -> Any:
        return self.stack.pop() if self.stack else _OPAQUE

    def pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while self.stack and (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """A wrapper that has its state: the array's bytes come next."""

    state: dict[str, Any]

    @property
    def holds_objects(self) -> bool:
        kind = self.state.get("dtype")
        return isinstance(kind, _Made) and kind.name == _DTYPE and kind.arguments[:1] in (("O",), ("O8",))


def joblib_streams(data: bytes) -> list[bytes]:
    """Give the pickles of a joblib file as `joblib.load` reads them.

    Args:
        data: The file, decompressed.

    Returns:
        The pickle itself, with everything that is spliced into it left out; then the pickles of arrays of objects,
        which stand in the middle of it.

    Raises:
        ValueError: When it can't be followed to its end.
    """
    machine = _Machine()
    reader = io.BytesIO(data)
    kept: list[bytes] = []
    inner: list[bytes] = []
    start = 0
    while True:
        wrapped = _walk_to_array(machine, reader)
        kept.append(data[start : reader.tell()])
        if wrapped is None:
            return [b"".join(kept), *inner]
        start = reader.tell()
        if wrapped.holds_objects:
            for _ in pickletools.genops(reader):
                pass
            inner.append(data[start : reader.tell()])
            start = reader.tell()
        else:
            start += _array_length(wrapped, data, start)
        if start > len(data):
            raise ValueError("an array is cut off")
        reader.seek(start)


def _walk_to_array(machine: _Machine, reader: io.BytesIO) -> _Wrapped | None:
    """Follow the stream to the end of a wrapper, or to the end of the pickle (None)."""
    for opcode, argument, _ in pickletools.genops(reader):
        _step(machine, opcode, argument)
        top = machine.stack[-1] if machine.stack else None
        if opcode.name == "BUILD" and isinstance(top, _Wrapped):
            machine.stack[-1] = _OPAQUE
            return top
    return None


def _array_length(wrapped: _Wrapped, data: bytes, at: int) -> int:
    state = wrapped.state
    kind, shape = state.get("dtype"), state.get("shape")
    width = _width(kind)
    if width is None or not isinstance(shape, tuple) or not all(type(extent) is int for extent in shape):
        raise ValueError("an array whose length is not told")
    length = width * math.prod(shape)
    if state.get(_PADDED) is not None:
        if at >= len(data):
            raise ValueError("an array is cut off")
        length += 1 + data[at]
    if length < 0:
        raise ValueError("an array of negative length")
    return length


def _width(kind: Any) -> int | None:
    if not isinstance(kind, _Made) or kind.name != _DTYPE:
        return None
    match = _TYPE.match(kind.arguments[0]) if kind.arguments and isinstance(kind.arguments[0], str) else None
    if not match or match[1] == "O":
        return None
    return int(match[2]) * (4 if match[1] == "U" else 1)


def _step(machine: _Machine, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
    handler = _HANDLERS.get(opcode.name)
    if handler is not None:
        handler(machine, argument)
        return
    if not opcode.stack_before and len(opcode.stack_after) == 1:
        machine.stack.append(argument)
        return
    before = [item for item in opcode.stack_before if item not in (pickletools.markobject, pickletools.stackslice)]
    if pickletools.markobject in opcode.stack_before:
        machine.pop_to_mark()
    for _ in before:
        machine.pop()
    machine.stack.extend(_OPAQUE for _ in opcode.stack_after)


def _push(value: Any) -> Any:
    return lambda machine, _argument: machine.stack.append(value)


def _tuple(count: int) -> Any:
    def make(machine: _Machine, _argument: Any) -> None:
        items = [machine.pop() for _ in range(count)]
        machine.stack.append(tuple(items[::-1]))

    return make


def _set_items(machine: _Machine, _argument: Any) -> None:
    items = machine.pop_to_mark()
    if machine.stack and isinstance(machine.stack[-1], dict):
        _update(machine.stack[-1], items)


def _set_item(machine: _Machine, _argument: Any) -> None:
    value, key = machine.pop(), machine.pop()
    if machine.stack and isinstance(machine.stack[-1], dict):
        _update(machine.stack[-1], [key, value])


def _update(target: dict[str, Any], items: list[Any]) -> None:
    pairs = zip(items[::2], items[1::2], strict=False)
    target.update({key: value for key, value in pairs if isinstance(key, str)})


def _global(machine: _Machine, argument: Any) -> None:
    machine.stack.append(_Global(str(argument).replace(" ", ".")))


def _stack_global(machine: _Machine, _argument: Any) -> None:
    name, module = machine.pop(), machine.pop()
    machine.stack.append(_Global(f"{module}.{name}"))


def _call(machine: _Machine, _argument: Any) -> None:
    arguments, target = machine.pop(), machine.pop()
    if isinstance(arguments, tuple) and any(isinstance(item, _Global) and item.name in _WRAPPERS for item in arguments):
        raise ValueError("an array wrapper made in another way than joblib does")
    known = isinstance(target, _Global) and isinstance(arguments, tuple)
    machine.stack.append(_Made(target.name, arguments) if known else _OPAQUE)


def _build(machine: _Machine, _argument: Any) -> None:
    """Set a state; where that could make a wrapper that is not seen here, the walk must not go on guessing."""
    state = machine.pop()
    target = machine.stack[-1] if machine.stack else None
    name = target.name if isinstance(target, _Made) else ""
    if not name or (name in _WRAPPERS and not isinstance(state, dict)):
        raise ValueError("a state that could make an array wrapper of something")
    if name in _WRAPPERS:
        machine.stack[-1] = _Wrapped(state)
    elif isinstance(target, _Made) and target.name == _DTYPE and not _fits(target, state):
        machine.stack[-1] = _Made(_DTYPE, ())


def _fits(kind: _Made, state: Any) -> bool:
    """Whether a data type's state leaves its width as its name tells it (numpy's `dtype.__reduce__`)."""
    if not isinstance(state, tuple) or len(state) < 6:
        return False
    return state[2] is None and (state[5] == -1 or state[5] == _width(kind))


def _put(machine: _Machine, argument: Any) -> None:
    if machine.stack:
        machine.memo[len(machine.memo) if argument is None else int(argument)] = machine.stack[-1]


def _get(machine: _Machine, argument: Any) -> None:
    machine.stack.append(machine.memo.get(int(argument), _OPAQUE))


_HANDLERS: dict[str, Any] = {
    "MARK": _push(_MARK),
    "NONE": _push(None),
    "NEWTRUE": _push(True),
    "NEWFALSE": _push(False),
    "EMPTY_TUPLE": _push(()),
    "EMPTY_DICT": lambda machine, _argument: machine.stack.append({}),
    "TUPLE": lambda machine, _argument: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": _tuple(1),
    "TUPLE2": _tuple(2),
    "TUPLE3": _tuple(3),
    "SETITEMS": _set_items,
    "SETITEM": _set_item,
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BUILD": _build,
    "DUP": lambda machine, _argument: machine.stack.append(machine.stack[-1] if machine.stack else _OPAQUE),
    "PROTO": lambda _machine, _argument: None,
    "FRAME": lambda _machine, _argument: None,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _get),
}
