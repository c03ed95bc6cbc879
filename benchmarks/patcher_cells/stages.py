"""Seconds and peak memory of the stages of a cell."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


@dataclass(kw_only=True)
class Stages:
    """What each stage took, in the order in which they ended."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    """Resident memory of the process; where the kernel can't forget an earlier peak, the greatest so far."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what runs inside; a name that comes again adds up."""
        forget_peak()
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun
            self.peak_bytes[name] = max(self.peak_bytes.get(name, 0), peak())


def forget_peak() -> None:
    """Begin to measure peak memory anew, where the kernel can."""
    with suppress(OSError):
        _RESET.write_text("5", "ascii")


def peak() -> int:
    """Give the greatest resident memory since it was forgotten, in bytes."""
    with suppress(OSError, ValueError, StopIteration):
        line = next(line for line in _STATUS.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    greatest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return greatest if sys.platform == "darwin" else greatest * 1024
