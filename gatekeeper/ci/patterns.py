"""Patterns that a team gives: lines of files in its own form that name models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from gatekeeper.ci.extractor import as_text
from gatekeeper.ci.names import Kind, read
from gatekeeper.errors import InputError
from gatekeeper.mention import Mention, Pattern
from gatekeeper.text import printable

LONGEST_PATTERN = 500
"""Characters of a regular expression."""

LONGEST_LINE = 2000
"""Characters of a line that a pattern is tried on."""

_REPEATS = 6
_MANY = 64
"""How often a part may repeat inside a part that repeats."""


def check(pattern: Pattern) -> None:
    """Say what is wrong with a pattern, before any file is read.

    Raises:
        InputError: When it is no regular expression, has no group `name`, is long, or could take very long on a line
            that somebody makes for it: a repetition inside a repetition, a look back, more than six open repetitions.
    """
    _compiled(pattern.regex)


def extract_text(data: bytes, path: str, patterns: Sequence[Pattern]) -> Iterator[Mention]:
    """Find what patterns name in a text; each line is tried by itself.

    Args:
        data: The whole file, bounded.
        path: Its name, which the patterns' globs are tried on.
        patterns: In any order.

    Raises:
        InputError: As `check`.
    """
    chosen = [(each, _compiled(each.regex)) for each in patterns if matches(path, each.path)]
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


def matches(path: str, glob: str) -> bool:
    """Whether a glob fits a whole path, or, without a slash, its last part; `*` goes over slashes."""
    return fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")


def _mention(found: re.Match[str], number: int, pattern: Pattern) -> Mention:
    groups = found.groupdict()
    text, revision = groups.get("name") or "", groups.get("revision") or ""
    reading = read(text, bare=True, lax=True)
    if reading.kind is Kind.OTHER:
        why = f"{printable(text, 60)!r} is not the id of a model"
        return Mention(line=number, role=pattern.role, call="pattern", unresolved=why)
    at = reading.revision or printable(revision)
    return Mention(line=number, role=pattern.role, call="pattern", name=reading.name, revision=at)


@lru_cache(maxsize=256)
def _compiled(regex: str) -> re.Pattern[str]:
    shown = printable(regex, 60)
    if len(regex) > LONGEST_PATTERN:
        raise InputError(f"the pattern {shown} has more than {LONGEST_PATTERN} characters")
    try:
        form = re.compile(regex)
        tree = _parsed(regex)
    except (re.error, RecursionError, OverflowError) as error:
        raise InputError(f"the pattern {shown} is no regular expression: {printable(str(error))}") from error
    if "name" not in form.groupindex:
        raise InputError(f"the pattern {shown} has no group `name`", hint="write (?P<name>…) around the model's id")
    if _costs(tree) > _REPEATS:
        raise InputError(
            f"the pattern {shown} could take very long on a line that is made for it",
            hint="no repetition inside a repetition, no (?P=…), at most six of `*` and `+`",
        )
    return form


def _parsed(regex: str) -> Any:
    from re import _parser  # type: ignore[attr-defined]  # the tree is all that tells nested repetitions for sure

    return _parser.parse(regex)


def _costs(tree: Any, inside: bool = False) -> int:
    """Count the open repetitions; one inside another, and what looks back, counts as too many."""
    total = 0
    for code, argument in tree:
        name = str(code)
        if name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            _, high, part = argument
            open_ended = int(high) > _MANY
            inner = _costs(part, inside or open_ended or int(high) > 1)
            total += inner + (_REPEATS + 1 if inside and int(high) > 1 else int(open_ended))
        elif name in {"GROUPREF", "GROUPREF_EXISTS"}:
            total += _REPEATS + 1
        elif name == "SUBPATTERN":
            total += _costs(argument[3], inside)
        elif name == "BRANCH":
            total += sum(_costs(part, inside) for part in argument[1]) + (_REPEATS + 1 if inside else 0)
        elif name in {"ASSERT", "ASSERT_NOT"}:
            total += _costs(argument[1], inside)
        elif name == "ATOMIC_GROUP":
            total += _costs(argument, inside)
    return total
