"""One file → its mentions, whatever kind of file it is; and whether it is of a kind that is read at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import PurePosixPath

from gatekeeper.ci.collecting import EXTRACTORS
from gatekeeper.ci.globs import matches
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.mention import Mention, Pattern

_LINE = 2_000
"""Characters of a line that patterns are searched in."""


def takes(path: str, patterns: Iterable[Pattern] = ()) -> bool:
    """Whether a file of that path may name models."""
    ending = PurePosixPath(path).suffix.lower()
    return any(ending in each.endings for each in EXTRACTORS) or any(matches(each.path, path) for each in patterns)


def extract(
    path: str, data: bytes, patterns: Iterable[Pattern] = (), limits: Limits = DEFAULT_LIMITS
) -> tuple[Mention, ...]:
    """Find what one file names.

    Args:
        path: From the repository's root; it tells the kind.
        data: The whole file, bounded.
        patterns: A team's own.
        limits: How much to read.

    Returns:
        What it names, and what can't be told; a file that can't be read gives a mention that says why.
    """
    ending = PurePosixPath(path).suffix.lower()
    extractor = next((each for each in EXTRACTORS if ending in each.endings), None)
    found = list(extractor.extract(data, ending, limits)) if extractor else []
    own = [pattern for pattern in patterns if matches(pattern.path, path)]
    found += _by_patterns(data, own) if own else ()
    return tuple(replace(mention, path=path) for mention in found)


def _by_patterns(data: bytes, patterns: Iterable[Pattern]) -> Iterator[Mention]:
    text = data.decode("utf-8", "replace")
    compiled = [(pattern, _compiled(pattern.find)) for pattern in patterns]
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, find in compiled:
            for found in find.finditer(line[:_LINE]):
                groups = found.groupdict()
                if name := groups.get("name"):
                    revision = groups.get("revision") or ""
                    yield Mention(line=number, name=name, revision=revision, role=pattern.role, call=pattern.find)


@lru_cache(maxsize=256)
def _compiled(find: str) -> re.Pattern[str]:
    return re.compile(find)
