"""Globs over paths and names, as a team writes them into its policy."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(glob: str, text: str) -> bool:
    """Whether a path or a name is meant: `*` and `?` stay within one part, `**` stands for any number of parts."""
    return _compiled(glob).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    # Stars in a row say no more than one, and would cost time for each of them.
    parts = re.split(r"(\*\*/+|\*{2,}|\*|\?)", re.sub(r"(?:\*\*/+)+", "**/", glob))
    return re.compile("".join(map(_part, parts)), re.DOTALL)


def _part(part: str) -> str:
    if part.startswith("**"):
        return "(?:[^/]+/)*" if part.endswith("/") else ".*"
    return {"*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
