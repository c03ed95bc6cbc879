"""Walks over the pickles of a file: which names they import, what they call, and what is odd about them.

Nothing is built and nothing imported. The file is read forward in blocks, so its size does not matter, and every cost
is bounded in work: opcodes, memo, marks, depth, names. joblib's arrays, and pickles in bytes that a reviewed function
would unpickle, are followed where they lie.
"""

from __future__ import annotations

import contextlib
import io
import re
from typing import BinaryIO

from gatekeeper.checks.files.joblib_arrays import WRAPPERS, ArrayError, array_bytes, width
from gatekeeper.checks.files.pickle_machine import Machine
from gatekeeper.checks.files.pickle_opcodes import HANDLERS, Framed, Stop
from gatekeeper.checks.files.pickle_record import Broken, Record, Spent, Splice
from gatekeeper.checks.files.pickle_tape import Tape
from gatekeeper.checks.files.pickle_values import Global, Made, Row, Span, Value, globals_in, rows, shown
from gatekeeper.limits import Limits

_LEGACY_STREAMS = 5
"""Magic number, protocol, system, the object and the list of storages (torch/serialization.py, `_legacy_load`)."""

_UNPICKLING = frozenset({"torch.storage._load_from_bytes"})
"""Functions that unpickle their argument, which torch writes as a file of its old format."""

_SPELT = re.compile(r"[A-Za-z_]\w+(\.[A-Za-z_]\w+)+\Z", re.ASCII)
"""A module and an attribute that array bytes do not spell by chance."""

_ENCODERS = frozenset({"_codecs.encode", "codecs.encode"})
"""How bytes are written in protocol 2: text in Latin-1."""

_NESTED_BYTES = 64 << 20


def walk_file(
    reader: BinaryIO, size: int, limits: Limits, *, legacy: bool = False, record: Record | None = None, depth: int = 0
) -> Record:
    """Walk over all pickles of a file, one after the other.

    Args:
        reader: The file, seekable.
        size: Its size in bytes.
        limits: `pickle_*` bound the work.
        legacy: Whether it is of torch's old format: five pickles, and then bytes that are none.
        record: Where to keep what is seen; a new one if none.
        depth: Pickles around this one.

    Returns:
        What was seen. What follows a break is not looked at: no unpickler would get there.
    """
    record = record or Record(limits=limits)
    start = number = 0
    while start < size and (number < _LEGACY_STREAMS if legacy else True):
        if number >= limits.pickle_streams:
            record.gaps.append(f"more than {limits.pickle_streams} pickles follow each other")
            break
        names = len(record.imports)
        try:
            start = walk_pickle(reader, start, size, record, depth=depth)
        except Spent as spent:
            record.gaps.append(f"not walked to its end: {spent}")
            break
        except Broken as broken:
            if number and not legacy and len(record.imports) == names:
                record.note("pickle-trailing", f"{size - start} bytes that are no pickle follow the pickle", start)
            else:
                _note_break(record, broken, start)
            break
        number += 1
    if legacy and number < _LEGACY_STREAMS and start >= size:
        record.truncated = True
    return record


def walk_pickle(reader: BinaryIO, start: int, end: int, record: Record, *, depth: int = 0, splices: bool = True) -> int:
    """Walk over one pickle.

    Args:
        reader: The file.
        start: Offset of its first opcode.
        end: Offset that it can't go beyond.
        record: Where everything seen goes.
        depth: Pickles around this one.
        splices: Whether to read joblib's arrays as joblib does.

    Returns:
        The offset after it.

    Raises:
        Broken: When no unpickler gets to its end.
        Spent: When a budget is used up.
    """
    tape = Tape(reader, start, end)
    machine = Machine(record, tape)
    guide = _Guide(reader, depth)
    machine.on_call = guide.called
    if splices:
        machine.on_build = guide.built
    try:
        index = _run(machine, record.limits.pickle_opcodes >> depth)
    finally:
        if guide.met:
            _walk_again(reader, start, end, record)
    if machine.frame_is_short:
        raise Broken("a frame is longer than what is left", truncated=True)
    after = tape.base + index
    if after < machine.frame_end:
        record.note("pickle-odd", "the pickle ends inside a frame: unpicklers differ in where they go on", after)
    if machine.stack or machine.marks:
        record.note("pickle-odd", "the pickle leaves values on the stack, which no pickler does", after)
    return after


