"""Deciding: the first row of the table that holds, and then the laws. Pure: no clock, no files, no randomness."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from gatekeeper.decision import Action, Approval, Decision, RowOutcome, RowState, WaiverUse
from gatekeeper.evidence import Evidence, FactValue
from gatekeeper.policy.approvals import sign_off
from gatekeeper.policy.expressions import NO_REASONS
from gatekeeper.policy.gathering import complete, gather
from gatekeeper.policy.incidents import facts_of, told
from gatekeeper.policy.laws import Case, overrule
from gatekeeper.policy.policy import Policy, Row, SubjectKey
from gatekeeper.policy.waivers import apply
from gatekeeper.remedy import Remedy
from gatekeeper.text import printable

HAZARDS = "findings.hazards"
"""The fact by which a row speaks of hazards."""

_INCIDENT = re.compile(r"\b(?:failure|remedy)\.")
"""Begins the facts by which a row speaks of a reported failure."""

_UNKNOWN = ("checks.required_unknown", "checks.unknown")
"""The facts by which a row speaks of checks that could not look."""

NO_TITLES: Mapping[str, tuple[str, ...]] = MappingProxyType({})

_TITLES = 3
"""Findings that are named for one hazard."""

_PATH = 80
"""Characters of a path in a reason."""


def decide(
    evidence: Evidence,
    policy: Policy,
    *,
    subject: SubjectKey,
    now: datetime,
    approvals: Sequence[Approval] = (),
    remedy: Remedy | None = None,
) -> Decision:
    """Decide on one artifact.

    Args:
        evidence: What the checks found.
        policy: The deployer's table and lists.
        subject: The artifact, for the waivers and approvals that are bound to it.
        now: When, with a time zone; only waivers and approvals depend on it.
        approvals: What people signed off; each counts for one artifact alone.
        remedy: What a reported failure comes from and what was done about it; None when none was reported.

    Raises:
        ValueError: When `now` has no time zone.
    """
    waived = apply(policy.waivers, evidence.findings, subject=subject, now=now, thresholds=policy.thresholds)
    gathered = gather(evidence, policy, waived, facts_of(remedy, subject.digest))
    hazards = frozenset(finding.hazard.value for finding in evidence.findings)
    decision = decide_facts(
        gathered.facts,
        policy,
        missing=gathered.missing,
        hazards=hazards,
        waivers=waived.uses,
        titles=_titles(evidence, waived.findings),
        incident=told(remedy),
    )
    return sign_off(decision, approvals, policy, digest=subject.digest, hazards=hazards, now=now)


def decide_facts(
    facts: Mapping[str, FactValue],
    policy: Policy,
    *,
    missing: Mapping[str, str] = NO_REASONS,
    hazards: frozenset[str] = frozenset(),
    waivers: tuple[WaiverUse, ...] = (),
    titles: Mapping[str, tuple[str, ...]] = NO_TITLES,
    incident: str = "",
) -> Decision:
    """Decide on facts alone.

    Args:
        facts: The vocabulary; what is left out makes rows that mention it indeterminate, and counts against the
            artifact wherever a law asks for it.
        policy: The deployer's table.
        missing: Why facts are left out.
        hazards: Hazards of all findings, waived or not, for the laws.
        waivers: To be printed with the decision.
        titles: Hazard → titles of its open findings, to say why in words.
        incident: What a reported failure came to, in words.
    """
    rows = tuple(_try(row, facts, missing) for row in policy.rows)
    fired = next((row for row in rows if row.state is RowState.HOLDS), None) or _NO_ROW
    laws = overrule(fired.action, Case(facts=facts, hazards=hazards, rows=rows))
    action, slug, because, ask = fired.action, fired.row, _because(fired, rows, facts, titles, incident), fired.ask
    if laws:
        action, slug = Action.ESCALATE, f"law:{laws[0].slug}"
        because = "; ".join([*(law.words for law in laws), *_undecided(rows)])
        ask = f"look at it yourself: row `{fired.row}` said {fired.action.value}, which a law forbids here"
    return Decision(
        action=action,
        row=slug,
        because=because,
        ask=ask,
        rows=rows,
        facts=dict(facts),
        laws=tuple(law.words for law in laws),
        waivers=waivers,
        policy_name=policy.name,
        policy_digest=policy.digest,
        required=policy.required,
    )


def explain(policy: Policy, given: Mapping[str, object]) -> Decision:
    """Decide on facts that somebody wrote by hand, with defaults for the rest.

    Raises:
        FactError: When a name is unknown or a value does not fit.
    """
    return decide_facts(complete(given), policy)


# `check_table` refuses tables without a last row that always holds; a hand-made policy may still lack one.
_NO_ROW = RowOutcome(
    row="law:no-row",
    action=Action.ESCALATE,
    words="no row of the table holds",
    when="",
    state=RowState.FAILS,
    because="no row of the table holds",
    ask="give the table a last row that always holds",
)


def _try(row: Row, facts: Mapping[str, FactValue], missing: Mapping[str, str]) -> RowOutcome:
    state, because = row.condition.evaluate(facts, missing)
    return RowOutcome(
        row=row.slug,
        action=row.action,
        words=row.words,
        when=row.when,
        state=state,
        because=because,
        ask=row.ask,
    )


def _because(
    fired: RowOutcome,
    rows: tuple[RowOutcome, ...],
    facts: Mapping[str, FactValue],
    titles: Mapping[str, tuple[str, ...]],
    incident: str,
) -> str:
    """Say why in words.

    For the last row, which always holds, that is what the rows that allow were short of. For any other it is the row's
    condition in words (or else the facts that made it hold), with the titles of the findings whose hazard it speaks of,
    the checks that could not look, and what became of a reported failure.
    """
    if not rows or fired is not rows[-1]:
        hazards = [hazard for hazard in titles if f'"{hazard}" in {HAZARDS}' in fired.when]
        named = [title for hazard in hazards for title in titles[hazard]]
        named += [check for fact in _UNKNOWN if fact in fired.when for check in _words(facts.get(fact, ()))]
        named += [incident] if incident and _INCIDENT.search(fired.when) else []
        said = fired.words or fired.because
        return f"{said}: {'; '.join(dict.fromkeys(named))}" if named else said
    short = [f"row `{row.row}`: {row.because}" for row in rows if row.action is Action.ALLOW]
    return "; ".join(["no other row holds", *short])


def _words(value: FactValue) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _titles(evidence: Evidence, waived: frozenset[str]) -> Mapping[str, tuple[str, ...]]:
    """Give hazard → titles of its open findings with their files, worst first; of more than three the number."""
    found = sorted(
        (finding for finding in evidence.findings if finding.id not in waived),
        key=lambda finding: -finding.severity,
    )
    titles: dict[str, dict[str, None]] = {}
    for finding in found:
        where = f" ({printable(finding.location.path, _PATH)})" if finding.location.path else ""
        titles.setdefault(finding.hazard.value, {})[finding.title + where] = None
    return {hazard: _first(tuple(each)) for hazard, each in titles.items()}


def _first(titles: tuple[str, ...]) -> tuple[str, ...]:
    more = len(titles) - _TITLES
    return (*titles[:_TITLES], f"and {more} more") if more > 0 else titles


def _undecided(rows: tuple[RowOutcome, ...]) -> list[str]:
    return [f"row `{row.row}`: {row.because}" for row in rows if row.state is RowState.INDETERMINATE][:3]
