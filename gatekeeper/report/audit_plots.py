"""The figures of the audit page as plain geometry, in percent of the width, so that text keeps its size on a phone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gatekeeper.decision import Action, WaiverState
from gatekeeper.report.audit import AuditedApproval, AuditedModel, AuditedWaiver, Due, SignOff

AGES: tuple[tuple[int, str], ...] = (
    (7, "up to 7 days"),
    (30, "8 to 30 days"),
    (90, "31 to 90 days"),
    (180, "91 to 180 days"),
    (365, "181 to 365 days"),
)
"""Upper bounds of the age groups, in days, each with its words."""

OLDEST = "over a year"
NO_VERDICT = "no verdict"
_BEFORE = timedelta(days=30)
_AFTER = timedelta(days=90)
_HALF_YEAR = timedelta(days=183)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One bar, or one piece of a stacked one."""

    label: str
    tone: str
    """Class that colours it; the label says the same in words."""

    start: float
    """Left end, in percent of the width."""

    width: float
    """In percent of the width."""

    reports: tuple[str, ...]
    """Digests of the attestations that it counts."""

    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """The last days of waivers and approvals on one axis."""

    first: date
    last: date
    today: float
    """Where today lies, in percent of the width."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One waiver or approval on the axis."""

    entry: SignOff
    what: str
    who: str
    why: str
    until: date
    kind: str
    """Waiver or approval."""

    tone: str
    """Class that colours it; the words say the same."""

    words: str
    """Whether it counts: by what the verdict made of it, then by its last day."""

    note: str
    """Why a verdict did not use it; else empty."""

    start: float
    """Left end, in percent of the width."""

    width: float


def verdicts(models: Sequence[AuditedModel]) -> tuple[Bar, ...]:
    """Stack the models of the fleet by verdict, mildest first, those without one last."""
    groups = [(action.value, [model for model in models if model.action is action]) for action in Action]
    groups.append((NO_VERDICT, [model for model in models if model.action is None]))
    bars, start = [], 0.0
    for label, same in groups:
        width = 100 * len(same) / max(len(models), 1)
        tone = "none" if label == NO_VERDICT else label
        bars.append(_bar(label, tone, start, width, same))
        start += width
    return tuple(bar for bar in bars if bar.count)


def ages(models: Sequence[AuditedModel], max_age_days: int) -> tuple[Bar, ...]:
    """Count the models of the fleet by the age of their verdict, youngest first; every group is there."""
    lowest, groups = -1, []
    for upper, label in AGES:
        same = [model for model in models if model.age_days is not None and lowest < model.age_days <= upper]
        groups.append((label, same))
        lowest = upper
    groups.append((OLDEST, [model for model in models if model.age_days is not None and model.age_days > lowest]))
    most = max([len(same) for _, same in groups] + [1])
    return tuple(
        _bar(label, "stale" if any(model.stale for model in same) else "fresh", 0, 100 * len(same) / most, same)
        for label, same in groups
    )


def _bar(label: str, tone: str, start: float, width: float, models: Iterable[AuditedModel]) -> Bar:
    chosen = list(models)
    reports = tuple(model.report for model in chosen if model.report)
    return Bar(label=label, tone=tone, start=round(start, 2), width=round(width, 2), reports=reports, count=len(chosen))


def timeline(
    waivers: Sequence[AuditedWaiver], approvals: Sequence[AuditedApproval], today: date, limit: int
) -> Timeline | None:
    """Lay waivers and approvals on one axis, those that end first first.

    Args:
        waivers: All of them.
        approvals: All of them.
        today: The day of the audit report.
        limit: Most entries to lay out.

    Returns:
        The axis; None when there is nothing to lay on it.
    """
    every: list[SignOff] = [*waivers, *approvals]
    entries = sorted(every, key=lambda each: each.days_left)[:limit]
    if not entries:
        return None
    # A waiver until the end of the calendar would press all others into a point; its bar runs off the axis.
    last = min(max([_until(each) for each in entries] + [today + _AFTER]), _shifted(today, _HALF_YEAR * 2))
    first = max(min([_until(each) for each in entries] + [today - _BEFORE]), _shifted(today, -_HALF_YEAR))

    def place(day: date) -> float:
        return round(100 * (min(max(day, first), last) - first).days / max((last - first).days, 1), 2)

    spans = []
    for each in entries:
        ends = sorted((place(today), place(_until(each))))
        spans.append(_span(each, ends[0], max(round(ends[1] - ends[0], 2), 0.75)))
    return Timeline(first=first, last=last, today=place(today), spans=tuple(spans))


def _shifted(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:  # a report dated at an end of the calendar
        return day


def _until(entry: SignOff) -> date:
    return entry.waiver.expires if isinstance(entry, AuditedWaiver) else entry.use.approval.expires


def _span(entry: SignOff, start: float, width: float) -> Span:
    if isinstance(entry, AuditedWaiver):
        waiver = entry.waiver
        what, who, why, note = waiver.finding, waiver.approver, waiver.reason, waiver.note
        kind, state = "waiver", waiver.state.value
    else:
        approval = entry.use.approval
        signed = f"signed with the key of {approval.signer}" if approval.signer else "unsigned"
        who, why, note = f"{approval.by} ({signed})", approval.reason, entry.use.note
        what, kind, state = approval.row, "approval", entry.use.state.value
    # What a verdict did not use moves nothing, whatever its last day.
    used = state == WaiverState.USED.value
    return Span(
        entry=entry,
        what=what,
        who=who,
        why=why,
        until=_until(entry),
        kind=kind,
        tone=entry.due.value if used else "unused",
        words=DUE_WORDS[entry.due] if used else f"{state} by the verdict",
        note="" if used else note,
        start=start,
        width=width,
    )


def left(days: int) -> str:
    """Say how far away a last day is: `9 days left`, `last day today`, `ended 3 days ago`."""
    if days == 0:
        return "last day today"
    count = f"{abs(days):,} day{'' if abs(days) == 1 else 's'}"
    return f"{count} left" if days > 0 else f"ended {count} ago"


DUE_WORDS = {Due.EXPIRED: "expired", Due.SOON: "ends soon", Due.OK: "in force"}
"""How a last day is told."""
