"""Seccomp (Linux): system calls that no reader of files needs are refused, whatever code makes them.

A list of what is refused, since libraries use what they like of the rest: network, new processes and programs, other
processes, mounts and namespaces, raised limits, and calls that carry out other calls (io_uring).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

from gatekeeper.confined.kernel import prctl

_PR_SET_SECCOMP = 22
_FILTER = 2
_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Machine → its column below, and its audit number (linux/audit.h)."""

_REFUSED = {
    "socket": (41, 198), "connect": (42, 203), "accept": (43, 202), "sendto": (44, 206), "sendmsg": (46, 211),
    "recvmsg": (47, 212), "bind": (49, 200), "listen": (50, 201), "socketpair": (53, 199), "accept4": (288, 242),
    "sendmmsg": (307, 269),
    "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "process_madvise": (440, 440), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "tkill": (200, 130),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "mount_setattr": (442, 442), "mknodat": (259, 33),
    "open_by_handle_at": (304, 265), "swapon": (167, 224), "swapoff": (168, 225),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "setrlimit": (160, 164), "personality": (135, 92),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
}  # fmt: skip
"""Name → number on x86_64 and aarch64 (asm/unistd_64.h, asm-generic/unistd.h)."""

_FORKS = ((57, 58), ())
"""fork and vfork, which aarch64 never had."""

_CLONE, _CLONE3, _KILL, _TGKILL, _PRLIMIT = (56, 220), (435, 435), (62, 129), (234, 131), (302, 261)
_CLONE_THREAD = 0x10000
_X32 = 0x40000000
"""Bit of the numbers of the x32 interface, which would get past the list."""

# Classic BPF (linux/bpf_common.h): load a word, jump if equal, if at least, if any bit is set, return.
_LOAD, _EQUAL, _LEAST, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`; both architectures are little-endian, so an argument's low word comes first."""

_Line = tuple[int, int, int, int]


def refuse_system_calls() -> bool:
    """Refuse the list for this process and all threads that it starts, for good; needs `kernel.gain_nothing`."""
    if sys.platform != "linux" or platform.machine() not in _ARCHITECTURES or sys.maxsize < 2**32:
        return False
    column, audit = _ARCHITECTURES[platform.machine()]
    lines = program(column, audit, os.getpid())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(lines), ctypes.addressof(code)))
    return prctl(_PR_SET_SECCOMP, _FILTER, ctypes.c_void_p(ctypes.addressof(header)))


def program(column: int, audit: int, process: int) -> list[_Line]:
    """Write the filter.

    Args:
        column: Of the tables above.
        audit: The architecture's audit number.
        process: Number of the process, which may send signals to itself alone.
    """
    no = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    number = (_LOAD, 0, 0, _NUMBER)
    lines: list[_Line] = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL_PROCESS), number]
    lines += [(_LEAST, 0, 1, _X32), no]
    for refused in (*(numbers[column] for numbers in _REFUSED.values()), *_FORKS[column]):
        lines += [(_EQUAL, 0, 1, refused), no]
    # Its flags lie in memory, where a filter can't look; "no such call" makes the C library use clone instead.
    lines += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    lines += [(_EQUAL, 0, 4, _CLONE[column]), _argument(0), (_BITS, 1, 0, _CLONE_THREAD), no, number]
    for call in (_KILL, _TGKILL):
        lines += [(_EQUAL, 0, 4, call[column]), _argument(0), (_EQUAL, 1, 0, process), no, number]
    # prlimit with a null pointer only asks.
    lines += [(_EQUAL, 0, 6, _PRLIMIT[column]), _argument(2), (_EQUAL, 0, 2, 0), _argument(2, high=True)]
    lines += [(_EQUAL, 1, 0, 0), no, number]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _argument(index: int, *, high: bool = False) -> _Line:
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index + 4 * high)
