"""Regular expressions that a team gives and that are tried on a stranger's lines: what is wrong with one, said once."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from gatekeeper.errors import InputError
from gatekeeper.text import printable

LONGEST_PATTERN = 500
"""Characters of a regular expression."""

_GROUPS = frozenset({"name", "revision"})
_REPEATS = 6
_MANY = 64
"""How often a part may repeat inside a part that repeats."""


@lru_cache(maxsize=256)
def compiled(regex: str) -> re.Pattern[str]:
    """Compile an expression that names models.

    Raises:
        InputError: When it is no regular expression, has no group `name` or one that means nothing, is long, or could
            take very long on a line that somebody makes for it: a repetition inside a repetition, a look back, more
            than six open repetitions.
    """
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
    if unknown := sorted(form.groupindex.keys() - _GROUPS):
        raise InputError(f"the pattern {shown} has groups that mean nothing here: {printable(', '.join(unknown))}")
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
