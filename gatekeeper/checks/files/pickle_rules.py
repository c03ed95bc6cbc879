"""The rules of `files/scanners` about the pickles themselves, beside what they import."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_REFUSE = "Don't load it; ask the publisher for safetensors."
_LOOK = "Find out what wrote it; waive it with the reason, or refuse the file."


def _rule(slug: str, title: str, mend: str = _LOOK, severity: Severity = Severity.HIGH) -> Rule:
    return Rule(slug=slug, title=title, severity=severity, hazard=Hazard.SUSPICIOUS, mend=mend)


PICKLE_RULES: tuple[Rule, ...] = (
    Rule(slug="pickle-patch", title="A pickle changes a class or function itself", severity=Severity.CRITICAL,
         hazard=Hazard.PAYLOAD, mend=_REFUSE),
    Rule(slug="pickle-computed", title="A pickle hides what it imports or calls", severity=Severity.CRITICAL,
         hazard=Hazard.PAYLOAD, mend=_REFUSE),
    _rule("pickle-greedy", "A pickle costs far more than its size", _REFUSE),
    _rule("pickle-broken", "A pickle breaks off", "Fetch the file again; if it is the same, refuse it."),
    _rule("pickle-odd", "Unpicklers would differ about a pickle", _REFUSE),
    _rule("pickle-outside", "A pickle takes something that its file does not hold"),
    _rule("pickle-trailing", "Bytes follow a pickle"),
)  # fmt: skip
"""One for each way in which a pickle is no honest one whatever it imports."""
