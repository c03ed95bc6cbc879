"""Rules of a SARIF log: what a result means and what to do, as the check that made it describes itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gatekeeper.attestation import Attestation
from gatekeeper.decision import Action
from gatekeeper.evidence import CheckDescription, Confidence, Finding, Severity
from gatekeeper.report.markdown import prose
from gatekeeper.report.view import GLOSSES
from gatekeeper.text import printable

LEVELS: Mapping[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
"""SARIF's word for how bad something is (3.27.10)."""

# GitHub reads above 9 as critical, from 7 as high, from 4 as medium, and what is left as low. What is only worth
# reading has none, and is shown by its level.
_SECURITY_SEVERITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.5"}
_PRECISION = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}

MAX_TEXT = 1_000
"""Characters of one message or of one part of a rule's help."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """What a kind of result means."""

    id: str
    title: str
    says: str
    """Full description, one or two sentences."""

    help: tuple[tuple[str, str], ...]
    """Headings with a paragraph each."""

    tags: tuple[str, ...]


VERDICT = "gatekeeper/verdict"
CHANGED = "gatekeeper/changed"
NOT_JUDGED = "gatekeeper/not-judged"
UNRESOLVED = "gatekeeper/unresolved"

_VERDICTS = {
    f"{VERDICT}-{action.value}": Rule(
        id=f"{VERDICT}-{action.value}",
        title=f"The verdict on a model is {action.value}",
        says=f"The policy's table decided on this model: {action.value}. {GLOSSES[action]}",
        help=(
            ("What it is", "The first row of the policy's decision table that holds for the evidence."),
            ("What to do", "What the row asks for; the report of the model says it, with every row and its reason."),
        ),
        tags=("security", "verdict"),
    )
    for action in Action
    if action is not Action.ALLOW
}
_OWN = {
    rule.id: rule
    for rule in (
        Rule(
            id=CHANGED,
            title="A change of the model to be looked at first",
            says="The newer revision differs from the one that was named before, in a way that can make a loader run "
            "code, change every answer, or change what may be done with the model.",
            help=(
                ("What it is", "A comparison of the two revisions. It decides nothing: the newer one is judged whole."),
                ("What to do", "Read the change, and ask the publisher for its reason where none is given."),
            ),
            tags=("security", "change"),
        ),
        Rule(
            id=NOT_JUDGED,
            title="A model that could not be judged",
            says="Something kept the model from being fetched or inspected, so there is no verdict on it.",
            help=(
                ("Why it matters", "No verdict is not a good one: a model nobody looked at is never allowed."),
                ("What to do", "Follow the hint in the message and run the job again."),
            ),
            tags=("security",),
        ),
        Rule(
            id=UNRESOLVED,
            title="A model is named that can't be told",
            says="The name or the revision is put together when the program runs, so nobody judged what it loads.",
            help=(
                ("Why it matters", "What can't be told from the files can't be held against what was reviewed."),
                ("What to do", "Write the name and the commit out, or name the model to the job by hand."),
            ),
            tags=("security",),
        ),
    )
} | _VERDICTS


def rule_id(finding: Finding) -> str:
    """Give the id of the rule that a finding falls under."""
    return plain(finding.id, 200)


def rules_of(attestations: Iterable[Attestation]) -> dict[str, Rule]:
    """Give our own rules, and those of every finding as the checks that ran describe themselves."""
    rules = dict(_OWN)
    for attestation in attestations:
        for result in attestation.results:
            titles = {rule.id: (rule.title, rule.mend) for rule in result.check.rules}
            for finding in result.findings:
                title, mend = titles.get(finding.id, (finding.title, finding.mend))
                rules.setdefault(rule_id(finding), _rule(finding, result.check, title, mend))
    return rules


def _rule(finding: Finding, check: CheckDescription, title: str, mend: str) -> Rule:
    parts = (
        ("What to do", mend),
        ("What the check looks at", check.looks_at),
        ("Why it matters", check.why),
        ("What it cannot see", check.cannot_see),
        ("How to mend", check.mend),
    )
    room = check.id.partition("/")[0]
    return Rule(
        id=rule_id(finding),
        title=title,
        says=f"{check.title}: {title}. {check.why}",
        help=tuple((heading, text) for heading, text in parts if text),
        tags=("security", "supply-chain", room, finding.hazard.value),
    )


def describe(rule: Rule, severity: Severity, confidence: Confidence, home: str) -> dict[str, Any]:
    """Write a rule as a `reportingDescriptor` (3.49).

    Args:
        rule: What to write.
        severity: The worst of its results: platforms sort alerts by their rule.
        confidence: Of its surest result.
        home: Address of the tool's repository; empty for no link.
    """
    properties: dict[str, Any] = {"tags": list(dict.fromkeys(printable(tag, 60) for tag in rule.tags if tag))}
    if severity in _SECURITY_SEVERITY and "security" in rule.tags:
        properties |= {"security-severity": _SECURITY_SEVERITY[severity]}
    said = {
        "id": rule.id,
        "name": _name(rule.id),
        "shortDescription": {"text": plain(rule.title, 200)},
        "fullDescription": {"text": plain(rule.says)},
        "help": {
            "text": "\n\n".join(f"{heading}: {plain(text)}" for heading, text in rule.help),
            "markdown": "\n\n".join(f"**{heading}.** {prose(text, MAX_TEXT)}" for heading, text in rule.help),
        },
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {**properties, "precision": _PRECISION[confidence]},
    }
    return said | ({"helpUri": f"{home}/blob/HEAD/docs/checks.md#{anchor(rule.id)}"} if home else {})


def anchor(rule_id: str) -> str:
    """Give the heading of the page on checks that a rule is found under, as an anchor: the check, or our own rules."""
    check = rule_id.rpartition("/")[0].lower()
    return re.sub(r"[^a-z0-9-]+", "", check) if check else "gatekeeper"


def _name(id: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", id)
    return "".join(word[:40].capitalize() for word in words[:12]) or "Rule"


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Write hostile text for a plain message, in which brackets right before parentheses would be a link (3.11.6)."""
    return printable(text, limit).replace("](", "] (")
