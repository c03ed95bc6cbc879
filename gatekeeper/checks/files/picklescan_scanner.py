"""picklescan behind the `Scanner` protocol: an independent author's lists, and the Hub's own verdict."""

from __future__ import annotations

import logging
from pathlib import Path

from gatekeeper.checks.files.scanner import Report, Signal

_LEVELS = {"dangerous": "critical", "suspicious": "info"}
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

        logging.getLogger("picklescan").setLevel(logging.CRITICAL + 1)
        if path.suffix == ".7z":
            _refuse_bomb(path)
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
        gaps = ("picklescan could not read the pickle to its end",) if result.scan_err else ()
        return Report(scanner=self.name, signals=signals, gaps=gaps)


def _refuse_bomb(path: Path) -> None:
    """Hold a 7z archive's declared sizes against its own before picklescan unpacks it to disk."""
    import py7zr

    with py7zr.SevenZipFile(path) as archive:
        total = sum(entry.uncompressed for entry in archive.list())
    if total > 200 * max(path.stat().st_size, 1 << 16):
        raise ValueError(f"the 7z archive would unpack to {total} bytes")
