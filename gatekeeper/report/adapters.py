"""An adapter for people: profiles of its weights over depth, where it lies in a population, what it does to answers.

As elsewhere here nothing is judged. A document may come from anywhere: what is no finite number is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.attestation import Attestation
from gatekeeper.audit import Audit, AuditWord, Behaviour, Both, Point, Scatter
from gatekeeper.evidence import Measure
from gatekeeper.merge import Merge
from gatekeeper.proportion import Proportion
from gatekeeper.report.incident import percent, rate
from gatekeeper.text import plural

WORDS: Mapping[AuditWord, str] = {
    AuditWord.PASS: "Nothing found, by these checks, within this budget",
    AuditWord.UNCALIBRATED: "Not all of it could be judged",
    AuditWord.ANOMALOUS: "Something speaks against it",
    AuditWord.REJECT: "It is to be rejected",
}
"""Heading for each word of an audit."""

_MEASURED = "adapter/weights"
_PROFILES = (
    ("relative", "Size of the change", "root mean square of an element"),
    ("effective-rank", "Effective rank", "directions that carry the change"),
)
_GROUPS = 12
_POINTS = 160
_WIDTH, _HEIGHT = 100.0, 30.0
MAX_MEMBERS = 500
"""Members of a population that are drawn."""

MAX_PROBES = 24
MAX_BEHAVIOURS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A measure of the modules of one kind, over depth, in a box of 100 by 30."""

    label: str
    """Hostile."""

    points: str
    """As `points` of an SVG polyline has them; drawn as a dot where there is one alone."""

    single: tuple[float, float] | None
    """That dot."""

    least: float
    greatest: float
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """One measure, a line a kind of module, all in one scale from 0."""

    words: str
    unit: str
    first: int
    """Layers from, to."""

    last: int
    greatest: float
    lines: tuple[Line, ...]
    more: int
    """Kinds of modules that are not drawn."""


def profiles(attestation: Attestation) -> tuple[Profile, ...]:
    """Lay out what was measured of an adapter's modules, over depth; nothing where no module has a layer."""
    measures = [
        measure
        for result in attestation.results
        if result.check.id == _MEASURED
        for measure in result.measures
        if measure.place is not None
    ]
    found = (_profile(measures, *each) for each in _PROFILES)
    return tuple(profile for profile in found if profile is not None)


def _profile(measures: Sequence[Measure], name: str, words: str, unit: str) -> Profile | None:
    groups: dict[str, list[tuple[int, float]]] = {}
    for measure in measures:
        value = measure.values.get(name)
        if value is not None and math.isfinite(value) and measure.place is not None:
            groups.setdefault(measure.group, []).append((measure.place, max(0.0, value)))
    if not groups:
        return None
    places = [place for group in groups.values() for place, _ in group]
    first, last = min(places), max(places)
    top = max(value for group in groups.values() for _, value in group)
    drawn = sorted(groups)[:_GROUPS]
    return Profile(
        words=words, unit=unit, first=first, last=last, greatest=top, more=len(groups) - len(drawn),
        lines=tuple(_line(label, sorted(groups[label]), first, last, top) for label in drawn),
    )  # fmt: skip


def _line(label: str, values: Sequence[tuple[int, float]], first: int, last: int, top: float) -> Line:
    every = max(1, math.ceil(len(values) / _POINTS))
    dots = [(_across(place, first, last), _down(value, top)) for place, value in values[::every]]
    return Line(
        label=label,
        points=" ".join(f"{x:.2f},{y:.2f}" for x, y in dots),
        single=dots[0] if len(dots) == 1 else None,
        least=min(value for _, value in values),
        greatest=max(value for _, value in values),
        count=len(values),
    )


def _across(place: float, first: float, last: float) -> float:
    return _WIDTH * (place - first) / (last - first) if last > first else _WIDTH / 2


