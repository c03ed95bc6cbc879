"""The gate's own walk over pickles behind the `Scanner` protocol: every name that is not reviewed is a signal."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

from gatekeeper.checks.files.feed import FeedKind
from gatekeeper.checks.files.pickle_globals import Standing, standing
from gatekeeper.checks.files.pickle_loaders import weights_only_refusal
from gatekeeper.checks.files.pickle_record import Record
from gatekeeper.checks.files.pickle_values import shown
from gatekeeper.checks.files.pickle_walk import walk_file
from gatekeeper.checks.files.scanner import Report, Signal
from gatekeeper.checks.files.torch_ids import is_source_id, storage_id
from gatekeeper.limits import DEFAULT_LIMITS, Limits

OURS = "gatekeeper"
"""Name under which the walk reports."""

WEIGHTS_ONLY = "weights-only"
"""Rule of the signal that tells what `torch.load(weights_only=True)` refuses; no objection by itself."""


class WalkScanner:
    """Walks the pickles of one file.

    Args:
        limits: `pickle_*` bound the work.
    """

    name = OURS

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits

    def scan(self, path: Path, *, pickle: bool) -> Report:
        """Scan one file; one that is no pickle is nothing to this scanner."""
        return self.walk(path, FeedKind.PICKLE if pickle else FeedKind.WHOLE)

    def walk(self, path: Path, kind: FeedKind) -> Report:
        """Walk one copy."""
        if kind is FeedKind.WHOLE:
            return Report(scanner=self.name)
        # A walk makes millions of small objects without a circle among them.
        gc.disable()
        try:
            with path.open("rb") as reader:
                size = path.stat().st_size
                record = walk_file(reader, size, self._limits, legacy=kind is FeedKind.TORCH_LEGACY)
        finally:
            gc.enable()
        return report(record)


def report(record: Record) -> Report:
    """Say what a walk saw as a scanner says it."""
    return Report(
        scanner=OURS,
        signals=(*_names(record), *_problems(record), *_ids(record), _loader(record)),
        gaps=tuple(record.gaps),
        truncated=record.truncated,
    )


def _names(record: Record) -> Iterator[Signal]:
    for found in record.imports.values():
        name = found.name
        known = standing(found.module, found.attribute, called=name in record.calls, passed=name in record.passed)
        if known is Standing.REVIEWED:
            continue
        dangerous = known is Standing.DANGEROUS
        yield Signal(
            rule="dangerous-global" if dangerous else "unknown-global",
            level="critical" if dangerous else "info",
            category="pickle",
            message="",
            name=found.name,
            call=record.calls.get(found.name, ""),
            offset=found.offset,
        )


def _problems(record: Record) -> Iterator[Signal]:
    for problem in record.problems:
        yield _signal(problem.slug, problem.message, problem.offset or 0)


def _ids(record: Record) -> Iterator[Signal]:
    odd = [value for value in record.ids if storage_id(value) is None and not is_source_id(value)]
    if odd:
        more = f", and {len(odd) - 1} more" if len(odd) > 1 else ""
        message = f"it names something outside itself that is no storage of torch's: {shown(odd[0])}{more}"
        yield _signal("pickle-outside", message, 0)


def _loader(record: Record) -> Signal:
    return _signal(WEIGHTS_ONLY, weights_only_refusal(record), 0, level="info")


def _signal(rule: str, message: str, offset: int, level: str = "medium") -> Signal:
    return Signal(rule=rule, level=level, category="pickle", message=message, offset=offset)
