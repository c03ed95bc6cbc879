"""Landlock (Linux 5.13): a process gives up files and connections for good, without being root.

Numbers and structures: linux/landlock.h. The three system calls have the same numbers on every architecture.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from gatekeeper.confined.kernel import libc

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_EXECUTE = 1
_NET = 0b11
"""Binding and connecting of TCP."""

_SCOPES = 0b11
"""Abstract sockets and signals to processes outside."""

_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Version → every right over files that it knows."""

_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/proc/meminfo", "/proc/cpuinfo", *_DEVICES,
)  # fmt: skip


def version() -> int:
    """Say which version of the interface the kernel has; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(libc().syscall(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))))


def restrict(writable: Path | None, readable: Iterable[Path] | None) -> bool:
    """Leave this process one folder to write to; needs `kernel.gain_nothing`.

    Nothing can be executed afterwards, and where the kernel knows how (version 4), no TCP connection be made.

    Args:
        writable: The folder; None for none.
        readable: What may be read besides the system's and Python's own files; None for everything.

    Returns:
        Whether it holds.
    """
    known = version()
    if not known:
        return False
    every = _RIGHTS[max(each for each in _RIGHTS if each <= known)]
    reading = _READ_FILE | _READ_FOLDER
    handled = every if readable is not None else every & ~reading
    ruleset = _create(known, handled)
    if ruleset < 0:
        return False
    try:
        if writable is not None:
            _allow(ruleset, writable, handled & ~_EXECUTE)
        for device in _DEVICES:
            _allow(ruleset, Path(device), handled & (_WRITE_FILE | _TRUNCATE | _READ_FILE))
        if readable is not None:
            for path in (*map(Path, _SYSTEM), *map(Path, (sys.prefix, sys.base_prefix, *sys.path)), *readable):
                _allow(ruleset, path, reading)
        return bool(libc().syscall(_RESTRICT, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _create(known: int, handled: int) -> int:
    fields = [handled, *([_NET] if known >= 4 else []), *([_SCOPES] if known >= 6 else [])]
    attributes = struct.pack(f"={len(fields)}Q", *fields)
    return int(libc().syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)))


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Add a rule; what can't be opened can't be used either."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not path.is_dir():
                rights &= _READ_FILE | _WRITE_FILE | _TRUNCATE
            rule = struct.pack("=Qi", rights, descriptor)
            libc().syscall(_ADD, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
        finally:
            os.close(descriptor)
