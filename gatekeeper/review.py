"""Review: what became of the models that a pull request adds, changes or removes. Every view of it is made of this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.attestation import Attestation
from gatekeeper.bump import Bump, BumpKind, Bumps
from gatekeeper.comparison import Comparison
from gatekeeper.decision import Action, DisbelievedApproval
from gatekeeper.lock import LockedModel


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Why a model could not be judged."""

    message: str
    hint: str
    exit_code: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """One bump with its verdict."""

    bump: Bump
    attestation: Attestation | None = None
    """None when it was removed, or could not be judged."""

    before: LockedModel | None = None
    """The entry of the older commit's lock."""

    comparison: Comparison | None = None
    """What differs from the revision that the older commit names; None when there is none, or it could not be had."""

    not_compared: str = ""
    """Why there is no comparison, in words."""

    trouble: Trouble | None = None
    """Why there is no verdict; None when there is one, or none is needed."""

    @property
    def action(self) -> Action | None:
        """The verdict; None where nothing was judged."""
        return self.attestation.verdict.action if self.attestation else None


class Mode(StrEnum):
    """What a verdict does to the job."""

    ENFORCE = "enforce"
    REPORT_ONLY = "report-only"


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """The answer to a pull request."""

    bumps: Bumps
    judged: tuple[Judged, ...]
    """Worst first, then by place."""

    mode: Mode
    fail_on: frozenset[Action]
    """Verdicts that block; a model without a verdict always does."""

    disbelieved_approvals: tuple[DisbelievedApproval, ...] = ()

    def blocks(self, judged: Judged) -> bool:
        """Whether this one alone would block in enforce mode; what can't be told counts as to be audited."""
        if judged.bump.kind is BumpKind.REMOVED:
            return False
        if judged.bump.kind is BumpKind.UNRESOLVED:
            return Action.AUDIT in self.fail_on
        return judged.action is None or judged.action in self.fail_on

    @property
    def worst(self) -> Action | None:
        """The worst verdict; None when nothing was judged."""
        actions = [judged.action for judged in self.judged if judged.action]
        return max(actions, key=lambda action: action.rank, default=None)

    @property
    def exit_code(self) -> int:
        """0 allowed, and always in report-only mode; 1 blocked; 2 or 3 when a model could not be judged."""
        if self.mode is Mode.REPORT_ONLY:
            return 0
        troubles = [judged.trouble.exit_code for judged in self.judged if judged.trouble]
        if troubles:
            return max(troubles)
        return int(bool(self.bumps.unread) or any(self.blocks(judged) for judged in self.judged))
