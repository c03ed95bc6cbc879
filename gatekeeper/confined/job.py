"""The child of one job: everything is taken away from it before it sees a byte of the request."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from gatekeeper.confined import frames, kernel, landlock, seccomp
from gatekeeper.confined.bounds import Bounds

Entry = Callable[[bytes, Callable[[bytes], None]], None]
"""What a job runs: it is given the request and a way to answer, as often as it likes."""

_OPEN_FILES = 256
_ERROR_CHARACTERS = 300
HOLDS: dict[str, bool] = {}
"""What this process has given up: the server's part, and in a job everything."""

NO_MEMORY = "out of memory"
"""What a job says that reached its bound on memory in Python's own code."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One job, as the server was asked for it."""

    bounds: Bounds
    writable: Path | None
    readable: tuple[Path, ...] | None
    request: bytes


def run(job: Job, entry: Entry, pipe: int, parent: int) -> NoReturn:
    """Be the job: confine this process, work, leave. Never returns.

    Args:
        job: What to do.
        entry: What does it.
        pipe: Where answers go.
        parent: Process number of the server.
    """
    status = 1
    try:
        confine(job, parent)
        entry(job.request, lambda data: frames.write(pipe, frames.ANSWER, data))
        status = 0
    except MemoryError:
        status = _give_up(pipe, NO_MEMORY)
    # SystemExit too: nothing but the end of `entry` is a good end.
    except BaseException as error:
        status = _give_up(pipe, f"{type(error).__name__}: {error}"[:_ERROR_CHARACTERS])
    finally:
        os._exit(status)


def _give_up(pipe: int, reason: str) -> int:
    frames.write(pipe, frames.ERROR, reason.encode("utf-8", "backslashreplace"))
    return 0


def confine(job: Job, parent: int) -> None:
    """Take away what the platform can take away, for good, and keep in `HOLDS` what that was."""
    os.setpgid(0, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails, with a reason
    place = str(job.writable or Path.cwd())
    os.chdir(place)
    os.environ["TMPDIR"] = tempfile.tempdir = place
    kernel.gain_nothing()
    HOLDS["writing"] = landlock.restrict(job.writable, job.readable)
    kernel.drop_capabilities()
    kernel.die_with_parent(parent)
    limit(job.bounds)
    HOLDS["cpu"] = HOLDS["wall"] = HOLDS["file size"] = True
    HOLDS["memory"] = sys.platform == "linux"
    HOLDS["system calls"] = HOLDS["processes"] = seccomp.refuse_system_calls()
    HOLDS["network"] = HOLDS.get("network", False) or HOLDS["system calls"]
    if sys.platform != "linux":
        # Counts all of the user's processes, so that no more can be started. Root is exempt from it.
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        HOLDS["processes"] = os.geteuid() != 0


def tell(_request: bytes, answer: Callable[[bytes], None]) -> None:
    """Be a job that says what holds for it, as JSON."""
    answer(json.dumps(HOLDS).encode())


def limit(bounds: Bounds) -> None:
    """Set the kernel's limits on this process."""
    # The second after which the kernel kills is for a job that ignores the signal.
    _limit(resource.RLIMIT_CPU, bounds.cpu_seconds, bounds.cpu_seconds + 1)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_FSIZE, bounds.file_bytes, bounds.file_bytes)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES)
    if bounds.memory_bytes and sys.platform == "linux":
        _limit(resource.RLIMIT_AS, bounds.memory_bytes, bounds.memory_bytes)


def _limit(what: int, soft: int, hard: int) -> None:
    """Lower a limit; where it is lower already it stays."""
    most = resource.getrlimit(what)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(what, (soft, hard))
