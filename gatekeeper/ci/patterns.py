"""Patterns that a team gives: lines of files in its own form that name models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gatekeeper.ci.extractor import as_text, matches
from gatekeeper.ci.names import Kind, read
from gatekeeper.mention import Mention, Pattern
from gatekeeper.patterns import compiled
from gatekeeper.text import printable

LONGEST_LINE = 2000
"""Characters of a line that a pattern is tried on."""


def check(pattern: Pattern) -> None:
    """Say what is wrong with a pattern, before any file is read.

    Raises:
        InputError: As `gatekeeper.patterns.compiled`.
    """
    compiled(pattern.regex)


def extract_text(data: bytes, path: str, patterns: Sequence[Pattern]) -> Iterator[Mention]:
    """Find what patterns name in a text; each line is tried by itself.

    Args:
        data: The whole file, bounded.
        path: Its name, which the patterns' globs are tried on.
        patterns: In any order.

    Raises:
        InputError: As `check`.
    """
    chosen = [(each, compiled(each.regex)) for each in patterns if matches(path, each.path)]
    if not chosen:
        return
    for number, line in enumerate(as_text(data).split("\n"), 1):
        if len(line) > LONGEST_LINE:
            why = f"the line has more than {LONGEST_LINE:,} characters, so no pattern was tried on it"
            yield Mention(line=number, unresolved=why)
            continue
        for pattern, form in chosen:
            for found in form.finditer(line):
                yield _mention(found, number, pattern)


def _mention(found: re.Match[str], number: int, pattern: Pattern) -> Mention:
    groups = found.groupdict()
    text, revision = groups.get("name") or "", groups.get("revision") or ""
    reading = read(text, bare=True, lax=True)
    if reading.kind is Kind.OTHER:
        why = f"{printable(text, 60)!r} is not the id of a model"
        return Mention(line=number, role=pattern.role, call="pattern", unresolved=why)
    at = reading.revision or printable(revision)
    return Mention(line=number, role=pattern.role, call="pattern", name=reading.name, revision=at)
