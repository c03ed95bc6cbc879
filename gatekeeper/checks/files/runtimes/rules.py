"""The rules of `files/runtime-models`."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_REFETCH = (
    "Fetch the files again; if they are the same, ask the publisher to write them anew with the format's library."
)
_BRING = "Find out which library brings it, and install that from a source that you trust and have read."


def _broken(slug: str, title: str) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, mend=_REFETCH)


RULES: tuple[Rule, ...] = (
    _broken("cut-off", "A model file is cut off"),
    _broken("malformed", "A model file is not built as its format promises"),
    _broken("spans", "Parts of a model overlap, leave holes or lie outside the file"),
    _broken("trailing", "Bytes follow a model"),
    _broken("checksum", "A checksum in a model file is wrong"),
    _broken("missing-part", "A part of a model is not there"),
    Rule(slug="reaches-out", title="A model takes in or reaches for what lies elsewhere", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend="A model needs nothing from elsewhere: refuse it, or ask what it is for."),
    Rule(slug="own-operator", title="A model calls operators that its engine does not bring",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=_BRING),
    Rule(slug="own-values", title="A checkpoint holds objects that a library rebuilds", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, mend=_BRING),
    Rule(slug="texts", title="A checkpoint holds texts beside its tensors", severity=Severity.INFO,
         hazard=Hazard.NONE, mend="See what they say; no loader runs them."),
)  # fmt: skip
