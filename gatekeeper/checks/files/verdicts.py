"""From what the scanners say to what the gate says: one claim for each distinct thing, whoever saw it.

A global that any scanner calls dangerous is a payload. One that any does not know is unknown unless it was reviewed
here. Everything else goes by the scanner's level and by whether loading the file would run it. What a scanner could
not read is a gap, never a pass, with one exception: our own walk over a pickle reads every opcode and passes reviewed
names alone. Where it came to the end and objects to nothing, the other scanners could only have named what is reviewed
already, so that their giving up is no gap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gatekeeper.checks.files.allowlist import is_reviewed, reviewed
from gatekeeper.checks.files.feed import Feed, FeedKind
from gatekeeper.checks.files.pickle_loaders import threat
from gatekeeper.checks.files.scanner import LEVELS, Report, Signal
from gatekeeper.checks.files.walk_scanner import OURS, WEIGHTS_ONLY
from gatekeeper.evidence import Gap
from gatekeeper.text import printable

_HIGH = LEVELS.index("high")
_MEDIUM = LEVELS.index("medium")
_INERT_RULES = frozenset(
    {
        "MFV-EXEC-001",  # a program among the bytes: nothing starts it
        "MFV-CONFUSE-001",  # one format under another's name: its content is judged as what it is
        "MFV-GGUF-001", "MFV-GGUF-005",
        "MFV-ST-001", "MFV-ST-002", "MFV-ST-003", "MFV-ST-004", "MFV-ST-006",
        "MFV-PICKLE-003", "MFV-JOBLIB-002",  # unreadable or oversized
        "MFV-TFLITE-001",
    }
)  # fmt: skip
"""hayward's high rules about files that are odd, not files that run something."""

_ESCAPES = frozenset({"MFV-ARCHIVE-001", "MFV-ARCHIVE-002", "MFV-NPZ-001"})
"""hayward's medium rules about members that leave the folder when an archive is unpacked."""

_ARGUMENT_RULES = frozenset({"MFV-PICKLE-004", "MFV-PICKLE-005", "MFV-PICKLE-006", "unknown-global"})
"""Rules that go by what a call's arguments look like, or by not knowing the name. A reviewed global is safe with any
argument, so the look of one can at most make it odd: bytes of a number often look like a shell's."""

_UNREAD = frozenset({"MFV-PICKLE-003", "MFV-JOBLIB-002"})
"""hayward's rules for a pickle that it could not read, or would not for its size."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A finding in the making."""

    slug: str
    """Which rule of `files/scanners`."""

    message: str
    path: str
    detail: str = ""
    offset: int | None = None


def claims(feed: Feed, reports: Sequence[Report]) -> Iterator[Claim | Gap]:
    """Say what the scanners' reports on one copy amount to.

    Args:
        feed: The copy.
        reports: One report for each scanner.
    """
    ours = next((report for report in reports if report.scanner == OURS and feed.kind is not FeedKind.WHOLE), None)
    complete = ours is not None and _is_complete(feed, ours)
    for report in reports:
        for gap in report.gaps:
            if not report.truncated and not complete:
                yield Gap(reason=f"{report.scanner}: {printable(gap, 300)}", path=feed.path)
    harm = threat(feed, _refusal(ours))
    if any(report.truncated for report in reports if not complete):
        yield Claim(slug="truncated-pickle", message="the pickle ends before its end", path=feed.path)
    yield from _globals(feed, reports, harm, ours, complete=complete)
    for report in reports:
        for signal in report.signals:
            if not signal.name and signal.rule != WEIGHTS_ONLY and not (complete and signal.rule in _UNREAD):
                yield _own(feed, signal, harm) if report is ours else _other(feed, report.scanner, signal)


def _is_complete(feed: Feed, ours: Report) -> bool:
    """Whether the walk came to the end of the pickle and objects to nothing."""
    objections = [
        signal for signal in ours.signals if signal.rule != WEIGHTS_ONLY and not _is_torchscript(feed, signal)
    ]
    return not (ours.gaps or ours.truncated or objections)


def _is_torchscript(feed: Feed, signal: Signal) -> bool:
    """Whether the walk objects to a type that the archive around the pickle defines, which it can't know of."""
    return signal.name not in reviewed() and is_reviewed(signal.name, torchscript=feed.torchscript)


def _refusal(ours: Report | None) -> str | None:
    if ours is None:
        return None
    return next((signal.message for signal in ours.signals if signal.rule == WEIGHTS_ONLY), None)


@dataclass(kw_only=True, slots=True)
class _Import:
    """What all scanners together say about one global."""

    level: int = 0
    scanners: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    call: str = ""
    offset: int | None = None


def _globals(
    feed: Feed, reports: Sequence[Report], harm: str, ours: Report | None, *, complete: bool
) -> Iterator[Claim]:
    found: dict[str, _Import] = {}
    for report in reports:
        for signal in report.signals:
            if not signal.name:
                continue
            item = found.setdefault(signal.name, _Import())
            item.level = max(item.level, LEVELS.index(signal.level))
            item.scanners = tuple(dict.fromkeys((*item.scanners, report.scanner)))
            item.rules = tuple(dict.fromkeys((*item.rules, signal.rule)))
            item.call = item.call or signal.call
            item.offset = signal.offset if item.offset is None else min(item.offset, signal.offset)
    for name, item in found.items():
        if complete and item.level < _MEDIUM:
            continue  # a name that others don't know is reviewed then, or they misread the stream
        claim = _import_claim(feed, name, item, walked=ours is not None)
        if claim:
            yield replace(claim, message=claim.message + harm)


def _import_claim(feed: Feed, name: str, item: _Import, *, walked: bool) -> Claim | None:
    said = _listed(item.scanners)
    shown = printable(item.call or name, 300)
    known = reviewed().get(name)
    # What our walk objects to although it is reviewed, it saw used in another way than was reviewed.
    misused = known is not None and OURS in item.scanners
    allowed = not misused and is_reviewed(name, torchscript=feed.torchscript, walked=walked)
    if known and set(item.scanners) <= set(known.overrules.split()):
        return None
    if known and allowed and set(item.rules) <= _ARGUMENT_RULES:
        if known.text or item.level < _MEDIUM:
            return None
        slug, message = "scanner-finding", f"it calls {shown} with arguments that no honest file has ({said})"
    elif item.level >= _HIGH:
        slug, message = "payload", f"loading it would call {shown} ({said})"
    elif not allowed:
        slug, message = "unknown-global", f"it imports {shown}, which is on no reviewed list ({said})"
    else:
        return None
    return Claim(slug=slug, message=message, path=feed.path, detail=name, offset=item.offset)


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _own(feed: Feed, signal: Signal, harm: str) -> Claim:
    message = f"{printable(signal.message, 400)}{harm}"
    return Claim(slug=signal.rule, message=message, path=feed.path, offset=signal.offset)


def _other(feed: Feed, scanner: str, signal: Signal) -> Claim:
    level = LEVELS.index(signal.level)
    if signal.rule in _ESCAPES:
        slug = "archive-escape"
    elif level >= _HIGH and signal.rule not in _INERT_RULES:
        slug = "payload"
    else:
        slug = "scanner-finding"
    message = f"{scanner} {printable(signal.rule, 40)}: {printable(signal.message, 400)}"
    return Claim(slug=slug, message=message, path=feed.path, detail=signal.rule)
