"""Sign-offs for tests: whatever the table leaves to a person is signed off, in the run that is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from gatekeeper.decision import Approval
from gatekeeper.evidence import Status
from gatekeeper.gate import Run


def approved(run: Run, *references: str | Path, base: str | Path | None = None) -> Run:
    """Give the run with a sign-off for each reference; `base` is what adapters among them are held against."""
    found = []
    for reference in references:
        asking = replace(run, base=None if base is None else str(base))
        with asking.inspect(str(reference)) as seen:
            decision = asking.decide(seen).verdict
            today = seen.moment.date()
            found.append(
                Approval(
                    reference=str(reference),
                    subject=f"sha256:{seen.artifact.digest}",
                    policy_digest=run.policy.digest,
                    action=decision.action,
                    row=decision.row,
                    findings=tuple(sorted({found.id for found in seen.evidence.findings})),
                    unknown=tuple(
                        sorted(each.check.id for each in seen.evidence.results if each.status is Status.UNKNOWN)
                    ),
                    by="m.ortiz@example.com",
                    reason="It was looked at.",
                    created=today,
                    expires=today + timedelta(days=7),
                )
            )
    return replace(run, approvals=(*run.approvals, *found))
