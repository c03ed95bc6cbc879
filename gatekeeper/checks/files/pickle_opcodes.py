"""Every opcode of the pickle protocols 0 to 5: how its argument is read, and what it does to the machine.

A handler is given the machine, the block at hand and the index after the opcode; it returns the index of the next
one, which may lie behind the block. An argument that is cut off is noticed by whoever goes there. The meaning of each
is that of CPython's `Lib/pickletools.py`.
"""

from __future__ import annotations

import contextlib

from gatekeeper.checks.files.pickle_constants import (
    Handler,
    blob,
    double,
    double_line,
    long_number,
    number,
    number_1,
    number_line,
    old_words,
    push,
    read_line,
    words,
    words_line,
)
from gatekeeper.checks.files.pickle_machine import Machine
from gatekeeper.checks.files.pickle_record import Broken
from gatekeeper.checks.files.pickle_tape import LINE
from gatekeeper.checks.files.pickle_values import OPAQUE, Value, rows

_NEWEST = 5
"""Highest protocol that any unpickler knows."""


class Stop(Exception):  # noqa: N818 - the end of a pickle, not an error
    """The pickle ends here; the argument is the index after it."""


class Framed(Exception):  # noqa: N818 - the beginning of a frame, not an error
    """A frame begins here; the argument is the index of its first opcode."""


def _index_line(machine: Machine, data: bytes, at: int) -> tuple[int, int]:
    """Read a memo index; CPython's reader in C takes what stands before a zero byte, and both take `+5` and `5_0`."""
    line, after = read_line(machine, data, at)
    try:
        index = int(line.partition(b"\0")[0])
    except ValueError:
        raise Broken("a memo index is no number") from None
    if not line.isdigit():
        machine.note("pickle-odd", "a memo index is spelt as no pickler does", at)
    return index, after


def _put_line(machine: Machine, data: bytes, at: int) -> int:
    index, after = _index_line(machine, data, at)
    machine.store(index, at)
    return after


def _get_line(machine: Machine, data: bytes, at: int) -> int:
    index, after = _index_line(machine, data, at)
    machine.fetch(index)
    return after


def _put(width: int) -> Handler:
    def handle(machine: Machine, data: bytes, at: int) -> int:
        machine.store(int.from_bytes(data[at : at + width], "little"), at)
        return at + width

    return handle


def _get(width: int) -> Handler:
    def handle(machine: Machine, data: bytes, at: int) -> int:
        if at + width > len(data):
            raise Broken("an argument is cut off", truncated=True)
        machine.fetch(int.from_bytes(data[at : at + width], "little"))
        return at + width

    return handle


def _memoize(machine: Machine, _data: bytes, at: int) -> int:
    machine.memoize(at)
    return at


def _mark(machine: Machine, _data: bytes, at: int) -> int:
    machine.mark(at)
    return at


def _pop(machine: Machine, _data: bytes, at: int) -> int:
    if machine.stack or not machine.marks:
        machine.pop()
    else:
        machine.pop_mark()
    return at


def _pop_mark(machine: Machine, _data: bytes, at: int) -> int:
    machine.pop_mark()
    return at


def _dup(machine: Machine, _data: bytes, at: int) -> int:
    machine.stack.append(machine.top())
    return at


def _row(count: int) -> Handler:
    def handle(machine: Machine, _data: bytes, at: int) -> int:
        stack = machine.stack
        if len(stack) < count:
            raise Broken("an opcode takes more from the stack than there is")
        items = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        machine.row(items, at)
        return at

    return handle


def _marked_row(machine: Machine, _data: bytes, at: int) -> int:
    machine.row(machine.pop_mark(), at)
    return at


def _box(kind: str) -> Handler:
    def handle(machine: Machine, _data: bytes, at: int) -> int:
        machine.box(kind, [], at)
        return at

    return handle


def _marked_box(kind: str) -> Handler:
    def handle(machine: Machine, _data: bytes, at: int) -> int:
        machine.box(kind, _whole(kind, machine.pop_mark()), at)
        return at

    return handle


