"""Whether bytes would run as a pickle, told without running them.

Protocols 2 and up begin with `PROTO`, but the unpickler does not ask for it, and protocols 0 and 1 are printable
text. So the first opcodes are walked, keeping only the depth of the stack: bytes that import a name with an intact
stack are a pickle for every loader, whatever their file is called. Arguments are stepped over and not decoded where
unpicklers differ in what they accept (`I0x10`, encodings of strings), so that the walk goes on wherever one of them
would.
"""

from __future__ import annotations

import pickletools
import re
from enum import Enum, auto

_MOST_OPCODES = 5_000
_NAME = re.compile(rb"[A-Za-z_][A-Za-z0-9_.]*\Z")
_NUMBER = re.compile(rb"[\s0-9A-Za-z_.+-]{1,4096}\Z")
_CALLS = frozenset({"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "STOP"})
_NUMBERS = frozenset({"INT", "LONG", "FLOAT", "GET", "PUT"})
_MARK = pickletools.markobject
_OPCODES = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
_COUNTS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
"""Kind of counted argument → bytes of the count."""


class Probe(Enum):
    """What a walk over the first opcodes came to."""

    NO = auto()
    """No unpickler would get past these bytes, or it would import nothing."""

    RUNS = auto()
    """It would import a name and use it."""

    OPEN = auto()
    """Everything was sound as far as the walk went: more bytes are needed to tell."""


def has_proto(head: bytes) -> bool:
    """Whether the bytes begin with `PROTO` and a protocol that exists."""
    return len(head) >= 2 and head[0] == 0x80 and head[1] <= 5


def imports_names(head: bytes) -> bool:
    """Whether the bytes, walked from the first one, import a name and then use it."""
    return probe(head, complete=True) is Probe.RUNS


def probe(head: bytes, *, complete: bool) -> Probe:
    """Walk the first opcodes of a file.

    Args:
        head: Its beginning.
        complete: Whether that is all of it; if not, being cut off in the middle of an opcode leaves the answer open.

    Returns:
        `RUNS` after an import with plausible names and then a call or the end, all with a sound stack; `OPEN` after
        more opcodes than any other file begins with by chance, or at the end of an incomplete head.
    """
    depth: list[int] = [0]  # items above each open mark
    imported = False
    at = 0
    for _ in range(_MOST_OPCODES):
        if at >= len(head):
            break
        opcode = _OPCODES.get(head[at])
        if opcode is None:
            return Probe.NO
        start, at = at + 1, _end_of_argument(opcode, head, at + 1)
        if at < 0 or at > len(head):
            break
        if not _plausible(opcode.name, head[start:at]) or not _apply(depth, opcode):
            return Probe.NO
        imported = imported or opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL")
        if imported and opcode.name in _CALLS:
            return Probe.RUNS
        if opcode.name == "STOP":
            return Probe.NO
    else:
        return Probe.OPEN
    return Probe.NO if complete else Probe.OPEN


def _end_of_argument(opcode: pickletools.OpcodeInfo, head: bytes, at: int) -> int:
    """Give the offset after the opcode's argument; negative when the bytes at hand don't tell."""
    if opcode.arg is None:
        return at
    if opcode.arg.n == pickletools.UP_TO_NEWLINE:
        end = head.find(b"\n", at)
        if end >= 0 and opcode.name in ("GLOBAL", "INST"):
            end = head.find(b"\n", end + 1)
        return end + 1 if end >= 0 else -1
    width = _COUNTS.get(opcode.arg.n)
    if width is None:
        return at + opcode.arg.n
    return at + width + int.from_bytes(head[at : at + width], "little") if at + width <= len(head) else -1


def _plausible(name: str, argument: bytes) -> bool:
    """Whether some unpickler takes the argument, as far as that is cheap to say."""
    if name in ("GLOBAL", "INST"):
        return all(_NAME.match(part) for part in argument.split(b"\n")[:2])
    if name == "PERSID":
        return argument.isascii()
    return name not in _NUMBERS or bool(_NUMBER.match(argument))


def _apply(depth: list[int], opcode: pickletools.OpcodeInfo) -> bool:
    """Move the stack as the opcode would; False when it would underflow."""
    before = opcode.stack_before
    if opcode.name == "POP" and not depth[-1] and len(depth) > 1:  # POP may take a mark
        depth.pop()
        return True
    if _MARK in before:
        if len(depth) < 2:
            return False
        depth.pop()
        before = before[: before.index(_MARK)]
    if depth[-1] < len(before):
        return False
    depth[-1] -= len(before)
    for item in opcode.stack_after:
        if item is _MARK:
            depth.append(0)
        else:
            depth[-1] += 1
    return True
