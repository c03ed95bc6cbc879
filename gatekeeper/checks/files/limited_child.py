"""Runs the scanners in a child process that can't outlive, outgrow or mislead its parent.

The child starts from a fresh interpreter (no fork of a parent with threads), isolated from the user's environment
and with none of it inherited, sets its own limits before it sees a byte of the artifact, works in a private folder
and answers with one line for each file. When it dies, what it had answered counts, the file that it died on gets a
child to itself once, and the rest goes to a new one: a bomb blinds nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from gatekeeper.checks.files.feed import Feed
from gatekeeper.checks.files.scanner import Report, from_json
from gatekeeper.limits import Limits

_ROOT = Path(__file__).resolve().parents[3]
_PACKAGES = {name: str(_ROOT.joinpath(*name.split("."))) for name in ("gatekeeper.checks", "gatekeeper.checks.files")}
_START = """
import json, sys, types
sys.path[:], packages = json.loads(sys.argv[1])
for name, folder in packages.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from gatekeeper.checks.files.child import main
main()
"""
"""The child's first lines. Bare packages stand in for those around it, so that it imports no check: that is half of
the time that it takes to start, and nothing that it has no use for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What came back for one copy."""

    feed: Feed
    reports: tuple[Report, ...] = ()
    error: str = ""
    """Why there are no reports."""


def child_limits() -> dict[str, bool]:
    """Say which limits of scanner children this platform enforces.

    Without the memory limit a hostile file can make a child large until its CPU time is used up; no verdict depends
    on it.
    """
    return {"cpu": True, "wall": True, "file size": True, "memory": sys.platform == "linux"}


class Scanning:
    """Scans copies under the limits of one artifact.

    Args:
        limits: `child_*` bound each child, `scan_seconds` all of them together.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._deadline = time.monotonic() + limits.scan_seconds

    def scan(self, feeds: Sequence[Feed]) -> Iterator[Verdict]:
        """Scan copies, in batches of whatever children survive.

        Args:
            feeds: Copies, each read by every scanner.

        Yields:
            One verdict for each copy, in no promised order.
        """
        pending = list(feeds)
        while pending:
            if time.monotonic() >= self._deadline:
                yield from (
                    Verdict(feed=feed, error="scan_seconds were used up before it was scanned") for feed in pending
                )
                return
            answers, error = self._run(pending)
            yield from (Verdict(feed=pending[number], reports=reports) for number, reports in answers.items())
            left = [feed for number, feed in enumerate(pending) if number not in answers]
            if left and not answers:
                # Nothing came back although the first file had the whole child: that file is to blame.
                yield Verdict(feed=left.pop(0), error=error)
            pending = left

    def _run(self, feeds: Sequence[Feed]) -> tuple[dict[int, tuple[Report, ...]], str]:
        with tempfile.TemporaryDirectory(prefix="gatekeeper-scan-") as folder:
            process = subprocess.Popen(  # noqa: S603 - this interpreter, with our own lines
                [sys.executable, "-I", "-B", "-c", _START, json.dumps([_search_path(), _PACKAGES])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={
                    "PATH": folder,
                    "TMPDIR": folder,
                    "HOME": folder,
                    "LC_ALL": "C.UTF-8",
                    "OPENBLAS_NUM_THREADS": "1",
                },
                start_new_session=True,
            )
            try:
                output, error = self._converse(process, self._request(feeds))
            finally:
                _end(process)
        return _read_answers(output, len(feeds), error)

    def _request(self, feeds: Sequence[Feed]) -> bytes:
        limits = {
            "cpu": self._limits.child_cpu_seconds,
            "file": self._limits.scan_file_bytes,
            "memory": self._limits.child_memory_bytes if child_limits()["memory"] else 0,
        }
        files = [{"id": number, "copy": str(feed.copy), "kind": feed.kind.value} for number, feed in enumerate(feeds)]
        return json.dumps({"limits": limits, "files": files}).encode()

    def _converse(self, process: subprocess.Popen[bytes], request: bytes) -> tuple[bytes, str]:
        """Send the request and read the answers until the child ends, the clock runs out or it says too much."""
        requests, answers = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
        with contextlib.suppress(BrokenPipeError), requests:
            requests.write(request)
        output = bytearray()
        deadline = min(time.monotonic() + self._limits.child_wall_seconds, self._deadline)
        with selectors.DefaultSelector() as selector, answers:
            selector.register(answers, selectors.EVENT_READ)
            while True:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return bytes(output), "the scanners took longer than child_wall_seconds"
                data = os.read(answers.fileno(), 1 << 16)
                if not data:
                    break
                output += data
                if len(output) > self._limits.child_output_bytes:
                    return bytes(output), "the scanners answered more than child_output_bytes"
        process.wait()
        return bytes(output), _cause(process.returncode)


def _cause(status: int) -> str:
    if status == -signal.SIGXCPU or status == -signal.SIGKILL:
        return "the scanners were stopped: child_cpu_seconds were used up or memory ran out"
    if status < 0:
        return f"the scanners crashed with signal {-status}"
    return f"the scanners ended early with status {status}"


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _search_path() -> list[str]:
    """Give the child this process's modules, without any relative entry that a hostile folder could fill."""
    return [str(_ROOT), *(entry for entry in sys.path if entry and Path(entry).is_absolute())]


def _read_answers(output: bytes, count: int, error: str) -> tuple[dict[int, tuple[Report, ...]], str]:
    answers: dict[int, tuple[Report, ...]] = {}
    for line in output.split(b"\n")[:-1]:
        try:
            answer = json.loads(line)
            number, reports = answer["id"], tuple(from_json(report) for report in answer["reports"])
            if type(number) is not int or not 0 <= number < count or number in answers or not reports:
                raise ValueError("no such file")
        except (ValueError, TypeError, KeyError, RecursionError):
            return answers, "the scanners answered nonsense"
        answers[number] = reports
    return answers, error
