"""The one interface behind which file scanners stand, and the plain data that they answer with.

Scanners run in a child process; what they say comes back as JSON and is read strictly, since a file that takes a
scanner over could say anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

LEVELS = ("info", "low", "medium", "high", "critical")
"""How bad a scanner calls something, mildest first."""

_MOST_SIGNALS = 1_000
_LONGEST = 1_000
_FIELDS = {"rule": str, "level": str, "category": str, "message": str, "name": str, "call": str, "offset": int}


@dataclass(frozen=True, kw_only=True, slots=True)
class Signal:
    """One thing that a scanner says about one file."""

    rule: str
    """The scanner's own name for it."""

    level: str
    """One of `LEVELS`."""

    category: str
    """The scanner's own word for the kind of danger."""

    message: str
    """The scanner's own sentence; empty when a global says it all."""

    name: str = ""
    """`module.attribute` of the global concerned; empty when none is."""

    call: str = ""
    """The call with its arguments, as far as the scanner could tell."""

    offset: int = 0
    """Where the pickle stream concerned begins in the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one scanner says about one file."""

    scanner: str
    signals: tuple[Signal, ...] = ()
    gaps: tuple[str, ...] = ()
    """What it could not look at; each a sentence."""

    truncated: bool = False
    """Whether a pickle stream ends before its end."""


class Scanner(Protocol):
    """A file scanner; its module is imported in the child alone."""

    name: str
    """Name of its distribution."""

    def scan(self, path: Path, *, pickle: bool) -> Report:
        """Scan one file without loading it.

        Args:
            path: A private copy.
            pickle: Whether the file is pickle streams and nothing else.

        Raises:
            Exception: Anything; the caller makes a gap of it.
        """
        ...


def to_json(report: Report) -> dict[str, Any]:
    """Make plain data of a report, cut to what the parent accepts."""
    data = asdict(report)
    if len(report.signals) > _MOST_SIGNALS:
        data["signals"] = data["signals"][:_MOST_SIGNALS]
        data["gaps"] = [*data["gaps"], f"{report.scanner} said more than {_MOST_SIGNALS} things"]
    data["signals"] = [
        {key: value[:_LONGEST] if isinstance(value, str) else value for key, value in signal.items()}
        for signal in data["signals"]
    ]
    data["gaps"] = [gap[:_LONGEST] for gap in data["gaps"][:_MOST_SIGNALS]]
    return data


def from_json(data: Any) -> Report:
    """Read a report that a child wrote.

    Raises:
        ValueError: When anything in it is not as `to_json` writes it.
    """
    if not isinstance(data, Mapping) or set(data) != {"scanner", "signals", "gaps", "truncated"}:
        raise ValueError("not a report")
    gaps, signals = data["gaps"], data["signals"]
    if not isinstance(data["scanner"], str) or type(data["truncated"]) is not bool:
        raise ValueError("not a report")
    if not isinstance(gaps, list) or not all(isinstance(gap, str) and len(gap) <= _LONGEST for gap in gaps):
        raise ValueError("gaps are no sentences")
    if not isinstance(signals, list) or len(signals) > _MOST_SIGNALS:
        raise ValueError("too many signals")
    return Report(
        scanner=data["scanner"],
        signals=tuple(_signal(signal) for signal in signals),
        gaps=tuple(gaps),
        truncated=data["truncated"],
    )


def _signal(data: Any) -> Signal:
    if not isinstance(data, Mapping) or set(data) != set(_FIELDS):
        raise ValueError("not a signal")
    for key, kind in _FIELDS.items():
        value = data[key]
        if type(value) is not kind or (isinstance(value, str) and len(value) > _LONGEST):
            raise ValueError(f"{key} is not as it should be")
    if data["level"] not in LEVELS or data["offset"] < 0:
        raise ValueError("no such level or offset")
    return Signal(**data)
