"""picklescan behind the `Scanner` protocol: an independent author's lists, and the Hub's own verdict."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.checks.files.scanner import Report, Signal
from gatekeeper.limits import DEFAULT_LIMITS

_LEVELS = {"dangerous": "critical", "suspicious": "info"}
_LEAST = 1 << 16
"""Bytes that a 7z archive counts as at least when it is held against its content."""

_READS = frozenset({".pkl", ".7z"})
"""What picklescan is asked about; everything else it would call clean without having looked."""


class PicklescanScanner:
    """Runs picklescan on one file."""

    name = "picklescan"

    def scan(self, path: Path, *, pickle: bool) -> Report:
        """Scan one file."""
        if path.suffix not in _READS:
            return Report(scanner=self.name)
        from picklescan.scanner import scan_file_path

        if path.suffix == ".7z":
            _refuse_bomb(path)
        with _listening() as complaints:
            result = scan_file_path(str(path))
        signals = tuple(
            Signal(
                rule="dangerous-global" if found.safety.value == "dangerous" else "unknown-global",
                level=_LEVELS[found.safety.value],
                category="global",
                message="",
                name=f"{found.module}.{found.name}",
            )
            for found in result.globals
            if found.safety.value in _LEVELS
        )
        gaps = ("picklescan could not read the pickle to its end",) if result.scan_err or complaints else ()
        return Report(scanner=self.name, signals=signals, gaps=gaps)


class _Complaints(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what says that something was not read; findings are logged too and begin with a path."""
        message = record.getMessage()
        if message.startswith(("WARNING: could not parse", "ERROR:", "Invalid file")):
            self.found.append(message)


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Hear what picklescan logs: a stream that breaks before its first import is told there and nowhere else."""
    logger, handler = logging.getLogger("picklescan"), _Complaints()
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


def _refuse_bomb(path: Path) -> None:
    """Hold a 7z archive's declared sizes against its own before picklescan unpacks it to disk."""
    import py7zr

    with py7zr.SevenZipFile(path) as archive:
        total = sum(entry.uncompressed for entry in archive.list())
    if total > DEFAULT_LIMITS.archive_ratio * max(path.stat().st_size, _LEAST):
        raise ValueError(f"the 7z archive would unpack to {total} bytes")