def _fill(kind: str) -> Handler:
    def handle(machine: Machine, _data: bytes, at: int) -> int:
        machine.fill(kind, _whole(kind, machine.pop_mark()), at)
        return at

    return handle


def _whole(kind: str, items: list[Value]) -> list[Value]:
    if kind == "dict" and len(items) % 2:
        raise Broken("a dictionary gets a key without a value")
    return items


def _append(machine: Machine, _data: bytes, at: int) -> int:
    item = machine.pop()
    machine.fill("list", [item], at)
    return at


def _set_item(machine: Machine, _data: bytes, at: int) -> int:
    value, key = machine.pop(), machine.pop()
    machine.fill("dict", [key, value], at)
    return at


def _names(machine: Machine, data: bytes, at: int) -> tuple[str, str, int]:
    module, after = _name(machine, data, at)
    attribute, end = _name(machine, data, after)
    frame = machine.frame_end - machine.tape.base
    if at < frame < after:
        _other_name(machine, data[frame : after - 1], attribute, at)
    elif after < frame < end:
        _other_name(machine, module, data[frame : end - 1], at)
    try:
        return module.decode("utf-8"), attribute.decode("utf-8"), end
    except UnicodeDecodeError as error:
        raise Broken("a name is no text") from error


def _other_name(machine: Machine, module: bytes, attribute: bytes, at: int) -> None:
    """Keep the name that CPython's unpickler in C reads when a line goes beyond its frame: it drops what is in it."""
    with contextlib.suppress(UnicodeDecodeError):
        machine.name(module.decode("utf-8"), attribute.decode("utf-8"), at - 1)
    machine.note("pickle-odd", "a name goes beyond its frame: unpicklers read different ones", at)


def _name(machine: Machine, data: bytes, at: int) -> tuple[bytes, int]:
    """Give a line of a name; at the end of the file Python's unpickler takes one without its end, less a byte."""
    if machine.tape.line(at) < 0 and len(data) - at <= LINE:
        return data[at:-1], len(data)
    return read_line(machine, data, at)


def _global(machine: Machine, data: bytes, at: int) -> int:
    module, attribute, end = _names(machine, data, at)
    machine.stack.append(machine.name(module, attribute, at - 1))
    return end


def _stack_global(machine: Machine, _data: bytes, at: int) -> int:
    machine.stack_global(at - 1)
    return at


def _inst(machine: Machine, data: bytes, at: int) -> int:
    module, attribute, end = _names(machine, data, at)
    callee = machine.name(module, attribute, at - 1)
    machine.row(machine.pop_mark(), at)
    machine.stack.append(machine.call(callee, machine.pop(), at - 1))
    return end


def _obj(machine: Machine, _data: bytes, at: int) -> int:
    items = machine.pop_mark()
    if not items:
        raise Broken("an instance is made of nothing")
    machine.row(items[1:], at)
    machine.stack.append(machine.call(items[0], machine.pop(), at - 1))
    return at


def _call(machine: Machine, _data: bytes, at: int) -> int:
    arguments, callee = machine.pop(), machine.pop()
    machine.stack.append(machine.call(callee, arguments, at - 1))
    return at


def _new(machine: Machine, _data: bytes, at: int) -> int:
    arguments, callee = machine.pop(), machine.pop()
    machine.stack.append(machine.call(callee, arguments, at - 1, new=True))
    return at


def _new_named(machine: Machine, _data: bytes, at: int) -> int:
    named, arguments, callee = machine.pop(), machine.pop(), machine.pop()
    machine.row([arguments, named], at)
    machine.stack.append(machine.call(callee, machine.pop(), at - 1, new=True))
    return at


def _build(machine: Machine, _data: bytes, at: int) -> int:
    return machine.build(at)


def _proto(machine: Machine, data: bytes, at: int) -> int:
    if at < len(data) and data[at] > _NEWEST:
        raise Broken(f"it is of protocol {data[at]}, which does not exist")
    return at + 1


