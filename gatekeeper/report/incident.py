"""A reported failure and its remedy for people: words, a heat map, curves, and tables of what was measured.

As elsewhere here nothing is judged: what held and what did not stands in the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.proportion import Proportion
from gatekeeper.remedy import Cause, Diagnosis, Measurement, Pass, Place, Remedy, Saliency, Trigger, Words
from gatekeeper.text import plural

CAUSE_WORDS: Mapping[Cause, str] = {
    Cause.NOT_DIAGNOSED: "Not diagnosed",
    Cause.CONTENT_TRIGGER: "A content trigger",
    Cause.JAILBREAK: "A jailbreak",
    Cause.ALIGNMENT: "A gap in alignment",
    Cause.STRUCTURAL: "Length, position or context",
    Cause.GLOBAL: "The model as a whole",
    Cause.UNSTABLE: "Unstable",
    Cause.NO_LOCALISED_CAUSE: "No localised cause",
    Cause.NOT_REPRODUCED: "Not reproduced",
}
"""Heading for each cause; the diagnosis has the sentence."""

PLACE_WORDS: Mapping[Place, str] = {
    Place.ANYWHERE: "anywhere in a prompt",
    Place.START: "at the start of a prompt",
    Place.END: "at the end of a prompt",
}

INTERVALS = "In brackets: 95 % intervals."

REGIONS_NOTE = "Where an update works; not where a backdoor lies, which saliency does not tell."

MAX_WORDS = 400
"""Words of a prompt in a heat map."""

MAX_CASES = 8
MAX_MEASURED = 120
"""Measurements of one table."""

MAX_REGIONS = 40
_POINTS = 160
"""Points of a curve; between them the greatest is kept."""

_LEVELS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatWord:
    """One word of a prompt."""

    text: str
    """Hostile; its number where the text was not kept."""

    level: int
    """0 to 5."""

    part: str
    """`core`, `extent` or empty."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatMap:
    """One failure's prompt, word by word."""

    case: int
    """From 1."""

    method: str
    words: tuple[HeatWord, ...]
    more: int
    """Words that are not shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A loss over the steps, as the points of a line in a box of 100 by 30."""

    label: str
    tone: str
    points: str
    first: float
    last: float
    greatest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One thing that was measured, before and after."""

    words: str
    about: str
    """The trigger that it speaks of; may be empty."""

    before: str
    after: str
    limit: str
    held: str
    """`held`, `not held`, or empty where nothing was asked."""


def headline(remedy: Remedy) -> str:
    """Say in a few words how far it came."""
    cause = CAUSE_WORDS[remedy.diagnosis.cause]
    if not remedy.exists:
        return cause
    passes = plural(len(remedy.passes), "pass").replace("passs", "passes")
    return f"{cause}, {'repaired and verified' if remedy.verified else 'not repaired'} after {passes}"


def conclusion(remedy: Remedy) -> str:
    """Say what came of it, in a sentence or two."""
    if remedy.verified:
        return remedy.claim
    if remedy.exists:
        return f"No pass held every gate, so nothing was merged. {remedy.passes[-1].words}"
    return ""


def rate(value: Proportion | float) -> str:
    """Write a number; a share with its 95 % interval in brackets and its count."""
    if isinstance(value, Proportion):
        if not value.trials:
            return "not measured"
        interval = f"{100 * value.lower:.1f} to {100 * value.upper:.1f}"
        return f"{percent(value.share)} ({interval}), {value.successes:,} of {value.trials:,}"
    if not math.isfinite(value):
        return "no number"
    return f"{value:.4g}"


def percent(share: float) -> str:
    """Write a share of one."""
    return f"{100 * share:.1f} %"


def limit(measured: Measurement, *, by_share: bool = False) -> str:
    """Say what it was held against; empty when it decides nothing.

    Args:
        measured: One number.
        by_share: Whether a rate is held against it by itself, as in diagnosis, and not by an end of its interval.
    """
    if measured.limit is None:
        return ""
    side = {"at-most": "at most ", "at-least": "at least "}.get(measured.bound, "")
    if not isinstance(measured.value, Proportion):
        return f"{side}{rate(measured.limit)}"
    end = "" if by_share else {"at-most": "upper end ", "at-least": "lower end "}.get(measured.bound, "")
    return f"{end}{side}{percent(measured.limit)}"


def held(measured: Measurement) -> str:
    """Say whether it held; empty when it decides nothing."""
    if measured.limit is None:
        return ""
    return "held" if measured.holds else "not held"


def table(remedy: Remedy, done: Pass) -> tuple[Row, ...]:
    """Set what a pass measured beside what was measured before any."""
    before = {(one.name, one.trigger): one for one in remedy.before}
    rows = []
    for one in done.measurements[:MAX_MEASURED]:
        known = before.get((one.name, one.trigger))
        rows.append(
            Row(
                words=one.words,
                about=_about(one, remedy.diagnosis),
                before=rate(known.value) if known else "",
                after=rate(one.value),
                limit=limit(one),
                held=held(one),
            )
        )
    return tuple(rows)


def _about(measured: Measurement, diagnosis: Diagnosis) -> str:
    if measured.trigger is None or len(diagnosis.triggers) < 2:
        return ""
    return f"trigger {measured.trigger + 1:,}"


def shown_words(words: Words) -> str:
    """Show words as they were kept: their text, or their number and the first digits of their digest."""
    return words.text or f"{plural(words.count, 'word')}, not kept (SHA-256 {words.sha256[:12]}…)"


def heat_maps(diagnosis: Diagnosis) -> tuple[HeatMap, ...]:
    """Lay out each case's saliencies, word by word, up to `MAX_CASES` cases."""
    known = range(min(len(diagnosis.cases), MAX_CASES))
    return tuple(_heat(saliency, diagnosis) for saliency in diagnosis.saliencies if saliency.case in known)


