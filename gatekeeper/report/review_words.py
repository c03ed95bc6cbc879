"""What is said of a review: sentences that its views share. Plain text, not yet fit for any medium."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gatekeeper.attestation import Attestation
from gatekeeper.bump import BumpKind
from gatekeeper.decision import Action
from gatekeeper.evidence import Finding
from gatekeeper.mention import Mention, Role
from gatekeeper.report import view
from gatekeeper.review import Judged, Mode, Review
from gatekeeper.text import plural

DISTRIBUTION = "gatekeeper-models"
"""Under which name the tool's own version stands in an attestation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewLinks:
    """Where a reader of a review finds the rest. Made by us or by the platform, never taken from a model repo."""

    reports: tuple[str, ...] = ()
    """For each of `Review.judged`, in order, its page relative to the folder of the review; empty when it has none."""

    artifact: str = ""
    """Address that the folder of the review can be fetched from; empty when it was not uploaded."""

    run: str = ""
    """Address of the job."""

    files: str = ""
    """Address that a path of the newer commit is put behind, ending in `/`."""

    def report(self, place: int) -> str:
        """Give the page of one of `Review.judged`; empty when there is none."""
        return self.reports[place] if place < len(self.reports) else ""


class Outcome(StrEnum):
    """What the review comes to."""

    BLOCKED = "Blocked"
    WOULD_BLOCK = "Would be blocked"
    """In report-only mode."""

    NOT_BLOCKED = "Not blocked"
    """Something is not allowed, and nothing of the kind that blocks."""

    ALLOWED = "Allowed"
    NOTHING = "Nothing to judge"


_TONES = {
    Outcome.BLOCKED: "discard",
    Outcome.WOULD_BLOCK: "escalate",
    Outcome.NOT_BLOCKED: "audit",
    Outcome.ALLOWED: "allow",
    Outcome.NOTHING: "none",
}


def tone(review: Review) -> str:
    """Give the colour of the whole, by the name of the action that it is the colour of."""
    return _TONES[outcome(review)]


def outcome(review: Review) -> Outcome:
    """Say what the review comes to."""
    if replace(review, mode=Mode.ENFORCE).exit_code or any(review.blocks(judged) for judged in review.judged):
        return Outcome.BLOCKED if review.mode is Mode.ENFORCE else Outcome.WOULD_BLOCK
    asked = [judged for judged in review.judged if judged.bump.kind is not BumpKind.REMOVED]
    if not asked:
        return Outcome.NOTHING
    return Outcome.ALLOWED if all(judged.action is Action.ALLOW for judged in asked) else Outcome.NOT_BLOCKED


def tally(review: Review) -> str:
    """Count the models by what became of them, in the order of the review."""
    counts = Counter(word(judged) for judged in review.judged)
    told = [f"{count:,} {what}" for what, count in counts.items()]
    if review.bumps.unread:
        told.append(f"{plural(len(review.bumps.unread), 'thing')} could not be read")
    return ", ".join(told)


def headline(review: Review) -> str:
    """Say on one line what follows `Outcome`: whose fault it is, and what it does to the job."""
    models = [judged for judged in review.judged if judged.bump.kind is not BumpKind.REMOVED]
    match outcome(review):
        case Outcome.NOTHING:
            return f"no model is added or changed{f': {tally(review)}' if review.judged else ''}."
        case Outcome.ALLOWED:
            subject = "the one model" if len(models) == 1 else f"each of the {plural(len(models), 'model')}"
            return f"{subject} may be deployed under this policy ({tally(review)})."
        case Outcome.NOT_BLOCKED:
            return f"{plural(len(models), 'model')} ({tally(review)}). What is not allowed is yet to be verified."
    blocking = sum(review.blocks(judged) for judged in review.judged)
    enforced = review.mode is Mode.ENFORCE
    verb = ("blocks" if blocking == 1 else "block") if enforced else "would block"
    what = f"{blocking:,} of {plural(len(models), 'model')} {verb}" if blocking else "something could not be read"
    ends = "The job fails." if enforced else "Report only: the job passes all the same."
    return f"{what} ({tally(review)}). {ends}"


def word(judged: Judged) -> str:
    """Say in one or two words what became of a model."""
    if judged.action:
        return judged.action.value
    ends = {BumpKind.REMOVED: "removed", BumpKind.UNRESOLVED: "can't be told"}
    return ends.get(judged.bump.kind, "not judged")


def tone_of(judged: Judged) -> str:
    """Give the colour of one model."""
    if judged.action:
        return judged.action.value
    return {BumpKind.REMOVED: "none", BumpKind.UNRESOLVED: "audit"}.get(judged.bump.kind, "escalate")


def row(judged: Judged) -> str:
    """Give the slug of the row or law that decided; empty when nothing was judged."""
    return judged.attestation.verdict.row if judged.attestation else ""


