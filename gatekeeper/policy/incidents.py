"""From a reported failure and its remedy to the facts that the table speaks of."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.evidence import FactValue
from gatekeeper.remedy import Cause, Remedy
from gatekeeper.text import printable

INCIDENT = "patch"
"""What `Fact.set_by` says of facts that come from a reported failure alone; no check may set them."""

_TEXT = 600
"""Characters of what became of a failure, in a reason."""


def facts_of(remedy: Remedy | None, digest: str) -> Mapping[str, FactValue]:
    """Give the facts of a failure.

    A remedy is verified for the very bytes that it gave: held against others it counts as one that is not, and so it
    ends in at least `escalate` or another pass.

    Args:
        remedy: None when no failure was reported.
        digest: Of the artifact that is decided on.
    """
    if remedy is None:
        return {}
    verified = remedy.exists and remedy.verified and bool(digest) and remedy.patched_digest == digest
    diagnosis = remedy.diagnosis
    return {
        "failure.reported": True,
        "failure.cause": diagnosis.cause.value,
        "failure.localised": diagnosis.cause is Cause.CONTENT_TRIGGER and bool(diagnosis.triggers),
        "remedy.exists": remedy.exists,
        "remedy.verified": verified,
        "remedy.passes_left": max(0, remedy.passes_left),
    }


def told(remedy: Remedy | None) -> str:
    """Say what a reported failure came to: the claim of a verified remedy, what a failed one missed, or the cause."""
    if remedy is None:
        return ""
    last = remedy.passes[-1].words if remedy.passes else remedy.diagnosis.words
    return printable((remedy.claim or last) if remedy.verified else last, _TEXT).rstrip(".")
