"""The rules of `files/python-code`."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Hazard, Severity

_READ = "Read the line at the pinned commit; refuse the repo unless it is what it should be."
_LEAVE = "No configuration asks for the file: leave it out of the deployment, or read it before somebody runs it."


def _rule(slug: str, title: str, severity: Severity, hazard: Hazard, mend: str = _READ) -> Rule:
    return Rule(slug=slug, title=title, severity=severity, hazard=hazard, mend=mend)


RULES: tuple[Rule, ...] = (
    _rule("hidden-payload", "The model's code runs what it decodes", Severity.CRITICAL, Hazard.PAYLOAD,
          "Refuse the repo."),
    _rule("runs-on-import", "Importing the model's code runs commands, or code that it builds",
          Severity.CRITICAL, Hazard.PAYLOAD, "Refuse the repo."),
    _rule("reaches-on-import", "Importing the model's code reaches out", Severity.HIGH,
          Hazard.SUSPICIOUS),
    _rule("installs-packages", "The model's code installs packages", Severity.HIGH, Hazard.SUSPICIOUS,
          "Install what it needs yourself, pinned, and take the call out."),
    _rule("runs-when-used", "The model's code runs commands, or code that it builds", Severity.HIGH,
          Hazard.SUSPICIOUS),
    _rule("evaluates-when-used", "The model's code evaluates text, unpickles or loads libraries",
          Severity.MEDIUM, Hazard.UNVERIFIED),
    _rule("connects-when-used", "The model's code opens connections", Severity.LOW, Hazard.NONE),
    _rule("unread-code", "The model's code can't be read", Severity.HIGH, Hazard.SUSPICIOUS,
          "Nobody could look at it here: read it by hand, or refuse the repo."),
    _rule("encoded-source", "Source is in an encoding that hides it", Severity.HIGH, Hazard.SUSPICIOUS),
    _rule("hidden-characters", "Source reads otherwise than it runs", Severity.HIGH, Hazard.SUSPICIOUS),
    _rule("hidden-script", "A script runs what it decodes", Severity.HIGH, Hazard.SUSPICIOUS, _LEAVE),
    _rule("script", "A script reaches out when somebody runs it", Severity.LOW, Hazard.NONE, _LEAVE),
    _rule("unread-script", "A script can't be read", Severity.LOW, Hazard.NONE, _LEAVE),
)  # fmt: skip
