"""The side that asks: starts the server's process, hands it jobs and reads how they ended."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gatekeeper.confined import frames
from gatekeeper.confined.bounds import Bounds, Ending
from gatekeeper.confined.folders import private_folder
from gatekeeper.confined.job import NO_MEMORY
from gatekeeper.limits import GIB, MIB
from gatekeeper.text import printable

_ROOT = Path(__file__).resolve().parents[2]
_START = """
import json, sys, types
sys.path[:], packages, entry, warm = json.loads(sys.argv[1])
for name, places in packages.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = places
from gatekeeper.confined.serving import serve
serve(entry, warm)
"""
"""The server's first lines. Bare packages stand in for those around the entry, so that importing it does not import
everything that stands beside it: that is half of the time that it takes to start."""

_START_SECONDS = 60.0
_GRACE_SECONDS = 10.0
"""For the server to notice that a job's time is up."""

_END_SECONDS = 2.0
_LIVES = 2


class _LostError(Exception):
    """The server's process is gone or silent."""


class Server:
    """A fresh interpreter that does jobs in confined children, one after the other.

    Use it as a context manager, from one thread. The process starts with `start`, or with the first job; starting it
    early lets it import while this process does something else.

    Args:
        entry: `package.module:function` with `function(request: bytes, answer: Callable[[bytes], None]) -> None`. The
            packages around the module are bare there: their `__init__` is not run.
        warm: Modules that are imported once, before the first job.
    """

    def __init__(self, entry: str, warm: tuple[str, ...] = ()) -> None:
        self._entry = entry
        self._warm = warm
        self._lives = _LIVES
        self._process: _Process | None = None
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Make ready; nothing is started yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and whatever job it runs."""
        self._drop()
        self._resources.close()

    def start(self) -> None:
        """Begin to start the process, unless it runs; does not wait for it. What fails here is said by `run`."""
        if self._process is None and self._lives:
            self._lives -= 1
            with contextlib.suppress(OSError):
                self._process = _Process(self._command(), self._folder())

    def run(
        self, request: bytes, bounds: Bounds, writable: Path | None = None, readable: Iterable[Path] | None = None
    ) -> Ending:
        """Do one job.

        Args:
            request: Given to the entry.
            bounds: What it may cost.
            writable: The one folder that it may write to, and its working folder; None for none.
            readable: What it may read besides Python's and the system's own files and `writable`; None for everything
                that this user may read. Both hold where `abilities` says "writing".

        Returns:
            How it ended. A server that is lost is started again once; its job is not.
        """
        for _ in range(_LIVES):
            self.start()
            if self._process is None:
                continue
            try:
                self._process.ready()
                return self._process.do(request, bounds, writable, readable)
            except _LostError as lost:
                busy = self._process.busy
                self._drop()
                if busy:
                    return Ending(output=b"", error=f"the server of confined children was lost: {lost}")
        return Ending(output=b"", error="the server of confined children can't be started")

    def _drop(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def _folder(self) -> Path:
        return self._resources.enter_context(private_folder())

    def _command(self) -> list[str]:
        arguments = json.dumps([_search_path(), _bare_packages(self._entry), self._entry, self._warm])
        return [sys.executable, "-I", "-B", "-c", _START, arguments]


class _Process:
    """One life of a server."""

    def __init__(self, command: list[str], folder: Path) -> None:
        environment = {"PATH": "", "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter, with our own lines
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment | threads,  # a fork keeps one thread, so there must be no others
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - for the type checker: pipes were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._requests, self._results = self._process.stdin, self._process.stdout
        self._ready = False
        self.busy = False
        """Whether it is at a job."""

    def ready(self) -> None:
        """Wait until it can take a job.

        Raises:
            _LostError: When it ended instead.
        """
        if not self._ready:
            self._piece(frames.READY, 0, _clock(_START_SECONDS))
            self._ready = True

    def do(self, request: bytes, bounds: Bounds, writable: Path | None, readable: Iterable[Path] | None) -> Ending:
        """Do one job.

        Raises:
            _LostError: When the process ended; `busy` says whether it had taken the job.
        """
        header = {
            "bounds": asdict(bounds),
            "writable": None if writable is None else str(writable),
            "readable": None if readable is None else [str(path) for path in readable],
        }
        try:
            frames.write(self._requests.fileno(), frames.HEADER, json.dumps(header).encode())
            self.busy = True
            frames.write(self._requests.fileno(), frames.ANSWER, request)
        except OSError as error:
            raise _LostError("it ended") from error
        left = _clock(bounds.wall_seconds + _GRACE_SECONDS)
        told = json.loads(self._piece(frames.HEADER, frames.MOST_HEADER, left))
        # What was read last may be more than the bound, by one piece at most.
        output = self._piece(frames.ANSWER, bounds.output_bytes + (1 << 16), left)
        self.busy = False
        return _ending(output, told, bounds)

    def end(self) -> None:
        """End it; when it is at a job it goes by itself, and takes that with it, since nobody can ask any more."""
        with contextlib.suppress(OSError):
            self._requests.close()
        if self.busy:
            with contextlib.suppress(_LostError):  # its pipe closes with it; waiting on the process would poll
                self._read(sys.maxsize, _clock(_END_SECONDS))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._results.close()

    def _piece(self, kind: bytes, most: int, left: Callable[[], float]) -> bytes:
        found, length = frames.head(self._read(frames.HEAD_BYTES, left))
        if found != kind or length > most:
            raise _LostError("it answered nonsense")
        return self._read(length, left)

    def _read(self, length: int, left: Callable[[], float]) -> bytes:
        data = bytearray()
        descriptor = self._results.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while len(data) < length:
            if not poll.poll(left() * 1000):
                raise _LostError("it does not answer")
            piece = os.read(descriptor, min(length - len(data), 1 << 20))
            if not piece:
                raise _LostError("it ended")
            data += piece
        return bytes(data)


def _clock(seconds: float) -> Callable[[], float]:
    """Give a function that says how many of these seconds are left, at least 0."""
    deadline = time.monotonic() + seconds
    return lambda: max(0.0, deadline - time.monotonic())


def _ending(output: bytes, told: dict[str, Any], bounds: Bounds) -> Ending:
    answers, reason = bytearray(), ""
    end = 0
    for kind, data in frames.whole(output):
        end += frames.HEAD_BYTES + len(data)
        if kind == frames.ERROR:
            reason = data.decode("utf-8", "replace")
            break
        answers += data
    cause = _cause(told["stopped"], told["status"], told["cpu"], bounds)
    if not cause and reason:
        cause = _memory(bounds) if reason == NO_MEMORY else f"it failed: {printable(reason, 300)}"
    if not cause and end != len(output):
        cause = "it ended in the middle of an answer"
    return Ending(output=bytes(answers), error=cause, cpu_seconds=told["cpu"])


def _cause(stopped: str, status: int, cpu: float, bounds: Bounds) -> str:
    if stopped:
        return f"it was stopped: {stopped} ({getattr(bounds, stopped)}) were used up"
    if status == -signal.SIGXCPU or (status == -signal.SIGKILL and cpu >= bounds.cpu_seconds):
        return f"it was stopped: cpu_seconds ({bounds.cpu_seconds}) were used up"
    if status == -signal.SIGKILL:
        return "it was killed: the machine ran out of memory, or somebody did it"
    if status < 0:
        return f"it crashed with signal {-status} ({signal.Signals(-status).name})"
    return f"it ended early with status {status}" if status else ""


def _memory(bounds: Bounds) -> str:
    return f"it was stopped: memory_bytes ({bounds.memory_bytes}) were used up"


def _search_path() -> list[str]:
    """Give the server this process's modules, without the entries that a hostile folder could fill."""
    here = Path.cwd()
    entries = [Path(entry) for entry in sys.path if entry and Path(entry).is_absolute()]
    return [str(_ROOT), *(str(entry) for entry in entries if entry not in (here, _ROOT))]


def _bare_packages(entry: str) -> dict[str, list[str]]:
    """Say where the packages around an entry lie, but for the outermost."""
    parts = entry.partition(":")[0].split(".")[:-1]
    around = [".".join(parts[: length + 1]) for length in range(1, len(parts))]
    return dict(_places(around))


def _places(names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    for name in names:
        found = importlib.util.find_spec(name)
        if found is not None and found.submodule_search_locations is not None:
            yield name, list(found.submodule_search_locations)


@cache
def abilities() -> dict[str, bool]:
    """Say what holds for a job on this machine; starts one to find out. All false when none can be started."""
    bounds = Bounds(cpu_seconds=5, wall_seconds=30, memory_bytes=GIB, file_bytes=MIB, output_bytes=MIB)
    names = ("cpu", "wall", "memory", "file size", "processes", "system calls", "writing", "network")
    with Server("gatekeeper.confined.job:tell") as server:
        ending = server.run(b"", bounds)
    try:
        told = json.loads(ending.output) if not ending.error else {}
    except ValueError:
        told = {}
    return {name: told.get(name) is True for name in names}
