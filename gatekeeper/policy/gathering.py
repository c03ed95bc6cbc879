"""From evidence to facts: what the checks set, defaults for the rest, and what the findings come to.

A check that sets a fact which the vocabulary does not have, that it did not declare or whose value does not fit
breaks its contract: the fact is left out, so that every row that mentions it is indeterminate, and the check counts
as unknown. So does a fact that two results set differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gatekeeper.evidence import CheckResult, Evidence, FactValue, Finding, Hazard, Status, unread_files
from gatekeeper.policy.expressions import nearest
from gatekeeper.policy.facts import BY_NAME, DERIVED, VOCABULARY, misfit
from gatekeeper.policy.incidents import INCIDENT
from gatekeeper.policy.policy import Policy
from gatekeeper.policy.waivers import Applied
from gatekeeper.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """The facts about one artifact."""

    facts: Mapping[str, FactValue]
    """The whole vocabulary, but for what is missing."""

    missing: Mapping[str, str]
    """Facts that nobody can rely on → why."""


NO_INCIDENT: Mapping[str, FactValue] = MappingProxyType({})


def gather(
    evidence: Evidence, policy: Policy, waived: Applied, incident: Mapping[str, FactValue] = NO_INCIDENT
) -> Gathered:
    """Fill the vocabulary.

    Args:
        evidence: What the checks found.
        policy: Says which checks are required.
        waived: Says which findings are waived, and so not open.
        incident: Facts of a reported failure; empty when there is none.
    """
    said: dict[str, FactValue] = {}
    missing: dict[str, str] = {}
    broken: set[str] = set()
    for result in evidence.results:
        for name, value in result.facts.items():
            problem = _problem(result, name, value)
            if not problem and name in said and said[name] != value:
                problem = "checks disagree about it"
            if problem:
                missing[name] = f"{result.check.id}: {problem}"
                broken.add(result.check.id)
            said.setdefault(name, value)
    facts: dict[str, FactValue] = {fact.name: said.get(fact.name, fact.default) for fact in VOCABULARY}
    facts |= incident
    if "adapter.behaviour" not in missing and facts["adapter.behaviour"] == "reject":
        # What it does outweighs what its weights look like.
        facts["adapter.audit"] = "reject"
    facts |= _of_findings([finding for finding in evidence.findings if finding.id not in waived.findings], waived)
    payloads = [finding for finding in evidence.findings if finding.hazard is Hazard.PAYLOAD]
    facts["files.payload_unread"] = bool(unread_files(payloads, evidence.readers))
    facts |= _of_checks(evidence.results, broken, policy.required)
    # The last law of the vocabulary: nothing that fails to fit gets through, whoever derived it.
    kept = {name: value for name, value in facts.items() if name not in missing and not misfit(BY_NAME[name], value)}
    return Gathered(facts=kept, missing={name: why for name, why in missing.items() if name in BY_NAME})


def _problem(result: CheckResult, name: str, value: FactValue) -> str:
    fact = BY_NAME.get(name)
    if fact is None:
        return "the vocabulary has no such fact"
    if fact.set_by in (DERIVED, INCIDENT):
        return "no check may set it"
    if name not in result.check.facts:
        return "the check does not declare it"
    wrong = misfit(fact, value)
    return f"it {wrong}" if wrong else ""


def _of_findings(open_findings: list[Finding], waived: Applied) -> dict[str, FactValue]:
    hazards = {finding.hazard.value for finding in open_findings if finding.hazard is not Hazard.NONE}
    return {
        "findings.hazards": tuple(sorted(hazards)),
        "findings.ids": tuple(sorted({finding.id for finding in open_findings})),
        "findings.waived": tuple(sorted(waived.findings)),
        "findings.severity": max((int(finding.severity) for finding in open_findings), default=0),
    }


def _of_checks(results: Iterable[CheckResult], broken: set[str], required: Iterable[str]) -> dict[str, FactValue]:
    ran = {result.check.id for result in results}
    unknown = broken | {result.check.id for result in results if result.status is Status.UNKNOWN}
    return {
        "checks.unknown": tuple(sorted(unknown)),
        "checks.required_unknown": tuple(sorted(name for name in required if name in unknown or name not in ran)),
    }


def complete(given: Mapping[str, object]) -> dict[str, FactValue]:
    """Fill facts that somebody wrote by hand up with the defaults.

    Args:
        given: Some facts; lists may be lists.

    Raises:
        FactError: When a name is unknown or a value does not fit.
    """
    facts: dict[str, FactValue] = {fact.name: fact.default for fact in VOCABULARY}
    for name, value in given.items():
        if name not in BY_NAME:
            raise FactError(name, "is no fact", hint=nearest(name, list(BY_NAME)))
        plain = tuple(value) if isinstance(value, list) else value
        wrong = misfit(BY_NAME[name], plain)
        if wrong or not isinstance(plain, (bool, int, float, str, tuple)):
            raise FactError(name, wrong)
        facts[name] = plain
    return facts


class FactError(ValueError):
    """A fact that somebody wrote by hand can't be used.

    Args:
        name: Of the fact.
        why: A few words that follow the name.
        hint: What was perhaps meant; may be empty.
    """

    def __init__(self, name: str, why: str, *, hint: str = "") -> None:
        """Keep the name, so that the caller can find where it was written."""
        super().__init__(f"`{printable(name, 80)}` {why}")
        self.name = name
        self.hint = hint
