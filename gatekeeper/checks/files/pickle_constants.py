"""How the opcodes that push constants read them: numbers, texts, bytes, in all of a pickle's spellings."""

from __future__ import annotations

import codecs
from collections.abc import Callable

from gatekeeper.checks.files.pickle_machine import Machine
from gatekeeper.checks.files.pickle_record import Broken
from gatekeeper.checks.files.pickle_tape import LINE
from gatekeeper.checks.files.pickle_values import OPAQUE, Span, Value

Handler = Callable[[Machine, bytes, int], int]
"""Given the machine, the block and the index after the opcode; gives the index of the next opcode."""

LONG = 16
"""Bytes of an integer that is kept as it is."""

_DIGITS = 4300
"""Digits of an integer in decimal that Python reads and writes at all (`sys.int_info`); before 3.11 it read them all,
in time that grows with their square."""


def push(value: Value) -> Handler:
    """Push a value that the opcode itself says."""

    def handle(machine: Machine, _data: bytes, at: int) -> int:
        machine.stack.append(value)
        return at

    return handle


def number(width: int, *, signed: bool) -> Handler:
    """Push an integer of so many bytes."""

    def handle(machine: Machine, data: bytes, at: int) -> int:
        machine.stack.append(int.from_bytes(data[at : at + width], "little", signed=signed))
        return at + width

    return handle


def number_1(machine: Machine, data: bytes, at: int) -> int:
    """Push an integer of one byte."""
    machine.stack.append(data[at] if at < len(data) else 0)
    return at + 1


def double(machine: Machine, _data: bytes, at: int) -> int:
    """Push a float of eight bytes."""
    machine.stack.append(OPAQUE)
    return at + 8


def long_number(width: int) -> Handler:
    """Push an integer whose length comes first, in so many bytes."""

    def handle(machine: Machine, data: bytes, at: int) -> int:
        length = int.from_bytes(data[at : at + width], "little", signed=width == 4)
        if length < 0:
            raise Broken("a number has a negative length")
        start = at + width
        small = length <= LONG
        machine.stack.append(int.from_bytes(data[start : start + length], "little", signed=True) if small else OPAQUE)
        return start + length

    return handle


def words(width: int) -> Handler:
    """Push a text whose length comes first."""

    def handle(machine: Machine, data: bytes, at: int) -> int:
        start = at + width
        end = start + int.from_bytes(data[at:start], "little")
        machine.text(data, start, end)
        return end

    return handle


def blob(width: int) -> Handler:
    """Push bytes whose length comes first."""

    def handle(machine: Machine, data: bytes, at: int) -> int:
        start = at + width
        end = start + int.from_bytes(data[at:start], "little")
        machine.stack.append(Span(machine.tape.base + start, machine.tape.base + end, False))
        return end

    return handle


def old_words(width: int) -> Handler:
    """Texts of Python 2: text or bytes, as the loader's `encoding` says."""

    def handle(machine: Machine, data: bytes, at: int) -> int:
        start = at + width
        length = int.from_bytes(data[at:start], "little", signed=width == 4)
        if length < 0:
            raise Broken("a text has a negative length")
        machine.text(data, start, start + length)
        return start + length

    return handle


def read_line(machine: Machine, data: bytes, at: int) -> tuple[bytes, int]:
    """Give a line without its end, empty when it is very long, and the index after it."""
    after = machine.tape.line(at)
    if after < 0:
        raise Broken("a line has no end", truncated=True)
    return (data[at : after - 1] if after - at <= LINE else b""), after


def words_line(codec: str) -> Handler:
    """Push a text that is a line in some encoding."""

    def handle(machine: Machine, data: bytes, at: int) -> int:
        line, after = read_line(machine, data, at)
        base = machine.tape.base
        value: Value = Span(base + at, base + after - 1, True)
        if 0 < len(line) <= _SHORT_LINE:
            try:
                text = _unquoted(line) if codec == "escape" else line.decode(codec)
            except ValueError as error:
                raise Broken("a text can't be decoded") from error
            value = machine.short(text, at, after - 1)
        elif not line:
            value = ""
        machine.stack.append(value)
        return after

    return handle


_SHORT_LINE = 1024


def _unquoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("no quotes")
    return codecs.escape_decode(line[1:-1])[0].decode("latin-1")


def number_line(machine: Machine, data: bytes, at: int) -> int:
    """Push an integer or truth value that is a line."""
    line, after = read_line(machine, data, at)
    if after - at > _DIGITS + 4:  # a sign, an L and the line's end
        machine.greedy(f"a number of {after - at - 1} digits, which unpicklers refuse or take very long for", at)
    machine.stack.append({b"00": False, b"01": True}.get(line, plain_int(line)))
    return after


def plain_int(line: bytes) -> Value:
    """Unpicklers differ in what they take for a number; one that isn't plain is nothing special."""
    digits = line.rstrip(b"L").strip()
    return int(digits) if len(digits) <= 2 * LONG and digits.lstrip(b"-").isdigit() else OPAQUE


def double_line(machine: Machine, data: bytes, at: int) -> int:
    """Push a float that is a line."""
    machine.stack.append(OPAQUE)
    return read_line(machine, data, at)[1]
