"""The rules of `files/templates`."""

from __future__ import annotations

from gatekeeper.checks.check import Rule
from gatekeeper.evidence import Confidence, Hazard, Severity

_OWN = "Don't use the template: write your own or take the base model's, or refuse the repo."
_READ = "Read the template; waive the finding with the reason, or give the loader a template of your own."

RULES: tuple[Rule, ...] = (
    Rule(slug="reach", title="A chat template reaches for code", severity=Severity.CRITICAL, hazard=Hazard.PAYLOAD,
         mend=_OWN),
    Rule(slug="gadget", title="A chat template uses what leads to code", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="built-name", title="A chat template looks something up under a name that it puts together",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=_READ),
    Rule(slug="trigger-text", title="A chat template adds words when something is said", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="date-trigger", title="A chat template adds words on certain dates", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="random-text", title="A chat template leaves what it writes to chance", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="rewritten-content", title="A chat template changes words that were said", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="conditional-text", title="A chat template drops words, or adds some to the deployer's, by content",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, confidence=Confidence.MEDIUM, mend=_READ),
    Rule(slug="conditional-content", title="A chat template passes content on by what it holds",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, confidence=Confidence.MEDIUM, mend=_READ),
    Rule(slug="words-in-turn", title="A chat template puts words into somebody's mouth", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, confidence=Confidence.MEDIUM, mend=_READ),
    Rule(slug="hidden-orders", title="A chat template gives the model orders that users should not know of",
         severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, confidence=Confidence.MEDIUM, mend=_OWN),
    Rule(slug="standing-orders", title="A chat template has the model bring something into every answer",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, confidence=Confidence.MEDIUM, mend=_READ),
    Rule(slug="fetched", title="A chat template holds markup that fetches something", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="link", title="A chat template holds an address", severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
         mend=_READ),
    Rule(slug="blob", title="A chat template holds encoded text", severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED,
         mend=_READ),
    Rule(slug="steering-characters", title="A chat template hides text or turns it round", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="unseen-characters", title="A chat template holds characters that nobody sees",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=_READ),
    Rule(slug="mixed-script", title="A chat template mixes scripts within a word", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, mend=_READ),
    Rule(slug="greedy", title="Rendering a chat template would cost out of all proportion", severity=Severity.HIGH,
         hazard=Hazard.SUSPICIOUS, mend=_OWN),
    Rule(slug="unknown-name", title="A chat template asks for a function that no loader offers",
         severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=_READ),
    Rule(slug="unreadable", title="A chat template can't be read", severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS,
         mend="A loader that reads it otherwise would be told something that nobody looked at: refuse it."),
    Rule(slug="differs", title="Loaders are given chat templates that say different things", severity=Severity.MEDIUM,
         hazard=Hazard.UNVERIFIED, confidence=Confidence.MEDIUM,
         mend="Compare the templates, and load with the one that you reviewed."),
    Rule(slug="other-form", title="Loaders are given chat templates of different wording", severity=Severity.INFO,
         hazard=Hazard.NONE, mend="Nothing, unless a loader behaves oddly."),
)  # fmt: skip