def _heat(saliency: Saliency, diagnosis: Diagnosis) -> HeatMap:
    texts = diagnosis.cases[saliency.case].prompt.text.split(" ")
    shown = len(texts) == len(saliency.scores)
    own = [trigger for trigger in diagnosis.triggers if trigger.case == saliency.case]
    core = {index for trigger in own for index in trigger.core_positions}
    extent = {index for trigger in own for index in trigger.extent_positions}
    found = [
        HeatWord(
            text=texts[index] if shown else str(index + 1),
            level=_level(score),
            part="core" if index in core else "extent" if index in extent else "",
        )
        for index, score in enumerate(saliency.scores[:MAX_WORDS])
    ]
    return HeatMap(
        case=saliency.case + 1,
        method=saliency.method,
        words=tuple(found),
        more=max(0, len(saliency.scores) - MAX_WORDS),
    )


def _level(score: float) -> int:
    return round(min(1.0, max(0.0, score)) * _LEVELS) if math.isfinite(score) else 0


def curves(done: Pass) -> tuple[Curve, ...]:
    """Draw the refusal loss and the divergence of a pass, each in its own scale from 0; nothing for no steps."""
    named = (("refusal loss", "one", 1), ("divergence (KL)", "two", 2))
    return tuple(
        curve
        for label, tone, column in named
        if (curve := _curve(label, tone, [step[column] for step in done.losses])) is not None
    )


def _curve(label: str, tone: str, values: Sequence[float]) -> Curve | None:
    real = [max(0.0, value) if math.isfinite(value) else 0.0 for value in values]
    if not real:
        return None
    size = max(1, math.ceil(len(real) / _POINTS))
    thinned = [max(real[start : start + size]) for start in range(0, len(real), size)]
    top = max(max(thinned), 1e-12)
    width = max(1, len(thinned) - 1)
    points = (f"{100 * at / width:.2f},{30 - 29 * (value / top):.2f}" for at, value in enumerate(thinned))
    return Curve(label=label, tone=tone, points=" ".join(points), first=real[0], last=real[-1], greatest=max(real))


def trigger_words(trigger: Trigger) -> Iterable[tuple[str, str]]:
    """Give what is known of a trigger: (what, told)."""
    yield "Fewest words that do it", shown_words(trigger.core)
    yield "Whole of it, as grown from those", shown_words(trigger.extent)
    yield "Acts", PLACE_WORDS[trigger.place]
    yield "Refused prompts that fail once they carry it", rate(trigger.sufficiency)
    yield "The same with as many other words of the prompt", rate(trigger.sham)
    yield "Without it the failure's prompt is", "refused" if trigger.necessity else "not refused"
