"""The line of `gatekeeper admit`: folder + verdict → admitted or not, and by which steps. No network.

The paper comes first and costs nothing; only a verdict that holds in every step is worth hashing the files for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper import sources
from gatekeeper.artifact import Artifact, Irregularity, IrregularityKind, Reference, Scheme
from gatekeeper.attest.expectations import (
    PAPER_STEPS,
    Expectations,
    Outcome,
    SignOff,
    Step,
    check_verdict,
    failed,
    held,
    not_reached,
)
from gatekeeper.attest.resource import hub_uri
from gatekeeper.attest.verdict import Verdict, read_verdict
from gatekeeper.decision import Action, Approval, ApprovalState, Decision, RowOutcome, RowState
from gatekeeper.errors import ContentChangedError, InputError, SignatureError
from gatekeeper.lock import drift
from gatekeeper.progress import SILENT, Progress
from gatekeeper.signers import Approver
from gatekeeper.sources import SourceOptions
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from gatekeeper.attest.decision import GateDecision
    from gatekeeper.lock import Lock, LockedModel
    from gatekeeper.sources.state import State

_FILE_STEPS = ("folder", "files")
STEPS = ("verdict", *PAPER_STEPS, *_FILE_STEPS)
"""Names of all steps, in order."""

_DEFAULT = SourceOptions()
_SHOWN = 5
"""Files that one sentence names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Admission:
    """Whether a folder may be deployed, and why."""

    admitted: bool
    steps: tuple[Step, ...]
    """Of the verdict that came furthest."""

    attestation: str
    """Name of the file that it stands in."""

    verdict: Verdict | None
    """None when it could not be read."""

    @property
    def reason(self) -> str:
        """What it failed at, in words; empty when it was admitted."""
        return next((step.words for step in self.steps if step.outcome is Outcome.FAILED), "")


def admit(
    place: Path,
    attestations: Mapping[str, Sequence[bytes]],
    expected: Expectations,
    *,
    approvals: Sequence[Approval] = (),
    lock: Lock | None = None,
    name: str = "",
    now: datetime | None = None,
    options: SourceOptions = _DEFAULT,
    progress: Progress = SILENT,
) -> Admission:
    """Decide whether the files in a folder are those that somebody trusted allowed.

    Args:
        place: The folder, or a single file.
        attestations: Name → the documents of one verdict; any one verdict admits.
        expected: By the deployer.
        approvals: Sign-offs that may settle an audit or an escalation; only those with a verified signer count.
        lock: What the team has pinned; the verdict must be for the files that it pins.
        name: `org/name` that is looked for in the lock; empty for whatever the verdict is about.
        now: UTC; None for the clock.
        options: How many files are hashed at once, and limits.
        progress: Shown the bytes hashed.

    Raises:
        InputError: When there is no such folder, or no attestation.
        ContentChangedError: When something in the folder changes while its files are hashed.
        LimitError: When the folder holds more than the limits allow.
    """
    if not attestations:
        raise InputError("no attestation was given", hint="give the verdict.intoto.jsonl that gate wrote")
    reference = _reference(place)
    moment = now or datetime.now(UTC)
    tried = [_on_paper(each, data, expected, approvals, lock, name, moment) for each, data in attestations.items()]
    good = [each for each in tried if each.admitted]
    if not good:
        return max(tried, key=_reached)
    before = sources.state_of(place, options.limits)
    with sources.open_artifact(reference, options, progress) as artifact:
        judged = [_with_files(each, artifact, lock, name) for each in good]
    # Hashing takes minutes: what was exchanged or added behind it would be admitted unseen.
    _refuse_touched(before, sources.state_of(place, options.limits))
    return max(judged, key=_reached)


def _refuse_touched(before: State, after: State) -> None:
    touched = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    if touched:
        raise ContentChangedError(
            f"{printable(touched[-1], 400)} was changed, added or removed while the files were hashed",
            hint="something else writes to this folder: stop it, or mount the folder read-only, and run again",
        )


