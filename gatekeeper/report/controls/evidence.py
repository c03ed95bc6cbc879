"""What one attestation holds of the catalogue: evidence by control, and what could have given some and did not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from gatekeeper.attestation import Attestation
from gatekeeper.evidence import CheckResult, Status
from gatekeeper.report.controls.catalogue import Control, catalogue

HEADING = "Evidence relevant to controls"
"""What every section of this kind is called."""

CAVEAT = "Whether a control is met is for an auditor to say."

_SECONDARY = "(id from a secondary source)"
_APPROVED = "approved:"


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlEvidence:
    """One control, and what an attestation holds that is evidence relevant to it."""

    framework: str
    """Its name."""

    edition: str
    control: str
    """Its id within the framework."""

    title: str
    """Says so where the id comes from a secondary source."""

    evidence: tuple[str, ...]
    """Ids of checks that looked, then `hazard:<word>` of findings, `row:<slug>` that decided, `output:<name>`."""

    missing: tuple[str, ...]
    """Mapped checks that could not look, looked only in part, had nothing to look at, or did not run."""

    reason: str
    """Why these are relevant to the control."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cover:
    """The controls of one framework."""

    framework: str
    edition: str
    controls: tuple[ControlEvidence, ...]

    @property
    def told(self) -> int:
        """How many of them have evidence."""
        return sum(bool(control.evidence) for control in self.controls)


def controls_for(attestation: Attestation, outputs: Collection[str] = ()) -> tuple[ControlEvidence, ...]:
    """Say which controls an attestation is evidence relevant to.

    Args:
        attestation: Of a decision or of a scan.
        outputs: What lies beside it and is not told in it: out of `OUTPUTS`, as `signed-verdict` or `bom`.

    Returns:
        Every control of the catalogue in its order, also those with no evidence here.
    """
    sources = _Sources.of(attestation, outputs)
    return tuple(
        sources.told_of(control, framework.name, framework.edition)
        for framework in catalogue()
        for control in framework.controls
    )


def covers(controls: Iterable[ControlEvidence]) -> tuple[Cover, ...]:
    """Group neighbouring controls by framework and edition."""
    grouped = groupby(controls, lambda control: (control.framework, control.edition))
    return tuple(Cover(framework=name, edition=edition, controls=tuple(same)) for (name, edition), same in grouped)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sources:
    """All that an attestation can give as evidence."""

    looked: tuple[str, ...]
    """Checks that looked, in the order of the attestation."""

    partly: frozenset[str]
    """Checks whose answer is not whole."""

    ran: tuple[str, ...]
    hazards: frozenset[str]
    row: str
    outputs: frozenset[str]

    @classmethod
    def of(cls, attestation: Attestation, outputs: Collection[str]) -> _Sources:
        results = attestation.results
        decision = attestation.decision
        return cls(
            looked=tuple(dict.fromkeys(result.check.id for result in results if _looked(result))),
            partly=frozenset(result.check.id for result in results if result.status not in _ANSWERS),
            ran=tuple(dict.fromkeys(result.check.id for result in results)),
            hazards=frozenset(finding.hazard.value for finding in attestation.findings),
            row=decision.row.removeprefix(_APPROVED) if decision else "",
            outputs=frozenset(_outputs(attestation)).union(outputs),
        )

    def told_of(self, control: Control, framework: str, edition: str) -> ControlEvidence:
        evidence: dict[str, None] = {}
        wanted: dict[str, None] = {}
        for mapping in control.mappings:
            checks = [check for pattern in mapping.checks for check in self._named(pattern)]
            wanted |= dict.fromkeys(checks)
            evidence |= dict.fromkeys(check for check in checks if check in self.looked)
        for mapping in control.mappings:
            evidence |= dict.fromkeys(f"hazard:{each}" for each in mapping.hazards if each in self.hazards)
            evidence |= dict.fromkeys(f"row:{each}" for each in mapping.rows if each == self.row)
            evidence |= dict.fromkeys(f"output:{each}" for each in mapping.outputs if each in self.outputs)
        return ControlEvidence(
            framework=framework,
            edition=edition,
            control=control.id,
            title=f"{control.title} {_SECONDARY}" if control.secondary else control.title,
            evidence=tuple(evidence),
            missing=tuple(check for check in wanted if check not in self.looked or check in self.partly),
            reason=" ".join(mapping.because for mapping in control.mappings),
        )

    def _named(self, pattern: str) -> Iterator[str]:
        """Give the check of that id, or those of a room; a room of which none ran stays as it is written."""
        room = pattern.removesuffix("*")
        members = [check for check in self.ran if check.startswith(room)] if room != pattern else []
        yield from members or [pattern]


_ANSWERS = (Status.PASS, Status.FAIL)


def _looked(result: CheckResult) -> bool:
    """Whether a check can be evidence: it gave an answer, or what it found before it had to stop."""
    return result.status in _ANSWERS or bool(result.findings)


def _outputs(attestation: Attestation) -> Iterator[str]:
    """Name what stands in the attestation itself."""
    decision = attestation.decision
    yield "attestation"
    if attestation.tool_versions:
        yield "tool-versions"
    if attestation.subject.digest:
        yield "digests"
    if any(result.facts.get("bytes.lock") == "match" for result in attestation.results):
        yield "lock"
    if decision is None:
        return
    yield "decision"
    if decision.waivers:
        yield "waivers"
    if decision.approvals:
        yield "approvals"
