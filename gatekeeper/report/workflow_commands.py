"""Annotations of a change in GitHub's workflow commands, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gatekeeper.bump import BumpKind
from gatekeeper.decision import Action
from gatekeeper.evidence import Finding
from gatekeeper.mention import Mention
from gatekeeper.report import review_words as words
from gatekeeper.report import view
from gatekeeper.review import Judged, Mode, Review
from gatekeeper.text import plural, printable

MAX_OF_A_LEVEL = 10
"""Errors, warnings and notices that the platform shows of one step, each."""

_LEVELS = ("error", "warning", "notice")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Annotation:
    level: str
    title: str
    message: str
    place: Mention | None = None
    whole: bool = False
    """Whether the file is meant and not the line."""

    def __str__(self) -> str:
        """Write the command; line feeds and what separates properties are escaped as the runner reads them."""
        properties = [*_where(self.place, whole=self.whole), f"title={_property(printable(self.title, 120))}"]
        return f"::{self.level} {','.join(properties)}::{_data(printable(self.message, 1_000))}"


def review_annotations(review: Review, notes: Sequence[str] = ()) -> tuple[str, ...]:
    """Give the annotations of a review, worst first.

    Args:
        review: What to tell.
        notes: What is to be known of the run itself, a sentence each: warnings, before all others.

    There are at most as many of each level as the platform shows; when there are more, the last one says how many.
    In report-only mode nothing is an error.

    Returns:
        Lines to be printed as they are, each a whole command.
    """
    made = [*(_Annotation(level="warning", title="gatekeeper", message=note) for note in notes), *_of(review)]
    lines: list[str] = []
    for level in _LEVELS:
        found = [each for each in made if each.level == level]
        if len(found) > MAX_OF_A_LEVEL:
            more = plural(len(found) - MAX_OF_A_LEVEL + 1, f"further {level}")
            told = _Annotation(level=level, title="gatekeeper", message=f"{more}: see the summary of the job")
            found = [*found[: MAX_OF_A_LEVEL - 1], told]
        lines += [str(each) for each in found]
    return tuple(lines)


def _of(review: Review) -> Iterator[_Annotation]:
    worst = "error" if review.mode is Mode.ENFORCE else "warning"
    if unread := review.bumps.unread:
        # One for all: many of them must not take the place of the verdicts.
        more = f" And {plural(len(unread) - 1, 'more thing')}: see the summary of the job." if len(unread) > 1 else ""
        message = f"{words.sentence(printable(unread[0], 600))}{more}"
        yield _Annotation(level=worst, title="Models could not be looked for", message=message)
    for judged in review.judged:
        yield _Annotation(
            level=worst if review.blocks(judged) else _mild(judged),
            title=f"{words.name(judged)}: {words.word(judged)}",
            message=_message(judged, review),
            place=next(iter(words.places(judged)), None),
            # The older commit's line says something else by now.
            whole=judged.bump.kind is BumpKind.REMOVED,
        )
    for disbelieved in review.disbelieved_approvals:
        yield _Annotation(
            level="warning", title="A sign-off counts for nothing", message=f"{disbelieved.file} {disbelieved.why}"
        )


def _mild(judged: Judged) -> str:
    return "notice" if judged.action is Action.ALLOW or judged.bump.kind is BumpKind.REMOVED else "warning"


def _message(judged: Judged, review: Review) -> str:
    if judged.bump.kind is BumpKind.REMOVED:
        return f"It is no longer named here. The older commit named it in {_named(judged)}."
    effect = ""
    if review.blocks(judged):
        effect = "Blocks: " if review.mode is Mode.ENFORCE else "Would block (this is a report only): "
    parts = [f"{effect}{words.sentence(words.why(judged))}"]
    if top := _top(judged):
        where = words.place_in(top)
        parts.append(words.sentence(f"Worst finding: {top.message}" + (f", in {where}" if where else "")))
    if asked := words.ask(judged):
        parts.append(f"What to do: {words.sentence(asked)}")
    if (place := next(iter(words.places(judged)), None)) and place.cell:
        parts.append(f"Named in cell {place.cell}, line {place.line}.")
    return " ".join(part for part in parts if part)


def _named(judged: Judged) -> str:
    places = words.places(judged)
    more = f" and {plural(len(places) - 1, 'more place')}" if len(places) > 1 else ""
    return f"{places[0].place if places else 'no file'}{more}"


def _top(judged: Judged) -> Finding | None:
    if judged.attestation is None or judged.action is Action.ALLOW:
        return None
    settled = words.settled(judged.attestation)
    found = view.worst_first(judged.attestation.findings, settled)
    return next((finding for finding in found if finding.id not in settled), None)


def _where(place: Mention | None, *, whole: bool) -> Iterator[str]:
    """Name the file; one whose name shows otherwise than it is can't be named, and the title tells it."""
    if place is None or not place.path or printable(place.path, 4_096) != place.path:
        return
    yield f"file={_property(place.path)}"
    if place.line > 0 and not place.cell and not whole:
        yield f"line={place.line}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
