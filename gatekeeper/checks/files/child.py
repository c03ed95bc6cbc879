"""What runs in a scanner child: limits first, then the scanners, then one line of JSON for each file.

Started by `limited_child` with `python -I`; nothing from the artifact is imported, loaded or run here either.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from gatekeeper.checks.files.feed import FeedKind
from gatekeeper.checks.files.hayward_scanner import HaywardScanner
from gatekeeper.checks.files.joblib_arrays import WRAPPER
from gatekeeper.checks.files.joblib_streams import joblib_streams
from gatekeeper.checks.files.pickle_streams import split_streams
from gatekeeper.checks.files.picklescan_scanner import PicklescanScanner
from gatekeeper.checks.files.scanner import LEVELS, Report, Scanner, Signal, to_json
from gatekeeper.checks.files.walk_scanner import WalkScanner
from gatekeeper.limits import DEFAULT_LIMITS

SCANNERS: tuple[Scanner, ...] = (WalkScanner(), HaywardScanner(), PicklescanScanner())
"""Every scanner, in the order of their reports."""

_HIGH = LEVELS.index("high")
_SPELT = re.compile(r"(?!None\.)[A-Za-z_]\w+(\.[A-Za-z_]\w+)+\Z", re.ASCII)
"""A module and an attribute that array bytes do not spell by chance. `None` is picklescan's word for a memo slot that
the first reading got wrong; the second finds the module's name there."""

_STAND_IN = b"NumpyArrayLeftOut"
_LEGACY_STREAMS = 5
"""Magic number, protocol, system, the object and the list of storages (torch/serialization.py, `_legacy_load`)."""


def main() -> None:
    """Read a request from standard input, scan, and answer on standard output."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # a scanner that prints must not be taken for an answer
    request = json.load(sys.stdin)
    limit(request["limits"])
    sys.setrecursionlimit(10_000)
    for file in request["files"]:
        reports = [_scan(scanner, Path(file["copy"]), FeedKind(file["kind"])) for scanner in SCANNERS]
        _answer(answers, {"id": file["id"], "reports": [to_json(report) for report in reports]})


def limit(limits: dict[str, int]) -> None:
    """Bound this process for good: seconds of CPU, bytes of memory and of each file it writes, no core dump."""
    cpu = limits["cpu"]
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["file"], limits["file"]))
    if limits["memory"]:
        resource.setrlimit(resource.RLIMIT_AS, (limits["memory"], limits["memory"]))


def _answer(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _scan(scanner: Scanner, copy: Path, kind: FeedKind) -> Report:
    try:
        if isinstance(scanner, WalkScanner):
            return scanner.walk(copy, kind)
        if kind is FeedKind.PICKLE and copy.stat().st_size > DEFAULT_LIMITS.pickle_bytes:
            return Report(scanner=scanner.name, gaps=("the pickle is larger than what it is given",))
        if kind is FeedKind.TORCH_LEGACY:
            return _scan_streams(scanner, copy)
        report = scanner.scan(copy, pickle=kind is FeedKind.PICKLE)
        return _scan_as_joblib(scanner, copy, report) if kind is FeedKind.PICKLE else report
    except Exception as error:  # a scanner that a file trips has not looked at it
        return Report(scanner=scanner.name, gaps=(f"{scanner.name} failed: {type(error).__name__}: {error}",))


def _scan_as_joblib(scanner: Scanner, copy: Path, report: Report) -> Report:
    """Read a joblib file again as `joblib.load` does: without array bytes, and with pickles in it as their own.

    The first reading, in which those bytes are opcodes as they are to `pickle.load`, counts for the names that it met,
    as far as array bytes don't spell them by chance; memo slots and ends of streams are only right in the second.
    """
    data = copy.read_bytes()
    if WRAPPER not in data:
        return report
    try:
        streams = joblib_streams(data)
    except Exception:  # whatever stops the walk, the first reading stands
        return report
    # With its bytes gone the wrapper must not make a scanner look for them.
    parts = [stream.replace(WRAPPER, _STAND_IN) for stream in streams]
    again = [_scan_part(scanner, copy, number, part) for number, part in enumerate(parts, start=1)]
    signals = [signal for part in again for signal in part.signals if not signal.name.endswith(_STAND_IN.decode())]
    told = {(signal.rule, signal.name) for signal in signals}
    signals += [
        signal
        for signal in report.signals
        if signal.name
        and (signal.rule, signal.name) not in told
        and (LEVELS.index(signal.level) >= _HIGH or _SPELT.match(signal.name))
    ]
    return Report(
        scanner=scanner.name,
        signals=tuple(signals),
        gaps=tuple(gap for part in again for gap in part.gaps),
        truncated=any(part.truncated for part in again),
    )


def _scan_part(scanner: Scanner, copy: Path, number: int, data: bytes) -> Report:
    part = copy.with_name(f"stream-{number}.pkl")
    part.write_bytes(data)
    return scanner.scan(part, pickle=True)


def _scan_streams(scanner: Scanner, copy: Path) -> Report:
    """Scan each of the old torch format's streams as a file of its own, so that no tensor byte is taken for one."""
    data = copy.read_bytes()
    signals: list[Signal] = []
    gaps: list[str] = []
    truncated = False
    streams = split_streams(data, _LEGACY_STREAMS)
    for number, stream in enumerate(streams, start=1):
        report = _scan_part(scanner, copy, number, data[stream.start : stream.end])
        signals += [replace(signal, offset=stream.start) for signal in report.signals]
        gaps += [f"stream {number}: {gap}" for gap in report.gaps]
        truncated = truncated or not stream.complete
    truncated = truncated or len(streams) < _LEGACY_STREAMS
    return Report(scanner=scanner.name, signals=tuple(signals), gaps=tuple(gaps), truncated=truncated)


if __name__ == "__main__":
    main()
