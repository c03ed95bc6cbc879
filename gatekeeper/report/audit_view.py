"""What the audit page needs beside the document: words, orders, groups and the tree of base models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from gatekeeper.decision import Action
from gatekeeper.evidence import Severity
from gatekeeper.report.audit import (
    AuditedModel,
    AuditReport,
    ControlCover,
    Deployment,
    FindingTotal,
    LineageLink,
    Tally,
)
from gatekeeper.report.audit_attested import SignatureState, SignedState, Standing
from gatekeeper.report.view import short

SIGNATURE_WORDS: Mapping[SignatureState, str] = {
    SignatureState.VERIFIED: "verified",
    SignatureState.UNVERIFIED: "signed, not verified here",
    SignatureState.UNSIGNED: "unsigned",
    SignatureState.ABSENT: "no signed verdict",
    SignatureState.REFUSED: "refused",
}
DEPLOYMENT_WORDS: Mapping[Deployment, str] = {
    Deployment.UNTOLD: "no lock given",
    Deployment.LOCKED: "pinned, same bytes",
    Deployment.OTHER_BYTES: "pinned at other bytes",
    Deployment.UNATTESTED: "pinned, no attestation",
    Deployment.NOT_LOCKED: "not in the lock",
}
STANDING_WORDS: Mapping[Standing, str] = {
    Standing.CURRENT: "counts",
    Standing.OLDER: "older",
    Standing.OTHER_BYTES: "not about the pinned bytes",
    Standing.LATER: "dated later",
}
PICKLES = frozenset({"pickle", "torch-legacy", "torch-zip", "torch-package"})
"""Formats whose loading runs a pickle."""

_DEPTH = 8
"""Base models of base models that the tree follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatRow:
    """One check with its findings by severity."""

    check: str
    cells: tuple[FindingTotal | None, ...]
    """Worst severity first; None where nothing was found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeNode:
    """A model in the tree of base models."""

    name: str
    link: LineageLink | None
    """How it leads to the node above; None for a root."""

    report: str
    """Digest of its own attestation; empty when the fleet has none."""

    below: tuple[TreeNode, ...]
    repeated: bool
    """Whether what lies below it was told before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Framework:
    """The controls of one framework in one edition."""

    name: str
    edition: str
    controls: tuple[ControlCover, ...]


def pressing(models: Iterable[AuditedModel]) -> tuple[AuditedModel, ...]:
    """Sort models so that those to look at come first: no verdict, then the harshest, then by name."""
    worst = len(Action)
    return tuple(sorted(models, key=lambda model: (-(model.action.rank if model.action else worst), model.name)))


def heat(findings: Sequence[FindingTotal]) -> tuple[HeatRow, ...]:
    """Lay findings out as check by severity, checks with the worst findings first."""
    by_check: dict[str, dict[Severity, FindingTotal]] = defaultdict(dict)
    for total in findings:
        by_check[total.check][total.severity] = total
    severities = tuple(reversed(Severity))
    rows = [
        HeatRow(check=check, cells=tuple(found.get(severity) for severity in severities))
        for check, found in by_check.items()
    ]
    counts = {row.check: tuple(-(cell.findings if cell else 0) for cell in row.cells) for row in rows}
    return tuple(sorted(rows, key=lambda row: (counts[row.check], row.check)))


def heat_level(cell: FindingTotal) -> int:
    """Give how deep a cell is coloured, 1 to 4: by powers of four of what is open."""
    still_open = cell.findings - cell.waived
    return 1 + sum(still_open >= bound for bound in (4, 16, 64))


def frameworks(controls: Sequence[ControlCover]) -> tuple[Framework, ...]:
    """Group controls by framework and edition, in the order in which they come."""
    return tuple(
        Framework(name=name, edition=edition, controls=tuple(same))
        for (name, edition), same in groupby(controls, lambda control: (control.framework, control.edition))
    )


def pickled(formats: Iterable[Tally]) -> tuple[str, ...]:
    """Give the attestations of models that hold a pickle."""
    return tuple(dict.fromkeys(digest for tally in formats if tally.value in PICKLES for digest in tally.reports))


def tree(audit: AuditReport) -> tuple[TreeNode, ...]:
    """Build the tree of declared base models, roots by name.

    Declarations may lead in circles; a model that is met again is named and not followed.
    """
    below: dict[str, list[LineageLink]] = defaultdict(list)
    for link in audit.lineage:
        below[link.base].append(link)
    declared = {link.model for link in audit.lineage}
    own = {model.name: model.report for model in audit.fleet}
    seen: set[str] = set()

    def node(name: str, link: LineageLink | None, depth: int) -> TreeNode:
        repeated = name in seen and bool(below.get(name))
        follow = name not in seen and depth < _DEPTH
        seen.add(name)
        children = tuple(node(each.model, each, depth + 1) for each in below.get(name, ())) if follow else ()
        return TreeNode(name=name, link=link, report=own.get(name, ""), below=children, repeated=repeated)

    roots = [node(name, None, 0) for name in sorted(below) if name not in declared]
    # What is left hangs in circles alone.
    roots += [node(name, None, 0) for name in sorted(below) if name not in seen]
    return tuple(roots)


def signature(signed: SignedState) -> str:
    """Say what is known of a verdict's signature."""
    words = SIGNATURE_WORDS[signed.state]
    if signed.key_id:
        words += f" by key {short(signed.key_id)}"
    return f"{words}: {signed.words}" if signed.words else words


def headline(audit: AuditReport) -> str:
    """Say in a few words how the fleet stands."""
    count = len(audit.fleet)
    allowed = sum(model.action is Action.ALLOW for model in audit.fleet)
    return f"{allowed:,} of {count:,} allowed" if count else "Nothing attested"


def tone(audit: AuditReport) -> str:
    """Give the tone of the page: of the harshest verdict in the fleet, none when a model has none."""
    ranks = [model.action for model in audit.fleet]
    if not ranks or None in ranks:
        return "none"
    return max((action for action in ranks if action), key=lambda action: action.rank).value
