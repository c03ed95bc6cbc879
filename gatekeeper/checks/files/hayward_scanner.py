"""hayward behind the `Scanner` protocol. It reads; it never imports, loads or connects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatekeeper.checks.files.scanner import Report, Signal

_GLOBALS = {
    "MFV-PICKLE-001": "denied_globals",
    "MFV-PICKLE-004": "unknown_globals",
    "MFV-PICKLE-005": "unknown_globals",
    "MFV-PICKLE-006": "allowed_globals",
    "MFV-PICKLE-008": "nested_globals",
}
"""Rules that speak of globals, and where in their metadata these stand."""

_OURS = frozenset({"MFV-HF-002", "MFV-KERAS-002", "MFV-SKOPS-003"})
"""Rules whose subject other checks of ours judge (`files/remote-code`, `files/model-code`)."""


class HaywardScanner:
    """Runs hayward on one file."""

    name = "hayward"

    def scan(self, path: Path, *, pickle: bool) -> Report:
        """Scan one file."""
        from hayward import ModelFileScanner, is_coverage_gap

        scanner = ModelFileScanner()  # type: ignore[no-untyped-call]
        # Every pickle handed over is one that a loader runs, so "could not be read" is never "clean".
        scanner.report_unparsed_pickles = pickle
        signals: list[Signal] = []
        gaps: list[str] = []
        truncated = False
        for finding in scanner.scan_file(path):
            if is_coverage_gap(finding):
                truncated = truncated or finding.metadata.get("skipped_reason") == "pickle_truncated"
                gaps.append(f"{finding.rule_id}: {finding.message}")
            elif finding.rule_id not in _OURS:
                signals += _signals(finding)
        return Report(scanner=self.name, signals=tuple(signals), gaps=tuple(gaps), truncated=truncated)


def _signals(finding: Any) -> Iterator[Signal]:
    names = finding.metadata.get(_GLOBALS.get(finding.rule_id, ""), [])
    for name in names or [""]:
        yield Signal(
            rule=finding.rule_id,
            level=finding.severity.value,
            category=finding.category.value,
            message=finding.message,
            name=str(name),
            call=_call(finding.metadata, str(name)),
        )


def _call(metadata: dict[str, Any], name: str) -> str:
    for key in ("denied_calls", "unknown_calls", "triage"):
        found = metadata.get(key, {}).get(name)
        if found:
            return str(found.get("call") or "") if isinstance(found, dict) else str(found)
    return ""
