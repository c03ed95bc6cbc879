"""The line of pull requests: bumps in, each of their models gated once, the review out.

    review = review(bumps, Reviewing(policy=policy, source=SourceOptions(), ...))
    print(review.worst, review.exit_code)

What is new since the older revision is told by the comparison of the two revisions, for which no weights are
downloaded, beside the verdict that the older commit's lock keeps: the older revision is not gated again.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper import compare, repairing, sources
from gatekeeper.artifact import Reference
from gatekeeper.bump import Bump, BumpKind, Bumps
from gatekeeper.comparison import Comparison
from gatekeeper.decision import Action, DisbelievedApproval
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.gate import Run
from gatekeeper.lock import Lock, LockedModel
from gatekeeper.progress import SILENT, Progress
from gatekeeper.redaction import redact
from gatekeeper.review import Judged, Mode, Review, Trouble
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.attestation import Attestation
    from gatekeeper.decision import Approval
    from gatekeeper.policy import Policy
    from gatekeeper.repairing import Repair
    from gatekeeper.sealed_cache import SealedCache
    from gatekeeper.sources import SourceOptions

_PINNED = "pinned"
"""Function by which code takes a revision from the lock."""

_POINTER = b"version https://git-lfs.github.com/spec/"
_JUDGED = frozenset({BumpKind.ADDED, BumpKind.CHANGED, BumpKind.NAMED})

EVERYTHING_BUT_ALLOW = frozenset(Action) - {Action.ALLOW}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reviewing:
    """What holds for all models of one change."""

    policy: Policy
    source: SourceOptions
    mode: Mode = Mode.ENFORCE
    fail_on: frozenset[Action] = EVERYTHING_BUT_ALLOW
    root: Path | None = None
    """Working tree with the newer commit's files; None when that commit is not checked out."""

    lock: Lock = field(default_factory=Lock)
    """That of the newer commit: bytes of what it pins are held against it."""

    lock_before: Lock = field(default_factory=Lock)
    approvals: tuple[Approval, ...] = ()
    disbelieved_approvals: tuple[DisbelievedApproval, ...] = ()
    repair: Repair | None = None
    """What somebody saw the one changed model do; None when nothing was reported."""

    progress: Progress = SILENT
    results: SealedCache | None = None
    now: datetime | None = None
    """Time of the decisions, UTC; None for the clock."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Subject:
    """What is gated for a bump."""

    reference: Reference
    locked: LockedModel | None = None
    previous: str = ""
    """The revision that the older commit has of the same model; empty when there is none."""

    why_not: str = ""
    """Why there is none, in words."""


_Answer = tuple["Attestation | None", "Trouble | None"]


def review(bumps: Bumps, reviewing: Reviewing) -> Review:
    """Judge what a change does to models.

    A model that can't be judged has a trouble in place of a verdict, and keeps no other from its own. One that several
    places name is gated once.

    Raises:
        InputError: When a failure was reported and not exactly one model is concerned.
    """
    judging = [bump for bump in bumps.bumps if bump.kind in _JUDGED]
    if reviewing.repair and len({(bump.name, bump.revision) for bump in judging}) != 1:
        raise InputError(
            f"a failure was reported, and {len(judging)} models are concerned",
            hint="name the one that failed: --models",
        )
    reviewing = replace(reviewing, now=reviewing.now or datetime.now(UTC))
    answers: dict[tuple[Reference, bool], _Answer] = {}
    judged = [_judge(bump, reviewing, answers) for bump in bumps.bumps]
    return Review(
        bumps=bumps,
        judged=tuple(sorted(judged, key=_worst_first)),
        mode=reviewing.mode,
        fail_on=reviewing.fail_on,
        disbelieved_approvals=reviewing.disbelieved_approvals,
    )


def _worst_first(judged: Judged) -> tuple[int, str, int, int]:
    place = judged.bump.place
    rank = {BumpKind.REMOVED: 9, BumpKind.UNRESOLVED: 4}.get(judged.bump.kind, 8)
    if judged.trouble:
        rank = 1
    elif judged.action:
        rank = {Action.DISCARD: 0, Action.ESCALATE: 2, Action.PATCH: 3, Action.AUDIT: 5, Action.ALLOW: 8}[judged.action]
    return (rank, place.path, place.cell, place.line) if place else (rank, judged.bump.name, 0, 0)


def _judge(bump: Bump, reviewing: Reviewing, answers: dict[tuple[Reference, bool], _Answer]) -> Judged:
    before = None if bump.local else reviewing.lock_before.model(bump.name)
    judged = Judged(bump=bump, before=before)
    if bump.kind not in _JUDGED:
        return judged
    try:
        subject = _local(bump, reviewing) if bump.local else _on_hub(bump, before, reviewing)
    except GatekeeperError as error:
        return replace(judged, trouble=_trouble(error))
    key = (subject.reference, subject.locked is None)
    if key not in answers:
        answers[key] = _gated(subject, reviewing)
    attestation, trouble = answers[key]
    judged = replace(judged, attestation=attestation, trouble=trouble)
    if attestation is None:
        return judged
    comparison, why_not = _compared(subject, attestation, reviewing)
    return replace(judged, comparison=comparison, not_compared=why_not)


def _local(bump: Bump, reviewing: Reviewing) -> _Subject:
    """Name a file of the repository as the gate reads it.

    Raises:
        InputError: When its bytes are not at hand.
    """
    shown = printable(bump.name)
    if reviewing.root is None:
        raise InputError(f"{shown} can't be judged: the newer commit is not checked out", hint="check it out")
    path = reviewing.root / bump.name
    try:
        with path.open("rb") as stream:
            pointer = stream.read(len(_POINTER)) == _POINTER
    except OSError as error:
        raise InputError(f"{shown} can't be read: {error.strerror}", hint="check the newer commit out whole") from error
    if pointer:
        raise InputError(
            f"{shown} is the pointer to a file in LFS that was not fetched",
            hint="run `git lfs pull`; with actions/checkout set `lfs: true`",
        )
    relative = os.path.relpath(path)
    text = str(path.absolute()) if relative.startswith("..") else f"./{relative}"
    return _Subject(reference=sources.parse(text), why_not="a file of the repository is not compared with what it was")


def _on_hub(bump: Bump, before: LockedModel | None, reviewing: Reviewing) -> _Subject:
    locked = reviewing.lock.model(bump.name)
    revision = bump.revision
    if locked and not revision and all(_takes_from_lock(mention.call) for mention in bump.new):
        revision = locked.commit
    reference = sources.parse(f"hf://{bump.name}", revision=revision or None)
    if bump.kind is BumpKind.NAMED:
        return _Subject(reference=reference, locked=locked, why_not="nothing changed: it was asked for by name")
    written = next((each.revision for each in bump.old if each.name == bump.name and each.revision), "")
    previous = written or (before.commit if before else "")
    return _Subject(reference=reference, locked=locked, previous=previous, why_not=_nothing_before(bump))


def _takes_from_lock(call: str) -> bool:
    return call.rpartition(".")[2] == _PINNED


def _nothing_before(bump: Bump) -> str:
    names = sorted({mention.name for mention in bump.old if mention.name})
    if not names:
        return "the older commit does not name it"
    if bump.name in names:
        return "the older commit names no revision of it, so nobody knows what it was"
    return f"the older commit names another model there: {printable(', '.join(names))}"


def _gated(subject: _Subject, reviewing: Reviewing) -> _Answer:
    source = reviewing.source
    if subject.locked:
        source = replace(source, exclude=subject.locked.exclude)
    run = Run(
        policy=reviewing.policy,
        source=source,
        progress=reviewing.progress,
        now=reviewing.now,
        results=reviewing.results,
        locked=subject.locked,
        approvals=reviewing.approvals,
        trusted_reference=replace(subject.reference, revision=subject.previous) if subject.previous else None,
    )
    try:
        if reviewing.repair:
            attestation = repairing.gate_failure(subject.reference, run, reviewing.repair)
        else:
            attestation = run.gate(subject.reference)
    except GatekeeperError as error:
        return None, _trouble(error)
    except Exception as error:  # an error of ours about one model must not hide the verdicts on the others
        told = printable(redact(f"{type(error).__name__}: {error}"), 500)
        return None, Trouble(message=f"internal error: {told}", hint="run `gatekeeper gate` on it and report it",
                             exit_code=3)  # fmt: skip
    return replace(attestation, disbelieved_approvals=reviewing.disbelieved_approvals), None


def _trouble(error: GatekeeperError) -> Trouble:
    return Trouble(message=redact(error.message), hint=redact(error.hint), exit_code=error.exit_code)


def _compared(subject: _Subject, attestation: Attestation, reviewing: Reviewing) -> tuple[Comparison | None, str]:
    """Compare with the older revision, or say why not."""
    if not subject.previous:
        return None, subject.why_not
    try:
        old = sources.resolve(replace(subject.reference, revision=subject.previous), reviewing.source)
        if old.revision == attestation.subject.commit:
            return None, f"both revisions mean the same commit now: {old.revision}"
        exclude = subject.locked.exclude if subject.locked else ()
        options = replace(reviewing.source, metadata_only=True, exclude=exclude)
        new = replace(subject.reference, revision=attestation.subject.commit)
        with ExitStack() as opened:
            before, after = (opened.enter_context(sources.open_artifact(each, options)) for each in (old, new))
            return compare.compare(before, after, options.limits), ""
    except GatekeeperError as error:
        return None, f"the older revision {printable(subject.previous, 60)} can't be had: {redact(error.message)}"