def _run(machine: Machine, most: int) -> int:
    """Step to the end of the pickle, at most so many opcodes; gives the index after it.

    Pickles in pickles get half as many at each level, so that all of them together are bounded.
    """
    at = 0
    while True:
        try:
            _step(machine, at, most)
        except Framed as framed:
            at = framed.args[0]
        except Stop as stop:
            after: int = stop.args[0]
            return after


def _step(machine: Machine, at: int, most: int) -> None:
    """Step until a frame begins or the pickle ends, both of which are raised."""
    record, tape = machine.record, machine.tape
    data, seen, handlers = tape.block, record.seen, HANDLERS
    framed = machine.frame_end > tape.base + at
    bound = min(tape.soft, machine.frame_end - tape.base - 1) if framed else tape.soft
    count = 0
    try:
        for count in range(max(0, most - record.opcodes)):  # noqa: B007 - told in the end
            if at > bound:
                if framed and tape.base + at >= machine.frame_end:
                    framed = False
                    _leave_frame(machine, at)
                if at > tape.soft:
                    if tape.is_last:
                        raise Broken("the pickle ends before its end", truncated=True)
                    tape.move(tape.base + at)
                    data, at = tape.block, 0
                bound = min(tape.soft, machine.frame_end - tape.base - 1) if framed else tape.soft
            code = data[at]
            seen[code] = 1
            at = handlers[code](machine, data, at + 1)
    except IndexError:
        if at < len(data):
            raise
        raise Broken("the pickle ends before its end", truncated=True) from None
    finally:
        record.opcodes += count + 1
    raise Spent(f"it has more than {record.limits.pickle_opcodes} opcodes")


def _leave_frame(machine: Machine, at: int) -> None:
    """Note an argument that goes beyond its frame: CPython's reader in C drops the part in the frame."""
    if machine.tape.base + at > machine.frame_end:
        machine.note("pickle-odd", "an opcode goes beyond its frame: unpicklers read different things there", at)


def _note_break(record: Record, broken: Broken, start: int) -> None:
    if broken.truncated:
        record.truncated = True
    else:
        record.note("pickle-broken", f"the pickle breaks off: {broken.message}", start)


def _walk_again(reader: BinaryIO, start: int, end: int, record: Record) -> None:
    """Read a joblib file as `pickle.load` does, to which its arrays are opcodes: only names that it meets count."""
    again = Record(limits=record.limits, opcodes=record.opcodes)
    with contextlib.suppress(Broken, Spent):
        walk_pickle(reader, start, end, again, splices=False)
    for name, found in again.imports.items():
        if name not in record.imports and _SPELT.match(name):
            record.imported(found.module, found.attribute, found.offset)
            if name in again.calls:
                record.calls[name] = again.calls[name]