def why(judged: Judged) -> str:
    """Say why it ended as it did, in one sentence; empty when it is only removed."""
    if judged.attestation:
        return judged.attestation.verdict.because
    if judged.trouble:
        return judged.trouble.message
    unresolved = next((mention.unresolved for mention in judged.bump.new if mention.unresolved), "")
    if judged.bump.kind is BumpKind.UNRESOLVED:
        return unresolved or "what is named there can't be told"
    return "" if judged.bump.kind is BumpKind.REMOVED else "nothing judged it"


def ask(judged: Judged) -> str:
    """Say what to do next; empty when nothing is to be done."""
    if judged.attestation:
        return judged.attestation.verdict.ask
    if judged.trouble:
        return judged.trouble.hint
    if judged.bump.kind is BumpKind.UNRESOLVED:
        return "write the name and the commit where they can be read, or name the model to the job by hand"
    return ""


def name(judged: Judged) -> str:
    """Give what the model is called; its place when that can't be told."""
    place = judged.bump.place
    return judged.bump.name or (place.place if place else "a model without a name")


def role(judged: Judged) -> str:
    """Give what it is to whoever names it, where that is not a model."""
    return "" if judged.bump.role is Role.MODEL else judged.bump.role.value


def older(judged: Judged) -> str:
    """Give what the older commit names: a revision, or `org/name@revision` where the name was another."""
    if judged.bump.kind is BumpKind.ADDED:
        return ""
    before = next((mention for mention in judged.bump.old if mention.name or mention.revision), None)
    if before is None:
        return judged.before.commit if judged.before else ""
    same = before.name in {"", judged.bump.name}
    return before.revision if same else f"{before.name}@{before.revision or '(none)'}"


def newer(judged: Judged) -> str:
    """Give what the newer commit names: the revision as written, else the commit that was judged."""
    if judged.bump.kind is BumpKind.REMOVED:
        return ""
    return judged.bump.revision or (judged.attestation.subject.commit if judged.attestation else "")


def places(judged: Judged) -> tuple[Mention, ...]:
    """Give where the newer commit names it, or for one that was removed, where the older one did."""
    return judged.bump.new or judged.bump.old


def sentence(text: str) -> str:
    """End a clause as a sentence; empty stays empty."""
    text = text.strip()
    return text if not text or text[-1] in ".!?…" else f"{text}."


def place_in(finding: Finding) -> str:
    """Say where in the model a finding was made; empty when the whole is meant."""
    at = finding.location
    offset = f" at byte {at.offset:,}" if at.offset is not None else ""
    return ", ".join(part for part in (f"{at.path}{offset}", at.detail) if part)


def settled(attestation: Attestation) -> dict[str, str]:
    """Give findings that somebody answers for: id → who does, why and until when.

    These are the waived ones, and where the verdict is somebody's sign-off, those that it covers.
    """
    answers = {
        waiver.finding: f"waived by {waiver.approver} until {waiver.expires}: {waiver.reason}"
        for waiver in view.waivers_in_use(attestation).values()
    }
    if attestation.decision and attestation.decision.row.startswith("approved:"):
        for approval in view.approvals_in_use(attestation.decision):
            told = f"signed off by {approval.by} until {approval.expires}: {approval.reason}"
            answers = {**dict.fromkeys(approval.findings, told), **answers}
    return answers


def policies(review: Review) -> tuple[str, ...]:
    """Name the policies that were asked, with their digests."""
    decisions = [judged.attestation.verdict for judged in review.judged if judged.attestation]
    told = (f"{each.policy_name or '(unnamed)'} {view.short(each.policy_digest)}" for each in decisions)
    return tuple(dict.fromkeys(told))


def versions(review: Review) -> tuple[str, ...]:
    """Give the versions of the tool that judged: more than one only where somebody put verdicts together."""
    found = (judged.attestation.tool_versions.get(DISTRIBUTION, "") for judged in review.judged if judged.attestation)
    return tuple(dict.fromkeys(version for version in found if version))


def not_looked_at(judged: Judged) -> Iterator[str]:
    """Give what nobody looked at in one model, one sentence each."""
    if judged.attestation:
        yield from unchecked(judged.attestation)
    if judged.not_compared:
        yield f"not compared with the revision before: {judged.not_compared}"
    if judged.comparison:
        yield from (f"not compared: {what}" for what in judged.comparison.not_compared)


def unchecked(attestation: Attestation) -> Iterator[str]:
    """Give what the checks did not look at, one sentence each."""
    for omission in attestation.not_checked:
        yield f"{omission.what}: {omission.why}"
    for result in view.unanswered(attestation):
        reasons = [f"{gap.path}: {gap.reason}" if gap.path else gap.reason for gap in result.gaps]
        for reason in reasons or [result.reason]:
            yield f"{result.check.id}: {reason}"