def _down(value: float, top: float) -> float:
    return _HEIGHT - (_HEIGHT - 1) * (value / top if top > 0 else 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cloud:
    """A scatter as dots in a box of 100 by 60."""

    honest: tuple[tuple[float, float], ...]
    other: tuple[tuple[float, float], ...]
    own: tuple[float, float]
    x_range: tuple[float, float]
    y_range: tuple[float, float]


def cloud(scatter: Scatter) -> Cloud | None:
    """Lay out a population with the adapter in it; None when the adapter has no place there."""
    members = [point for point in scatter.members[:MAX_MEMBERS] if _finite(point)]
    if not _finite(scatter.own):
        return None
    every = [scatter.own, *members]
    xs, ys = [point.x for point in every], [point.y for point in every]
    ranges = (min(xs), max(xs)), (min(ys), max(ys))

    def laid(point: Point) -> tuple[float, float]:
        x, y = (_inside(value, *span) for value, span in zip((point.x, point.y), ranges, strict=True))
        return 4 + 92 * x, 56 - 52 * y

    return Cloud(
        honest=tuple(laid(point) for point in members if point.honest),
        other=tuple(laid(point) for point in members if not point.honest),
        own=laid(scatter.own),
        x_range=ranges[0],
        y_range=ranges[1],
    )


def _inside(value: float, least: float, most: float) -> float:
    return (value - least) / (most - least) if most > least else 0.5


def _finite(point: Point) -> bool:
    return math.isfinite(point.x) and math.isfinite(point.y)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that was asked of both."""

    words: str
    about: str
    """A probe; hostile, may be empty."""

    base: str
    adapted: str
    bars: tuple[float, float] | None
    """Shares of the base and of the adapter, 0 to 100; None where it is no share of both."""


def rows(seen: Behaviour) -> tuple[Row, ...]:
    """Set what was measured side by side."""
    return tuple(_rows(seen))


def _rows(seen: Behaviour) -> Iterator[Row]:
    answered = Proportion(successes=0, trials=seen.lost.trials)
    yield _pair("Unsafe prompts that the base refuses, answered", Both(base=answered, adapted=seen.lost))
    gained = Proportion(successes=0, trials=seen.gained.trials)
    yield _pair("Harmless prompts that the base answers, refused", Both(base=gained, adapted=seen.gained))
    yield _pair("Harmless prompts with ten tokens on end above .99", seen.locked)
    if seen.correct is not None:
        yield _pair("Your questions answered rightly", seen.correct)
    yield Row(words="Harmless prompts with the very same answer", about="", base="", adapted=rate(seen.same), bars=None)
    for one in seen.divergences:
        told = f"{rate(one.mean)} on average, {rate(one.greatest)} at most, on {plural(one.prompts, 'prompt')}"
        yield Row(
            words=f"Divergence on {one.prompts_of} prompts, nats a token", about="", base="", adapted=told, bars=None
        )
    for probe in seen.probes[:MAX_PROBES]:
        yield _pair("Refused prompts answered with", probe.answered, f"{probe.text} ({probe.kind})")
        if probe.fixed.adapted.successes > probe.fixed.base.successes:
            yield _pair("Harmless prompts with one same answer with", probe.fixed, f"{probe.text} ({probe.kind})")
    for point in seen.lengths[:MAX_PROBES]:
        yield _pair(f"Refused prompts answered at {point.tokens:,} tokens", point.answered)


def _pair(words: str, both: Both, about: str = "") -> Row:
    shares = tuple(100 * one.share if one.trials else 0.0 for one in (both.base, both.adapted))
    return Row(words=words, about=about, base=rate(both.base), adapted=rate(both.adapted), bars=(shares[0], shares[1]))


def telling(seen: Behaviour, most: int) -> tuple[Row, ...]:
    """Give the rows in which base and adapter are farthest apart, in their order; some of them at most."""
    drawn = [row for row in rows(seen) if row.bars is not None]
    chosen = sorted(drawn, key=lambda row: -abs(row.bars[1] - row.bars[0]) if row.bars else 0.0)[:most]
    return tuple(row for row in drawn if row in chosen)


def title(seen: Behaviour) -> str:
    """Say of what a behaviour is."""
    return "By itself" if len(seen.adapters) == 1 else f"Together: {plural(len(seen.adapters), 'adapter')}"


def budget(seen: Behaviour) -> str:
    """Say how far it went."""
    told = f"{seen.refused.trials:,} unsafe prompts, of which the base refuses {seen.refused.successes:,}"
    screened = seen.screened
    if screened is None:
        return f"{told}; no probe was tried. {plural(seen.asked, 'answer')} of {seen.answer_tokens} tokens."
    return (
        f"{told}; {screened.probes} probes on {screened.prompts} prompts at first sight (on average "
        f"{percent(screened.mean)}, the strongest {percent(screened.greatest)}), the strongest anew on others. "
        f"{plural(seen.asked, 'answer')} of {seen.answer_tokens} tokens, judged by {seen.judge}."
    )


def summary(audit: Audit) -> str:
    """Say in one line what it came to."""
    return f"{audit.word.value}: {WORDS[audit.word]}"


def merge_words(merge: Merge) -> Iterator[tuple[str, str]]:
    """Give what is known of a merge: (what, told)."""
    yield "Adapter", f"{merge.adapter.reference} (digest {merge.adapter.digest}), {merge.adapter.action.value}"
    yield "Base", f"{merge.base.reference} (digest {merge.base.digest}), {merge.base.action.value}"
    if merge.refusals:
        yield "Refused", " ".join(f"{refusal.rstrip('.')}." for refusal in merge.refusals)
        return
    yield "Changed", f"{plural(len(merge.tensors), 'tensor')}; {merge.untouched:,} stayed as they were, byte for byte"
    if merge.tensors:
        most = max(merge.tensors, key=lambda one: one.change)
        yield "Largest change", f"{most.name}: {percent(most.change)} of the norm of the base's weight"
        worst = max(one.rounding for one in merge.tensors)
        yield "Read back", f"at most {rate(worst)} units of rounding from the sum"
    if merge.logits is None:
        yield "Answers", "not compared: it was not asked for"
    else:
        told = merge.logits
        yield (
            "Answers",
            (
                f"{rate(told.divergence)} nats a token from the adapter on its base, on {told.prompts} prompts (the "
                f"adapter itself: {rate(told.effect)}); the same next token after {told.agreeing} of them"
            ),
        )
