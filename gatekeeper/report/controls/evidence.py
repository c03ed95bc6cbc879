"""What one attestation holds of the catalogue: kinds of evidence, which controls ask for them, and what gave none.

Relevant is not sufficient. Nothing here counts controls: how many a list of ours mentions says nothing about how
far any of them is met.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from gatekeeper.attestation import Attestation
from gatekeeper.evidence import Status
from gatekeeper.report.controls.catalogue import Control, Kind, catalogue, kinds

HEADING = "Evidence relevant to controls"
"""What every section of this kind is called."""

CAVEAT = "Relevant is not sufficient: whether a control is met is for an auditor to say."

_SECONDARY = "(id from a secondary source)"
_APPROVED = "approved:"
_ANSWERS = (Status.PASS, Status.FAIL)


class Relevance(StrEnum):
    """What is held that a control asks for."""

    RELEVANT = "relevant-not-sufficient"
    """A check that is mapped to it came to an answer."""

    NONE = "none"
    """No such check did."""


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

    kinds: tuple[str, ...]
    """Kinds of evidence that it asks for and that are held."""

    evidence: tuple[str, ...]
    """Ids of mapped checks that came to an answer, whatever it was."""

    records: tuple[str, ...]
    """What stands beside them: `hazard:<word>` of findings, `row:<slug>` that decided, `output:<name>`."""

    missing: tuple[str, ...]
    """Mapped checks that could not look, looked only in part, had nothing to look at, or did not run."""

    reason: str
    """Why these are relevant to the control."""

    @property
    def relevance(self) -> Relevance:
        """What a control has here: records alone are no evidence for it."""
        return Relevance.RELEVANT if self.evidence else Relevance.NONE


@dataclass(frozen=True, kw_only=True, slots=True)
class Cover:
    """The controls of one framework."""

    framework: str
    edition: str
    controls: tuple[ControlEvidence, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class KindEvidence:
    """One kind of evidence: what an attestation holds of it, and which controls ask for it."""

    kind: Kind
    held: tuple[str, ...]
    """Its checks that came to an answer; empty when none did."""

    missing: tuple[str, ...]
    """Its checks that did not, or did not run."""

    asked_by: tuple[Cover, ...]
    """By framework; empty when nothing of the kind is held."""


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


def held_kinds(attestation: Attestation) -> tuple[KindEvidence, ...]:
    """Say which kinds of evidence an attestation holds, and which controls ask for each.

    Returns:
        Every kind in the order of the catalogue, also those of which nothing is held.
    """
    answered = _answered(attestation)
    controls = controls_for(attestation)
    return tuple(
        KindEvidence(
            kind=kind,
            held=tuple(check for check in kind.checks if check in answered),
            missing=tuple(check for check in kind.checks if check not in answered),
            asked_by=covers(control for control in controls if kind.id in control.kinds),
        )
        for kind in kinds()
    )


def covers(controls: Iterable[ControlEvidence]) -> tuple[Cover, ...]:
    """Group neighbouring controls by framework and edition."""
    grouped = groupby(controls, lambda control: (control.framework, control.edition))
    return tuple(Cover(framework=name, edition=edition, controls=tuple(same)) for (name, edition), same in grouped)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sources:
    """All that an attestation can give as evidence."""

    answered: tuple[str, ...]
    """Checks that came to an answer, in the order of the attestation."""

    ran: tuple[str, ...]
    hazards: frozenset[str]
    row: str
    outputs: frozenset[str]

    @classmethod
    def of(cls, attestation: Attestation, outputs: Collection[str]) -> _Sources:
        decision = attestation.decision
        return cls(
            answered=_answered(attestation),
            ran=tuple(dict.fromkeys(result.check.id for result in attestation.results)),
            hazards=frozenset(finding.hazard.value for finding in attestation.findings),
            row=decision.row.removeprefix(_APPROVED) if decision else "",
            outputs=frozenset(_outputs(attestation)).union(outputs),
        )

    def told_of(self, control: Control, framework: str, edition: str) -> ControlEvidence:
        asked = dict.fromkeys(
            check for mapping in control.mappings for pattern in mapping.checks for check in self._named(pattern)
        )
        evidence = tuple(check for check in asked if check in self.answered)
        return ControlEvidence(
            framework=framework,
            edition=edition,
            control=control.id,
            title=f"{control.title} {_SECONDARY}" if control.secondary else control.title,
            kinds=tuple(kind.id for kind in kinds() if not set(kind.checks).isdisjoint(evidence)),
            evidence=evidence,
            records=tuple(dict.fromkeys(self._records(control))),
            missing=tuple(check for check in asked if check not in self.answered),
            reason=" ".join(mapping.because for mapping in control.mappings),
        )

    def _records(self, control: Control) -> Iterator[str]:
        for mapping in control.mappings:
            yield from (f"hazard:{each}" for each in mapping.hazards if each in self.hazards)
            yield from (f"row:{each}" for each in mapping.rows if each == self.row)
            yield from (f"output:{each}" for each in mapping.outputs if each in self.outputs)

    def _named(self, pattern: str) -> Iterator[str]:
        """Give the check of that id, or those of a room; a room of which none ran stays as it is written."""
        room = pattern.removesuffix("*")
        members = [check for check in self.ran if check.startswith(room)] if room != pattern else []
        yield from members or [pattern]


def _answered(attestation: Attestation) -> tuple[str, ...]:
    """Name the checks that came to an answer; one that had to stop, or had nothing to look at, came to none."""
    return tuple(dict.fromkeys(result.check.id for result in attestation.results if result.status in _ANSWERS))


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
