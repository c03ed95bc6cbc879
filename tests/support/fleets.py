"""Fleets for tests of the audit report: small to say, always the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from gatekeeper import report
from gatekeeper.attestation import Attestation
from gatekeeper.lock import Lock
from tests.support.attestation_parts import NOW
from tests.support.attestations import CASES
from tests.support.hostile import MARKUP, everywhere

LATER = NOW + timedelta(days=8)
"""When the audit reports of the tests take place: eight days after the attestations."""


def named(attestation: Attestation, name: str, *, days: int = 0) -> Attestation:
    """Give an attestation another name, and make it some days older."""
    subject = replace(attestation.subject, name=name, reference=f"hf://{name}@{attestation.subject.commit}")
    return replace(attestation, subject=subject, created_at=attestation.created_at - timedelta(days=days))


def given(attestation: Attestation, signed: report.SignedState | None = None) -> report.AuditInput:
    """Make the input that reading its report.json would give."""
    digest = digest_of(attestation)
    state = signed or report.SignedState(state=report.SignatureState.ABSENT)
    return report.AuditInput(attestation=attestation, digest=digest, source=f"{digest[:8]}/report.json", signed=state)


def digest_of(attestation: Attestation) -> str:
    """Give the digest of its report.json."""
    return hashlib.sha256(report.to_json(attestation).encode()).hexdigest()


def assembled(
    attestations: Iterable[Attestation],
    *,
    now: datetime = LATER,
    lock: Lock | None = None,
    earlier: report.AuditReport | None = None,
    max_age_days: int = 90,
) -> report.AuditReport:
    """Assemble an audit report."""
    return report.assemble(
        [report.record(given(each)) for each in attestations],
        now=now,
        max_age_days=max_age_days,
        lock=report.LockInput(lock=lock, source="gatekeeper.lock", digest="e" * 64) if lock else None,
        earlier=report.Earlier(audit=earlier, digest="d" * 64) if earlier else None,
    )


def one_each() -> dict[str, Attestation]:
    """Give the attestation of each case under a name of its own."""
    return {case: named(build(), f"org-{case}/model-{case}") for case, build in CASES.items()}


def fleet_of(count: int) -> report.AuditReport:
    """Give a fleet of many models with every verdict and many ages."""
    cases = list(CASES.values())
    return assembled(named(cases[n % len(cases)](), f"org-{n % 7}/model-{n}", days=n) for n in range(count))


def hostile_fleet() -> report.AuditReport:
    """Give a fleet whose every text came from somebody hostile."""
    before = assembled(one_each().values())
    hostile = [everywhere(each, lambda value: value + "".join(MARKUP[:16])) for each in one_each().values()]
    return assembled([*hostile, *one_each().values()], earlier=before)
