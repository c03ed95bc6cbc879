"""What a check is: one small class that declares itself, looks at an artifact and says what it found.

A check gets the artifact (with the platform's record as it was fetched) and a context of plain data. It needs no
network, knows no policy and no other check. Its docstring has four parts that `gatekeeper explain` prints.
"""

from __future__ import annotations

import inspect as _inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.audit import Behaviour
from gatekeeper.confined import Server
from gatekeeper.evidence import (
    CheckDescription,
    CheckResult,
    Confidence,
    Drawing,
    FactValue,
    Finding,
    Gap,
    Hazard,
    Location,
    Measure,
    RuleDescription,
    Severity,
    Status,
    Strength,
)
from gatekeeper.limits import DEFAULT_LIMITS, Limits
from gatekeeper.lock import LockedModel
from gatekeeper.population import Population
from gatekeeper.progress import SILENT, Progress
from gatekeeper.sealed_cache import SealedCache
from gatekeeper.signers import TrustedSigner
from gatekeeper.text import printable

_PARTS = ("What it looks at", "Why it matters", "What it cannot see", "How to mend")
_REASON_CHARACTERS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One kind of finding that a check can make."""

    slug: str
    """Unique within the check."""

    title: str
    severity: Severity
    hazard: Hazard
    mend: str
    """What to do about it."""

    confidence: Confidence = Confidence.HIGH
    strength: Strength = Strength.MEASURED


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What the deployer expects, as plain data, the limits in force, and whom to tell of long work."""

    now: datetime
    """UTC; the only clock that a check may read."""

    trusted_publishers: frozenset[str] = frozenset()
    denied_publishers: frozenset[str] = frozenset()
    allowed_licences: frozenset[str] = frozenset()
    """SPDX or Hub identifiers, lower case."""

    refused_licences: frozenset[str] = frozenset()
    young_repo_days: int = 30
    """A repo younger than this is young."""

    signers: tuple[TrustedSigner, ...] = ()
    """Whose signatures count."""

    locked: LockedModel | None = None
    """What the lock pins for this artifact; None when it is not held against a lock."""

    reference: Artifact | None = None
    """A model that the deployer trusts, which this one is held against; None when there is none."""

    reference_trouble: str = ""
    """Why there is none although one was looked for."""

    deep: bool = False
    """Whole graphs are run, and architectures written out anew to hold them against: minutes instead of seconds."""

    base: Artifact | None = None
    """The model that an adapter is to be laid on, as the deployer named it; None when it was not named."""

    base_trouble: str = ""
    """Why there is none although one was named."""

    populations: tuple[Population, ...] = ()
    """Adapters that the deployer knows, by which the weights of others are judged."""

    behaviours: tuple[Behaviour, ...] = ()
    """What was measured of an adapter on its base, in an audit."""

    behaviour_trouble: str = ""
    """Why nothing was measured although it was asked for."""

    limits: Limits = DEFAULT_LIMITS
    progress: Progress = SILENT
    scanner_server: Server | None = None
    """The scanners' process, when it was started early; its owner ends it."""

    results: SealedCache | None = None
    """Where checks may keep what they found in a file; None when nothing is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What one run of a check gives back."""

    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    """What it could not look at; any gap makes the result unknown."""

    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path → loaders that would read the file (see `CheckResult.readers`)."""

    measures: tuple[Measure, ...] = ()
    """What was measured, place by place, for pictures and tables."""


class Check(ABC):
    """Base of all checks. Subclasses set the class variables and write the four docstring parts."""

    id: ClassVar[str]
    """`<room>/<name>`, stable."""

    title: ClassVar[str]
    version: ClassVar[int] = 1
    rules: ClassVar[tuple[Rule, ...]] = ()
    facts: ClassVar[tuple[str, ...]] = ()
    """Names of the facts that it sets (see `gatekeeper.policy.facts`)."""

    not_applicable_facts: ClassVar[Mapping[str, FactValue]] = MappingProxyType({})
    """What it sets when it has nothing to do: a policy can tell that from not knowing."""

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say why this check has nothing to do here; empty when it has."""
        return ""

    @abstractmethod
    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look. Raising is allowed and makes the result unknown."""

    def finding(
        self,
        slug: str,
        message: str,
        *,
        path: str = "",
        offset: int | None = None,
        detail: str = "",
        severity: Severity | None = None,
        hazard: Hazard | None = None,
        confidence: Confidence | None = None,
        drawing: Drawing | None = None,
    ) -> Finding:
        """Make a finding of one of this check's rules.

        Args:
            slug: Which rule.
            message: What was found here, one sentence.
            path: File in the artifact.
            offset: Byte offset in it.
            detail: Tensor, key, node, global.
            severity: Overrides the rule's.
            hazard: Overrides the rule's.
            confidence: Overrides the rule's.
            drawing: The part of a graph that it is about.

        Raises:
            KeyError: When the check declares no such rule.
        """
        rule = next((rule for rule in self.rules if rule.slug == slug), None)
        if rule is None:
            raise KeyError(f"{self.id} declares no rule {slug!r}")
        return Finding(
            id=f"{self.id}/{slug}",
            check=self.id,
            title=rule.title,
            message=message,
            severity=rule.severity if severity is None else severity,
            confidence=rule.confidence if confidence is None else confidence,
            strength=rule.strength,
            hazard=rule.hazard if hazard is None else hazard,
            mend=rule.mend,
            location=Location(path=path, offset=offset, detail=detail),
            drawing=drawing,
        )

    def describe(self) -> CheckDescription:
        """Give what the check says of itself, read from its docstring and its rules."""
        parts = docstring_parts(self.__doc__ or "")
        return CheckDescription(
            id=self.id,
            title=self.title,
            version=self.version,
            looks_at=parts["What it looks at"],
            why=parts["Why it matters"],
            cannot_see=parts["What it cannot see"],
            mend=parts["How to mend"],
            rules=tuple(
                RuleDescription(
                    id=f"{self.id}/{rule.slug}",
                    title=rule.title,
                    severity=rule.severity,
                    hazard=rule.hazard,
                    mend=rule.mend,
                )
                for rule in self.rules
            ),
            facts=self.facts,
        )


def docstring_parts(docstring: str) -> dict[str, str]:
    """Split a check's docstring into its four parts.

    Raises:
        ValueError: When a part is missing or empty.
    """
    text = _inspect.cleandoc(docstring)
    pattern = "|".join(re.escape(part) for part in _PARTS)
    pieces = re.split(rf"^({pattern}):\s*$", text, flags=re.MULTILINE)
    found = {
        title: " ".join(body.split()) for title, body in zip(pieces[1::2], pieces[2::2], strict=True) if body.strip()
    }
    missing = [part for part in _PARTS if part not in found]
    if missing:
        raise ValueError(f"docstring lacks {', '.join(missing)}")
    return found


def inspect(check: Check, artifact: Artifact, context: Context) -> CheckResult:
    """Run one check so that nothing it does can end the run or pass for a clean answer.

    Args:
        check: Which.
        artifact: What to look at.
        context: What the deployer expects.

    Returns:
        Its result; `Status.UNKNOWN` when it raised or left gaps.
    """
    description = check.describe()
    try:
        reason = check.not_applicable(artifact, context)
        if reason:
            return CheckResult(
                check=description, status=Status.NOT_APPLICABLE, reason=reason, facts=check.not_applicable_facts
            )
        return _result(description, check.run(artifact, context))
    # A hostile file may trip anything, `sys.exit` in a parser included; the answer is then unknown, with the reason.
    except (Exception, SystemExit) as error:
        reason = printable(f"{type(error).__name__}: {error}", _REASON_CHARACTERS)
        return CheckResult(check=description, status=Status.UNKNOWN, reason=reason)


def _result(description: CheckDescription, outcome: Outcome) -> CheckResult:
    return CheckResult(
        check=description,
        status=_status(outcome),
        reason="; ".join(dict.fromkeys(gap.reason for gap in outcome.gaps)),
        findings=outcome.findings,
        facts=outcome.facts,
        gaps=outcome.gaps,
        readers=outcome.readers,
        measures=outcome.measures,
    )


def _status(outcome: Outcome) -> Status:
    if outcome.gaps:
        return Status.UNKNOWN
    if any(finding.severity > Severity.INFO for finding in outcome.findings):
        return Status.FAIL
    return Status.PASS
