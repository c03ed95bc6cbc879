"""What an audit comes to, in words: the verdict, its reasons, what would be needed, and where it lies in a population.

Nothing is weighed here that the table was not asked with: the words follow its facts and the findings that are open.
"""

from __future__ import annotations

from gatekeeper import policy
from gatekeeper.attestation import Attestation
from gatekeeper.audit import AuditWord, BaseRecord, Point, Scatter
from gatekeeper.checks import adapter as adapters
from gatekeeper.decision import Action, WaiverState
from gatekeeper.errors import GatekeeperError
from gatekeeper.evidence import CheckResult, Finding, Hazard, Status
from gatekeeper.gate import Inspection, Run, key_of
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.population import Label, Population
from gatekeeper.text import plural, printable

_OWN = "adapter/"
"""Begins the ids of the checks that look at adapters alone."""

_UNCALIBRATED = "adapter/weights/uncalibrated"
_CALM = "nothing-found"
"""What `adapter.behaviour` is where prompts were run and nothing came of it."""

_REASONS = 8


def word_of(attestation: Attestation) -> AuditWord:
    """Say what an audit comes to, by the facts that the table was asked with and by what is open.

    Args:
        attestation: With a decision.
    """
    decision = attestation.verdict
    told = decision.facts.get("adapter.audit")
    if told == AuditWord.REJECT or decision.action is Action.DISCARD:
        return AuditWord.REJECT
    own = [each for each in _open(attestation) if each.check.startswith(_OWN) and each.id != _UNCALIBRATED]
    if told == AuditWord.ANOMALOUS or own or decision.action is Action.ESCALATE:
        return AuditWord.ANOMALOUS
    unknown = [each for each in attestation.results if each.status is Status.UNKNOWN and _is_own(each)]
    # Statistics of weights tell poisoned adapters from honest ones by chance alone (docs/adapters-measured.md).
    unseen = decision.facts.get("adapter.behaviour") != _CALM
    if told != AuditWord.PASS or unknown or unseen:
        return AuditWord.UNCALIBRATED
    return AuditWord.PASS


def _is_own(result: CheckResult) -> bool:
    return result.check.id.startswith(_OWN)


def _open(attestation: Attestation) -> list[Finding]:
    """Give the findings that speak against it and that nobody waived, the worst first."""
    waived = {waiver.finding for waiver in attestation.verdict.waivers if waiver.state is WaiverState.USED}
    found = [each for each in attestation.findings if each.id not in waived and each.hazard is not Hazard.NONE]
    return sorted(found, key=lambda each: -each.severity)


def reasons(attestation: Attestation, record: BaseRecord) -> tuple[str, ...]:
    """Give what speaks against an adapter, in sentences, the weightiest first."""
    found = [f"{each.title}: {each.message}" for each in _open(attestation) if each.check.startswith(_OWN)]
    if attestation.verdict.facts.get("adapter.behaviour") == "none":
        found.append("No prompt was run: what it answers was not looked at.")
    found += [
        f"{each.check.title} is unknown: {each.reason}"
        for each in attestation.results
        if _is_own(each) and each.status is Status.UNKNOWN
    ]
    decision = attestation.verdict
    found.append(f"The table says {decision.action.value} (row {decision.row}): {decision.because}.")
    if record.action is not Action.ALLOW and record.action is not None:
        found.append(f"Its base is not allowed: {record.action.value} (row {record.row}): {record.because}.")
    kept = found[:_REASONS]
    more = (f"And {plural(len(found) - len(kept), 'more reason')}.",) if len(kept) < len(found) else ()
    return (*kept, *more)


def needed(attestation: Attestation, record: BaseRecord, word: AuditWord) -> tuple[str, ...]:
    """Say what would be needed to allow an adapter, in sentences; nothing for one that is rejected."""
    decision = attestation.verdict
    found: list[str] = []
    if word is AuditWord.REJECT:
        return ()
    if decision.action is not Action.ALLOW:
        found += list(dict.fromkeys(f"{each.mend.rstrip('.')}." for each in _open(attestation)))[:_REASONS]
        found += [
            f"Make {each.check.id} possible: {each.reason}"
            for each in attestation.results
            if each.status is Status.UNKNOWN
        ]
        if not policy.obstacle(decision, attestation.findings):
            found.append(
                "Or sign it off, once somebody has looked: gatekeeper approve --attestation <this report.json> "
                "--by <who> --reason <why> --expires <day>."
            )
    if record.action is not None and record.action is not Action.ALLOW:
        found.append(f"Have the base allowed: gatekeeper gate {printable(record.reference, 300)}.")
    return tuple(found)


def scatters(seen: Inspection, run: Run) -> tuple[Scatter, ...]:
    """Lay the adapter among the members of each population that fits it, by the two features that it is oddest in."""
    if not run.policy.populations:
        return ()
    limits = run.source.limits if run.source else DEFAULT_LIMITS
    layout = adapters.read_layout(seen.artifact, limits)
    if len(layout.adapters) != 1 or layout.adapters[0].troubles:
        return ()
    try:
        measured = adapters.measure(layout.adapters[0], limits)
    except GatekeeperError:
        return ()
    sample = measured.sample(name=key_of(seen.artifact).reference, digest=seen.artifact.digest)
    found = []
    for population in run.policy.populations:
        judgement = adapters.judge(population, sample)
        if len(judgement.odd) >= 2:
            found.append(_scatter(population, sample, judgement.odd[0].feature, judgement.odd[1].feature))
    return tuple(found)


def _scatter(population: Population, sample: adapters.Sample, x: str, y: str) -> Scatter:
    columns = population.features.index(x), population.features.index(y)
    members = tuple(
        Point(x=member.values[columns[0]], y=member.values[columns[1]], honest=member.label is Label.HONEST)
        for member in population.members
    )
    own = Point(x=sample.features[x], y=sample.features[y], honest=False)
    return Scatter(population=population.name, x_feature=x, y_feature=y, own=own, members=members)
