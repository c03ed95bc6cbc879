"""What runs in a confined child: the scanners, and one line of JSON for each of them and each copy.

Nothing from the artifact is imported, loaded or run here either.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gatekeeper.checks.files.feed import FeedKind
from gatekeeper.checks.files.hayward_scanner import HaywardScanner
from gatekeeper.checks.files.joblib_arrays import WRAPPER
from gatekeeper.checks.files.joblib_streams import joblib_streams
from gatekeeper.checks.files.pickle_streams import LEGACY_STREAMS, split_streams, weigh
from gatekeeper.checks.files.picklescan_scanner import PicklescanScanner
from gatekeeper.checks.files.scanner import LEVELS, Report, Scanner, Signal, to_json
from gatekeeper.checks.files.walk_scanner import WalkScanner
from gatekeeper.limits import DEFAULT_LIMITS

SCANNERS: tuple[Scanner, ...] = (WalkScanner(), HaywardScanner(), PicklescanScanner())
"""Every scanner, in the order of their reports."""

_UNBOUNDED = frozenset({"hayward", "picklescan"})
"""Scanners by others, which take pickles of any length and five to ten microseconds for each opcode. They are given
so many that the answer does not depend on the machine's speed; the child's CPU limit is the net underneath."""

_HIGH = LEVELS.index("high")
_SPELT = re.compile(r"(?!None\.)[A-Za-z_]\w+(\.[A-Za-z_]\w+)+\Z", re.ASCII)
"""A module and an attribute that array bytes do not spell by chance. `None` is picklescan's word for a memo slot that
the first reading got wrong; the second finds the module's name there."""

_STAND_IN = b"NumpyArrayLeftOut"


def scan(request: bytes, answer: Callable[[bytes], None]) -> None:
    """Scan copies and answer a line of JSON for each of them and each scanner, in the order of both.

    Args:
        request: JSON: `copies`, each with its path, kind and file of the artifact; `opcodes`, which each file may
            still cost; `most`, which it might in all.
        answer: Takes the lines.
    """
    asked = json.loads(request)
    sys.setrecursionlimit(10_000)
    left: dict[str, int] = asked["opcodes"]
    for number, item in enumerate(asked["copies"]):
        copy, kind = Path(item["copy"]), FeedKind(item["kind"])
        begun = time.process_time()
        weight = _weight(copy, kind, left[item["file"]])
        left[item["file"]] -= weight
        for scanner in SCANNERS:
            if left[item["file"]] < 0 and scanner.name in _UNBOUNDED:
                gap = f"the pickles in the file weigh more than scan_opcodes ({asked['most']})"
                report = Report(scanner=scanner.name, gaps=(gap,))
            else:
                report = _scan(scanner, copy, kind)
            line = {"id": number, "cpu": time.process_time() - begun, "opcodes": weight, "report": to_json(report)}
            answer(json.dumps(line).encode() + b"\n")
            begun, weight = time.process_time(), 0


def _weight(copy: Path, kind: FeedKind, most: int) -> int:
    """Say what the pickles of a copy cost the scanners, in opcodes; it stops soon after `most`."""
    return 0 if kind is FeedKind.WHOLE else weigh(copy.read_bytes(), most)


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
    except MemoryError:  # the child's end, and not an answer
        raise
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
    part = Path(tempfile.gettempdir(), f"stream-{number}.pkl")
    part.write_bytes(data)
    return scanner.scan(part, pickle=True)


def _scan_streams(scanner: Scanner, copy: Path) -> Report:
    """Scan each of the old torch format's streams as a file of its own, so that no tensor byte is taken for one."""
    data = copy.read_bytes()
    signals: list[Signal] = []
    gaps: list[str] = []
    truncated = False
    streams = split_streams(data, LEGACY_STREAMS)
    for number, stream in enumerate(streams, start=1):
        report = _scan_part(scanner, copy, number, data[stream.start : stream.end])
        signals += [replace(signal, offset=stream.start) for signal in report.signals]
        gaps += [f"stream {number}: {gap}" for gap in report.gaps]
        truncated = truncated or not stream.complete
    truncated = truncated or len(streams) < LEGACY_STREAMS
    return Report(scanner=scanner.name, signals=tuple(signals), gaps=tuple(gaps), truncated=truncated)
