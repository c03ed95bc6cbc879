"""What Linux alone can take away from a process, by calls that Python does not wrap."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from functools import cache
from typing import Any

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522


@cache
def libc() -> Any:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def prctl(operation: int, argument: Any = 0, more: Any = 0) -> bool:
    """Ask the kernel for an operation on this process; False when the kernel refuses it or there is none."""
    if sys.platform != "linux":
        return False
    zero = ctypes.c_ulong(0)
    arguments = [each if isinstance(each, ctypes.c_void_p) else ctypes.c_ulong(each) for each in (argument, more)]
    return bool(libc().prctl(operation, *arguments, zero, zero) == 0)


def leave_network() -> bool:
    """Move this process to a network of its own that reaches nothing, not even this machine.

    A user may do that in a user namespace; root may do it without one. Needs a process with one thread.
    """
    if sys.platform != "linux":
        return False
    return any(libc().unshare(flags) == 0 for flags in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))


def gain_nothing() -> bool:
    """Let no program that this process starts have more rights than it has; seccomp and Landlock ask for that."""
    return prctl(_PR_SET_NO_NEW_PRIVS, 1)


def hide() -> bool:
    """Keep other processes of the same user from tracing this one and reading its memory, and it from dumping core."""
    return prctl(_PR_SET_DUMPABLE, 0)


def die_with_parent(parent: int) -> bool:
    """End this process with its parent.

    Args:
        parent: Process number of the parent, which may be gone already.
    """
    asked = prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    return asked


def drop_capabilities() -> bool:
    """Give up all capabilities, for good: root's, and those that a new user namespace brings."""
    if sys.platform != "linux":
        return False
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    return bool(libc().capset(header, (ctypes.c_uint32 * 6)()) == 0)


def prefer_to_end() -> None:
    """When memory runs out for all, let the kernel end this process and its children before its parent."""
    if sys.platform == "linux":
        try:
            descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            os.write(descriptor, b"500")
        finally:
            os.close(descriptor)
