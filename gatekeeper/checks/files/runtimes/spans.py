"""Whether the parts of a file lie side by side: none beyond its end, none on another, no bytes that belong to none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gatekeeper.checks.files.problem import Problem
from gatekeeper.text import printable


class Span(NamedTuple):
    """A part of a file."""

    start: int
    length: int
    """Bytes."""

    name: str


def judge_spans(spans: Iterable[Span], size: int, what: str, *, start: int = 0, padding: int = 0) -> Iterator[Problem]:
    """Hold parts against each other and against the file.

    Args:
        spans: In any order; empty ones are passed over.
        size: Bytes of the file.
        what: What the file is called in a sentence.
        start: Where the first part should begin.
        padding: Most bytes that may lie between two parts, or after the last, to align them.
    """
    end = start
    for span in sorted(span for span in spans if span.length):
        shown = printable(span.name, 80)
        if span.start + span.length > size:
            message = f"{shown!r} ends at byte {span.start + span.length} of {what}, which has {size}"
            yield Problem(slug="spans", message=message, offset=size, detail=shown)
        elif span.start < end:
            message = f"{shown!r} overlaps what lies before it in {what}"
            yield Problem(slug="spans", message=message, offset=span.start, detail=shown)
        elif span.start - end > padding:
            message = f"{span.start - end} bytes before {shown!r} in {what} belong to nothing"
            yield Problem(slug="spans", message=message, offset=end, detail=shown)
        end = max(end, span.start + span.length)
    if size - end > padding:
        yield Problem(slug="trailing", message=f"{size - end} bytes follow the last part of {what}", offset=end)