def _reference(place: Path) -> Reference:
    if place.is_dir():
        return Reference(scheme=Scheme.FOLDER, name=str(place))
    if place.is_file():
        return Reference(scheme=Scheme.FILE, name=str(place))
    raise InputError(f"there is no file or folder {printable(str(place), 400)}", hint="name the folder to be deployed")


def _reached(admission: Admission) -> tuple[bool, int]:
    return admission.admitted, sum(step.outcome is not Outcome.NOT_REACHED for step in admission.steps)


def _on_paper(
    attestation: str,
    documents: Sequence[bytes],
    expected: Expectations,
    approvals: Sequence[Approval],
    lock: Lock | None,
    name: str,
    moment: datetime,
) -> Admission:
    try:
        verdict = read_verdict(*documents)
    except SignatureError as error:
        steps = (failed("verdict", error.message), *map(not_reached, STEPS[1:]))
        return Admission(admitted=False, steps=steps, attestation=attestation, verdict=None)
    first = held("verdict", f"a verdict on {plural(len(verdict.files), 'file')}")
    paper = check_verdict(verdict, expected, moment, _sign_off(verdict.decision, approvals, moment))
    if lock is not None:
        paper = tuple(_pinned(step, verdict, lock, name) if step.name == "resource" else step for step in paper)
    admitted = not any(step.outcome in {Outcome.FAILED, Outcome.NOT_REACHED} for step in paper)
    steps = (first, *_cut(paper), *map(not_reached, _FILE_STEPS))
    return Admission(admitted=admitted, steps=steps, attestation=attestation, verdict=verdict)


def _cut(steps: Iterable[Step]) -> Iterable[Step]:
    """Give steps up to the first that failed; the rest were not reached."""
    broken = False
    for step in steps:
        yield not_reached(step.name) if broken else step
        broken = broken or step.outcome is Outcome.FAILED


def _pinned(step: Step, verdict: Verdict, lock: Lock, name: str) -> Step:
    """Hold what the verdict is for against the lock, where the step has not failed already."""
    if step.outcome in {Outcome.FAILED, Outcome.NOT_REACHED}:
        return step
    model = _entry(verdict, lock, name)
    if model is None:
        return failed("resource", f"the lock pins no {printable(name or verdict.decision.artifact.name)}")
    if why := _not_as_pinned(verdict, model):
        return failed("resource", why)
    return held("resource", f"it is for {printable(model.id)} at {model.commit}, as the lock pins it")


def _entry(verdict: Verdict, lock: Lock, name: str) -> LockedModel | None:
    return lock.model(name or verdict.decision.artifact.name)


def _not_as_pinned(verdict: Verdict, model: LockedModel) -> str:
    uri = hub_uri(model.id, model.commit)
    if verdict.summary.resource_uri != uri:
        return f"it is a verdict for {printable(verdict.summary.resource_uri)}, and the lock pins {printable(uri)}"
    if verdict.files != {file.path: file.sha256 for file in model.files}:
        return f"its files are not those that the lock pins for {printable(model.id)}"
    return ""


def _sign_off(decision: GateDecision, approvals: Sequence[Approval], moment: datetime) -> SignOff | None:
    """Apply sign-offs to a verdict as the policy applies them to a decision, laws included.

    Only those count whose signature was verified with an approver's key: here no policy tells whose word is enough.
    How long one may be is that of the built-in policies.
    """
    if not approvals or decision.verdict is Action.ALLOW:
        return None
    from gatekeeper.policy.approvals import sign_off
    from gatekeeper.policy.policy import Policy

    signed = [each for each in approvals if each.signer]
    approvers = tuple(Approver(name=each.signer, key="") for each in signed)
    settled = sign_off(
        _as_decided(decision),
        signed,
        Policy(name="", digest=decision.policy.digest, sources=(), required=(), rows=(), approvers=approvers),
        digest=decision.artifact.digest,
        hazards=frozenset(decision.hazards),
        now=moment,
    )
    counting = [use.approval for use in settled.approvals if use.state is ApprovalState.USED]
    if settled.action is Action.ALLOW and counting:
        last = max(counting, key=lambda each: each.expires)
        words = f"{printable(last.by, 80)} signed it off until {last.expires.isoformat()}: {printable(last.reason)}"
        return SignOff(counts=True, words=words)
    why = [use.note or use.state.value for use in settled.approvals] or [
        "no sign-off that was given is for these files"
    ]
    return SignOff(counts=False, words=f"not signed off: {printable(why[0], 400)}")


