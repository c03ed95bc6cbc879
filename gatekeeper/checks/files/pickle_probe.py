"""Whether bytes would run as a pickle, told without running them.

Protocols 2 and up begin with `PROTO`, but the unpickler does not ask for it, and protocols 0 and 1 are printable
text. So the first opcodes are walked with `pickletools`, keeping only the depth of the stack: bytes that import
a name with an intact stack are a pickle for every loader, whatever their file is called.
"""

from __future__ import annotations

import io
import pickletools
import re
from typing import Any

_MOST_OPCODES = 5_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_CALLS = frozenset({"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD", "STOP"})
_MARK = pickletools.markobject


def has_proto(head: bytes) -> bool:
    """Whether the bytes begin with `PROTO` and a protocol that exists."""
    return len(head) >= 2 and head[0] == 0x80 and head[1] <= 5


def imports_names(head: bytes) -> bool:
    """Whether the bytes, walked from the first one, import a name and then use it.

    Args:
        head: Beginning of a file; being cut off in the middle of an opcode does no harm.

    Returns:
        True when the walk met an import with plausible names and then a call or the end with a sound stack.
    """
    depth: list[int] = [0]  # items above each open mark
    imported = False
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(io.BytesIO(head))):
            if count > _MOST_OPCODES or not _apply(depth, opcode):
                return False
            imported = imported or _imports(opcode.name, argument)
            if imported and opcode.name in _CALLS:
                return True
    except Exception:  # pickletools raises whatever a decoder meets; here all of it means that the walk is over
        return False
    return False


def _imports(name: str, argument: Any) -> bool:
    if name == "STACK_GLOBAL":
        return True
    if name not in {"GLOBAL", "INST"}:
        return False
    module, _, attribute = str(argument).partition(" ")
    return bool(_NAME.match(module) and _NAME.match(attribute))


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
