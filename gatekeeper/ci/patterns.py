"""Patterns that a team gives: lines of files in its own form that name models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from gatekeeper.mention import Mention, Pattern

LONGEST_LINE = 2000
"""Characters of a line that a pattern is tried on."""


def matches(path: str, glob: str) -> bool:
    """Whether a glob fits a whole path, or, without a slash, its last part; `*` goes over slashes."""
    return fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")


def extract_text(data: bytes, path: str, patterns: Sequence[Pattern]) -> Iterator[Mention]:
    """Find what patterns name in a text; each line is tried by itself."""
    chosen = [(each, _compiled(each.regex)) for each in patterns if matches(path, each.path)]
    if not chosen:
        return
    for number, line in enumerate(data.decode("utf-8", "replace").split("\n"), 1):
        if len(line) > LONGEST_LINE:
            why = f"the line has more than {LONGEST_LINE:,} characters, so no pattern was tried on it"
            yield Mention(line=number, unresolved=why)
            continue
        for pattern, form in chosen:
            for found in form.finditer(line):
                groups = found.groupdict()
                if name := groups.get("name"):
                    revision = groups.get("revision") or ""
                    yield Mention(line=number, name=name, revision=revision, role=pattern.role, call="pattern")


@lru_cache(maxsize=256)
def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex)