def _as_decided(decision: GateDecision) -> Decision:
    """Give the decision back, as far as the laws look at it."""
    rows = tuple(
        RowOutcome(row=row, action=Action.ESCALATE, words="", when="", state=RowState.INDETERMINATE, because="", ask="")
        for row in decision.indeterminate
    )
    return Decision(
        action=decision.verdict,
        row=decision.row,
        because=decision.because,
        ask=decision.ask,
        rows=rows,
        facts=decision.facts,
    )


def _with_files(paper: Admission, artifact: Artifact, lock: Lock | None, name: str) -> Admission:
    verdict = paper.verdict
    assert verdict is not None  # noqa: S101  (the paper held, so it was read)
    folder = _folder(artifact.irregularities)
    files = not_reached("files") if folder.outcome is Outcome.FAILED else _files(verdict, artifact)
    model = _entry(verdict, lock, name) if lock else None
    if model and files.outcome is Outcome.HELD and (differences := drift(model, artifact.files)):
        # Names and digests were held on paper: what is left is a size, so somebody changed the lock.
        files = failed("files", differences[0].words)
    steps = (*paper.steps[: -len(_FILE_STEPS)], folder, files)
    return replace(paper, steps=steps, admitted=files.outcome is Outcome.HELD)


_ODD: Mapping[IrregularityKind, str] = {
    IrregularityKind.SYMLINK_ESCAPE: "is a symbolic link that leads out of the folder, to nothing or in a circle",
    IrregularityKind.SPECIAL_FILE: "is a pipe, socket or device",
    IrregularityKind.PATH_ESCAPE: "has a name that can't be used",
    IrregularityKind.CASE_COLLISION: "differs from another file by letter case or Unicode form alone",
    IrregularityKind.SKIPPED: "was never looked at, so no verdict speaks of it",
}


def _folder(irregularities: Iterable[Irregularity]) -> Step:
    """Refuse whatever is no plain file under a name of its own."""
    for each in irregularities:
        if each.kind in _ODD:
            return failed("folder", f"{printable(each.path)} {_ODD[each.kind]}")
    return held("folder", "it holds plain files alone")


def _files(verdict: Verdict, artifact: Artifact) -> Step:
    found = {str(file.path): file.sha256 for file in artifact.files}
    excluded = {each.path for each in verdict.decision.artifact.excluded}
    changed = [path for path, digest in verdict.files.items() if path in found and found[path] != digest]
    complaints = (
        (changed, "has other bytes than the verdict is for", "have other bytes than the verdict is for"),
        (sorted(verdict.files.keys() - found.keys()), "is missing", "are missing"),
        (
            sorted(excluded & found.keys()),
            "was left out of the verdict, so it may not be there",
            "were left out of the verdict, so they may not be there",
        ),
        (
            sorted(found.keys() - verdict.files.keys() - excluded),
            "is extra: the verdict does not speak of it",
            "are extra: the verdict does not speak of them",
        ),
    )
    said = [f"{_list(paths)} {one if len(paths) == 1 else many}" for paths, one, many in complaints if paths]
    if said:
        return failed("files", "; ".join(said))
    return held("files", f"{plural(len(found), 'file')} hashed, each as in the verdict, and no other")


def _list(paths: Sequence[str]) -> str:
    shown = ", ".join(printable(path, 120) for path in paths[:_SHOWN])
    return shown if len(paths) <= _SHOWN else f"{shown} and {len(paths) - _SHOWN:,} more"
