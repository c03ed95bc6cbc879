"""Several processes that work together: started as torchrun starts them, and ended whatever becomes of a test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PATIENCE = 300
"""Seconds after which processes that wait for each other are ended, and the test with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """What one process came to."""

    code: int
    out: str
    err: str


def together(size: int, *arguments: str) -> list[Ended]:
    """Run a module of Python in several processes at once, each told its place.

    Args:
        size: How many.
        arguments: The module's name, and what it is given.

    Returns:
        One for each process, in their order.
    """
    with ExitStack() as resources:
        port = _free_port()
        texts = [[resources.enter_context(tempfile.TemporaryFile("w+")) for _ in "oe"] for _ in range(size)]
        running = [
            resources.enter_context(_ended_at_last([sys.executable, "-m", *arguments], place(rank, size, port), *text))
            for rank, text in enumerate(texts)
        ]
        codes = [process.wait(timeout=_PATIENCE) for process in running]
        for text in texts:
            for stream in text:
                stream.seek(0)
        return [Ended(code=code, out=out.read(), err=err.read()) for code, (out, err) in zip(codes, texts, strict=True)]


def place(rank: int, size: int, port: int) -> dict[str, str]:
    """Give what a launcher tells a process."""
    return {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip


@contextmanager
def _ended_at_last(
    command: Sequence[str], told: dict[str, str], out: object, err: object
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **told}
    process = subprocess.Popen(
        command, cwd=_ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
    )  # type: ignore[call-overload]
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
