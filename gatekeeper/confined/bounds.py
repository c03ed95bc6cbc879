"""What a job may cost, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What one job may cost."""

    cpu_seconds: int
    """CPU time, whole seconds, at least 1."""

    wall_seconds: float
    """Time on the clock: the net under `cpu_seconds` for a job that waits; a loaded machine must not reach it."""

    memory_bytes: int
    """Address space, that of the warmed interpreter included (about 100 MiB without large libraries); 0 for none.
    Enforced on Linux alone."""

    file_bytes: int
    """Bytes of any one file that it writes."""

    output_bytes: int
    """Bytes that it may answer, with five for each answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """How one job ended."""

    output: bytes
    """Its answers, one after the other, without any that it was in the middle of. A job that parsed hostile bytes may
    have been taken over: read this strictly."""

    error: str
    """Why it did not end by itself, one printable sentence that names the bound; empty when it did."""

    cpu_seconds: float = 0.0
    """CPU time that the job used."""
