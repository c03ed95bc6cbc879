"""The JSON view of a review, for programs: what became of each model, and where its report lies."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.bump import BumpKind
from gatekeeper.decision import Action, DisbelievedApproval
from gatekeeper.mention import Role
from gatekeeper.report import review_words as words
from gatekeeper.report.document import dump
from gatekeeper.report.review_words import ReviewLinks
from gatekeeper.review import Judged, Mode, Review, Trouble

REVIEW_VERSION = "1.0"
"""Version of the JSON document: the minor rises with new fields, the major when old readers would misread."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewedPlace:
    """One place that names a model."""

    path: str
    """Relative to the repository's root."""

    line: int
    """One-based, within the cell in a notebook; 0 when the whole file is meant."""

    cell: int
    """One-based cell of a notebook; 0 for other files."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewedModel:
    """One model that a change is about."""

    kind: BumpKind
    name: str
    """`org/name`, or the path of a file of the repository itself; empty when it can't be told."""

    role: Role
    older: str
    """Revision that the older commit names, after `org/name@` where the name was another; empty when there is none."""

    newer: str
    """Revision that the newer commit names, or the commit that was judged where it names none."""

    local: bool
    """Whether it is a file of the repository itself."""

    places: tuple[ReviewedPlace, ...]
    """In the newer commit; in the older one for a model that was removed."""

    action: Action | None
    """The verdict; null when nothing was judged."""

    row: str
    because: str
    """Why there is this verdict, or none."""

    ask: str
    """What to do next; empty when nothing is to be done."""

    blocks: bool
    """Whether it alone would block in enforce mode."""

    commit: str
    """What was judged: forty hexadecimal digits, or empty."""

    digest: str
    """SHA-256 over all files of what was judged, or empty."""

    findings: tuple[str, ...]
    """Ids of the findings, each once, sorted."""

    changes: int | None
    """Differences from the older revision; null when the two were not compared."""

    not_compared: str
    """Why there is no comparison, in words; may be empty."""

    trouble: Trouble | None
    """Why it could not be judged."""

    report: str
    """Its page, relative to this document; empty when it has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewRecord:
    """The answer to a pull request."""

    mode: Mode
    fail_on: tuple[Action, ...]
    """Verdicts that block, mildest first."""

    outcome: str
    """`Blocked`, `Would be blocked`, `Not blocked`, `Allowed` or `Nothing to judge`."""

    headline: str
    exit_code: int
    worst: Action | None
    base: str
    head: str
    files: int
    """Changed files that were looked at."""

    unread: tuple[str, ...]
    """What could not be read, one sentence each."""

    policies: tuple[str, ...]
    """Name and digest, cut for the eye; the reports have them whole."""

    models: tuple[ReviewedModel, ...]
    """Worst first, then by place."""

    disbelieved_approvals: tuple[DisbelievedApproval, ...]
    schema_version: str = REVIEW_VERSION


def review_json(review: Review, links: ReviewLinks | None = None) -> str:
    """Write the document.

    Args:
        review: What to write.
        links: Where the reports lie.

    Returns:
        ASCII text as `to_json` writes it.
    """
    known = links or ReviewLinks()
    bumps = review.bumps
    return dump(
        ReviewRecord(
            mode=review.mode,
            fail_on=tuple(action for action in Action if action in review.fail_on),
            outcome=words.outcome(review).value,
            headline=words.headline(review),
            exit_code=review.exit_code,
            worst=review.worst,
            base=bumps.base,
            head=bumps.head,
            files=bumps.files,
            unread=bumps.unread,
            policies=words.policies(review),
            models=tuple(_model(judged, review, known.report(n)) for n, judged in enumerate(review.judged)),
            disbelieved_approvals=review.disbelieved_approvals,
        )
    )


def _model(judged: Judged, review: Review, report: str) -> ReviewedModel:
    attestation = judged.attestation
    found = attestation.findings if attestation else ()
    return ReviewedModel(
        kind=judged.bump.kind,
        name=judged.bump.name,
        role=judged.bump.role,
        older=words.older(judged),
        newer=words.newer(judged),
        local=judged.bump.local,
        places=tuple(ReviewedPlace(path=each.path, line=each.line, cell=each.cell) for each in words.places(judged)),
        action=judged.action,
        row=words.row(judged),
        because=words.why(judged),
        ask=words.ask(judged),
        blocks=review.blocks(judged),
        commit=attestation.subject.commit if attestation else "",
        digest=attestation.subject.digest if attestation else "",
        findings=tuple(sorted({finding.id for finding in found})),
        changes=len(judged.comparison.changes) if judged.comparison else None,
        not_compared=judged.not_compared,
        trouble=judged.trouble,
        report=report,
    )