class _Guide:
    """Follows what loaders read besides the opcodes.

    Args:
        reader: The file.
        depth: Pickles around this one.
    """

    def __init__(self, reader: BinaryIO, depth: int) -> None:
        self._reader = reader
        self._depth = depth
        self.met = False
        """Whether there was an array of joblib's, which `pickle.load` takes for opcodes."""

    def called(self, machine: Machine, callee: Global, arguments: Value, at: int) -> None:
        """Look at a call of a name: does it unpickle, or make an array wrapper in a hidden way?"""
        if callee.name in _UNPICKLING:
            self._nested(machine, callee, arguments, at)
        if any(found.name in WRAPPERS for found in globals_in(arguments)):
            message = "it makes an array wrapper in another way than joblib does, so readers differ in what follows"
            machine.note("pickle-odd", message, at)

    def built(self, machine: Machine, target: Made, state: Value, at: int) -> int:
        """Step over the array whose wrapper is complete now, as joblib does; gives the index to go on at."""
        name = target.callee.name if target.callee else ""
        if name == "numpy.dtype":
            target.arguments = target.arguments if _fits(target, state) else None
        if name not in WRAPPERS:
            return at
        self.met = True
        tape = machine.tape
        here = tape.base + at
        if machine.frame_end > here:
            raise Broken("an array stands in the middle of a frame")
        machine.stack[-1] = Made(None, None, keep=False)
        try:
            length = array_bytes(state, lambda offset: tape.read(offset, offset + 1), here)
        except ArrayError as error:
            raise Broken(f"an array of joblib's can't be followed: {error}") from error
        end = here + length if length is not None else self._objects(machine, here)
        if end > tape.end:
            raise Broken("an array is cut off", truncated=True)
        if machine.frame_end == here:
            machine.frame_end = end  # the array stands between two frames
        machine.record.splices.append(Splice(start=here, end=end, pickled=length is None))
        return end - tape.base

    def _objects(self, machine: Machine, here: int) -> int:
        """Walk over the pickle that an array of objects is."""
        self._deeper(machine)
        end = machine.tape.end
        return walk_pickle(self._reader, here, end, machine.record, depth=self._depth + 1, splices=False)

    def _nested(self, machine: Machine, callee: Global, arguments: Value, at: int) -> None:
        """Walk over the bytes that a function unpickles."""
        argument = rows(arguments)[0] if isinstance(arguments, Row) and rows(arguments) else None
        data = self._content(machine, argument)
        if data is None:
            machine.note("pickle-computed", f"{shown(callee)} unpickles something that is no plain bytes", at)
            return
        if data[:2] == b"PK":
            machine.note("pickle-odd", f"{shown(callee)} unpickles an archive, which it never does by itself", at)
            return
        self._deeper(machine)
        record = machine.record
        inner = Record(limits=record.limits, opcodes=record.opcodes)
        walk_file(io.BytesIO(data), len(data), record.limits, legacy=True, record=inner, depth=self._depth + 1)
        record.opcodes = inner.opcodes
        offset = machine.tape.base + at
        for found in inner.imports.values():
            record.imported(found.module, found.attribute, offset)
        record.calls.update(inner.calls)
        record.passed |= inner.passed
        for problem in inner.problems:
            record.note(problem.slug, f"in the pickle that {shown(callee)} unpickles: {problem.message}", offset)
        record.gaps += inner.gaps
        record.truncated = record.truncated or inner.truncated
        for identifier in inner.ids:
            record.identified(identifier)

    def _content(self, machine: Machine, argument: Value) -> bytes | None:
        """Give a constant's bytes, also when protocol 2 wrote them as text."""
        if isinstance(argument, Span) and not argument.text and argument.end - argument.start <= _NESTED_BYTES:
            return machine.tape.read(argument.start, argument.end)
        if not isinstance(argument, Made) or argument.callee is None or argument.callee.name not in _ENCODERS:
            return None
        text, *codec = rows(argument.arguments) or (None,)
        if codec not in (["latin1"], ["latin-1"]):
            return None
        try:
            if isinstance(text, str):
                return text.encode("latin-1")
            if isinstance(text, Span) and text.end - text.start <= _NESTED_BYTES:
                return machine.tape.read(text.start, text.end).decode("utf-8").encode("latin-1")
        except ValueError:
            return None
        return None

    def _deeper(self, machine: Machine) -> None:
        if self._depth >= machine.record.limits.pickle_nesting:
            raise Spent(f"pickles are nested more than {machine.record.limits.pickle_nesting} deep")


def _fits(kind: Made, state: Value) -> bool:
    """Whether a data type's state leaves its width as its name tells it (numpy's `dtype.__reduce__`)."""
    parts = rows(state)
    return len(parts) >= 6 and parts[2] is None and (parts[5] == -1 or parts[5] == width(kind))
