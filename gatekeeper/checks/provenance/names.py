"""Publisher names: whose a Hub id is, and how names are compared."""

from __future__ import annotations

import string
from collections.abc import Iterable

from gatekeeper.artifact import Artifact, Scheme

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def ascii_lower(text: str) -> str:
    """Lower the letters A to Z alone, as the Hub compares names.

    `str.lower` would fold the Kelvin sign into `k`, and so make a foreign name equal to a trusted one.
    """
    return text.translate(_LOWER)


def publisher_of(repo_id: str) -> str:
    """Give the organisation or user of `org/name`; empty for the Hub's old names without one (`gpt2`)."""
    publisher, slash, _ = repo_id.partition("/")
    return publisher if slash else ""


def publishers_of(artifact: Artifact) -> tuple[str, ...]:
    """Give the artifact's publisher, then the one that was asked for where a redirect made it another.

    The bytes come from the id that the Hub answered with, so that one counts. A publisher is empty where the id names
    none; local sources have no publishers at all.
    """
    if artifact.reference.scheme is not Scheme.HUB:
        return ()
    if artifact.platform is None:
        return (publisher_of(artifact.reference.name),)
    answered = publisher_of(artifact.platform.returned_id)
    asked = publisher_of(artifact.platform.requested_id)
    return (answered,) if not asked or listed(asked, [answered]) else (answered, asked)


def listed(name: str, names: Iterable[str]) -> bool:
    """Whether `name` stands in a deployer's list; letter case does not count."""
    return bool(name) and ascii_lower(name) in {ascii_lower(entry) for entry in names}
