"""The server's process: imports once, forks a child for each job, and carries bytes. It parses none of them.

It runs jobs one after the other, watches each of them with a clock, and ends with its parent.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.confined import frames, job, kernel
from gatekeeper.confined.bounds import Bounds

_PIECE = 1 << 16
_LINGER_SECONDS = 1.0
"""How long a child may take to be gone once its pipe is closed."""


class _GoneError(Exception):
    """Nobody asks or listens any more."""


@dataclass(kw_only=True, slots=True)
class _Watched:
    """What became of one job."""

    output: bytearray
    stopped: str = ""
    """The bound for which it was stopped, by its name."""

    status: int = 0
    """Exit status, or minus the signal that ended it."""

    cpu: float = 0.0
    """CPU time that it used, in seconds."""


def serve(entry: str, warm: list[str]) -> None:
    """Answer requests on standard input until it is closed."""
    requests, results = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # whatever prints must not be taken for an answer
        os.dup2(nowhere, standard)
    os.close(nowhere)
    kernel.prefer_to_end()
    module, _, name = entry.partition(":")
    for each in warm:
        importlib.import_module(each)
    work: job.Entry = getattr(importlib.import_module(module), name)
    job.HOLDS["network"] = kernel.leave_network()
    kernel.hide()
    gc.collect()
    gc.freeze()  # what is never collected is never written to, so children share its pages
    try:
        frames.write(results, frames.READY, b"")
        while True:
            _answer(results, _watch(_next(requests), work, requests, results))
    except (_GoneError, BrokenPipeError):
        return


def _next(requests: int) -> job.Job:
    header = json.loads(_read_piece(requests))
    writable, readable = header["writable"], header["readable"]
    return job.Job(
        bounds=Bounds(**header["bounds"]),
        writable=None if writable is None else Path(writable),
        readable=None if readable is None else tuple(map(Path, readable)),
        request=_read_piece(requests),
    )


def _read_piece(descriptor: int) -> bytes:
    _, length = frames.head(_read(descriptor, frames.HEAD_BYTES))
    return _read(descriptor, length)


def _read(descriptor: int, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        piece = os.read(descriptor, min(length - len(data), 1 << 20))
        if not piece:
            raise _GoneError
        data += piece
    return bytes(data)


def _watch(asked: job.Job, work: job.Entry, requests: int, results: int) -> _Watched:
    """Fork a child for the job and carry what it answers, up to its bounds."""
    mine, its = os.pipe()
    server = os.getpid()
    child = os.fork()
    if not child:
        os.close(mine)
        os.close(requests)
        os.close(results)
        job.run(asked, work, its, server)
    os.close(its)
    watched = _Watched(output=bytearray())
    try:
        _collect(asked.bounds, mine, requests, watched)
    finally:
        os.close(mine)
        status, usage = _end(child, at_once=bool(watched.stopped))
    watched.status = os.waitstatus_to_exitcode(status)
    watched.cpu = usage.ru_utime + usage.ru_stime
    return watched


def _collect(bounds: Bounds, pipe: int, requests: int, watched: _Watched) -> None:
    """Read until the child closes its pipe or reaches a bound.

    Raises:
        _GoneError: When the parent is gone; nothing else can come from it while a job runs.
    """
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    poll.register(requests, select.POLLIN)
    deadline = time.monotonic() + bounds.wall_seconds
    while True:
        ready = dict(poll.poll(max(0.0, deadline - time.monotonic()) * 1000))
        if requests in ready:
            raise _GoneError
        if not ready:
            watched.stopped = "wall_seconds"
            return
        piece = os.read(pipe, _PIECE)
        if not piece:
            return
        watched.output += piece
        if len(watched.output) > bounds.output_bytes:
            watched.stopped = "output_bytes"
            return


def _end(child: int, *, at_once: bool) -> tuple[int, resource.struct_rusage]:
    """Wait until the child is gone; kill it, and whatever it may have started, when that takes long."""
    deadline = time.monotonic() + (0 if at_once else _LINGER_SECONDS)
    pause = 0.0001
    while time.monotonic() < deadline:
        gone, status, usage = os.wait4(child, os.WNOHANG)
        if gone:
            return status, usage
        time.sleep(pause)
        pause = min(2 * pause, 0.01)
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    _, status, usage = os.wait4(child, 0)
    return status, usage


def _answer(results: int, watched: _Watched) -> None:
    header = {"stopped": watched.stopped, "status": watched.status, "cpu": watched.cpu}
    frames.write(results, frames.HEADER, json.dumps(header).encode())
    frames.write(results, frames.ANSWER, bytes(watched.output))