def _frame(machine: Machine, data: bytes, at: int) -> int:
    here, length = machine.tape.base + at + 8, int.from_bytes(data[at : at + 8], "little")
    if at + 8 <= len(data) and here + length > machine.tape.end:
        # CPython's unpickler in C ends here; the one in Python, which joblib and torch build on, runs what is there.
        machine.frame_is_short, length = True, machine.tape.end - here
    if here - 9 < machine.frame_end:
        machine.note("pickle-odd", "a frame begins before the last one ends: unpicklers differ in how they read on", at)
    machine.frame_end = here + length
    raise Framed(at + 8)


def _id_line(machine: Machine, data: bytes, at: int) -> int:
    line, after = read_line(machine, data, at)
    machine.record.identified(line[:128].decode("utf-8", "replace"))
    machine.stack.append(OPAQUE)
    return after


def _id(machine: Machine, _data: bytes, at: int) -> int:
    value = machine.pop()
    machine.record.identified(value)
    # torch before 1.6 wrote a class with its source this way; its loader gives the class back.
    parts = rows(value)
    machine.stack.append(parts[1] if len(parts) > 1 and parts[0] == "module" else OPAQUE)
    return at


def _extension(width: int) -> Handler:
    def handle(machine: Machine, data: bytes, at: int) -> int:
        code = int.from_bytes(data[at : at + width], "little")
        machine.outside(f"it uses extension code {code}: what that is, the loading program's registry says", at)
        machine.stack.append(OPAQUE)
        return at + width

    return handle


def _buffer(machine: Machine, _data: bytes, at: int) -> int:
    machine.outside("it takes bytes from outside the file", at)
    machine.stack.append(OPAQUE)
    return at


def _readonly(machine: Machine, _data: bytes, at: int) -> int:
    machine.top()
    return at


def _stop(machine: Machine, _data: bytes, at: int) -> int:
    machine.pop()
    raise Stop(at)


def _unknown(_machine: Machine, data: bytes, at: int) -> int:
    raise Broken(f"byte {data[at - 1]:#04x} is no opcode")


_BY_CODE: dict[bytes, Handler] = {
    b"(": _mark, b".": _stop, b"0": _pop, b"1": _pop_mark, b"2": _dup, b"F": double_line, b"I": number_line,
    b"J": number(4, signed=True), b"K": number_1, b"L": number_line, b"M": number(2, signed=False),
    b"N": push(None), b"P": _id_line, b"Q": _id, b"R": _call, b"S": words_line("escape"), b"T": old_words(4),
    b"U": old_words(1), b"V": words_line("raw-unicode-escape"), b"X": words(4), b"a": _append, b"b": _build,
    b"c": _global, b"d": _marked_box("dict"), b"}": _box("dict"), b"e": _fill("list"), b"g": _get_line, b"h": _get(1),
    b"i": _inst, b"j": _get(4), b"l": _marked_box("list"), b"]": _box("list"), b"o": _obj, b"p": _put_line,
    b"q": _put(1), b"r": _put(4), b"s": _set_item, b"t": _marked_row, b")": _row(0), b"u": _fill("dict"), b"G": double,
    b"\x80": _proto, b"\x81": _new, b"\x82": _extension(1), b"\x83": _extension(2), b"\x84": _extension(4),
    b"\x85": _row(1), b"\x86": _row(2), b"\x87": _row(3), b"\x88": push(True), b"\x89": push(False),
    b"\x8a": long_number(1), b"\x8b": long_number(4), b"B": blob(4), b"C": blob(1), b"\x8c": words(1),
    b"\x8d": words(8), b"\x8e": blob(8), b"\x8f": _box("set"), b"\x90": _fill("set"), b"\x91": _marked_box("frozenset"),
    b"\x92": _new_named, b"\x93": _stack_global, b"\x94": _memoize, b"\x95": _frame, b"\x96": blob(8),
    b"\x97": _buffer, b"\x98": _readonly,
}  # fmt: skip

HANDLERS: tuple[Handler, ...] = tuple(_BY_CODE.get(bytes([code]), _unknown) for code in range(256))
"""By the opcode's byte."""
