"""The front door: one file → everything that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from gatekeeper.ci.collecting import EXTRACTORS
from gatekeeper.ci.patterns import extract_text
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.mention import Mention, Pattern


def takes(path: str) -> bool:
    """Whether files of this name are read for more than markers and patterns."""
    ending = PurePosixPath(path).suffix.lower()
    return any(ending in each.endings for each in EXTRACTORS)


def extract(
    path: str, data: bytes, patterns: Sequence[Pattern] = (), limits: Limits = DEFAULT_LIMITS
) -> tuple[Mention, ...]:
    """Find everything that one file names.

    Args:
        path: Its name, relative to the root of the repository, with slashes.
        data: All of it, bounded.
        patterns: The team's own.
        limits: How much to read.

    Returns:
        What it names. What can't be told has a mention that says why.
    """
    ending = PurePosixPath(path).suffix.lower()
    extractor = next((each for each in EXTRACTORS if ending in each.endings), None)
    found = list(extractor.extract(data, ending, limits)) if extractor else []
    found += extract_text(data, path, patterns)
    return tuple(replace(mention, path=path) for mention in found)
