"""Review: what became of the models that a pull request adds, changes or removes. Every view of it is made of this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.attestation import Attestation
from gatekeeper.comparison import Comparison
from gatekeeper.decision import Action, DisbelievedApproval
from gatekeeper.lock import LockedModel
from gatekeeper.mention import Mention, Role


class BumpKind(StrEnum):
    """How the files of the newer commit differ from those of the older one, for one model."""

    ADDED = "added"
    CHANGED = "changed"
    """The same place, or the same model, with another name, revision or setting."""

    REMOVED = "removed"
    NAMED = "named"
    """It was asked for by name, or stands in the lock: nothing changed."""

    UNRESOLVED = "unresolved"
    """Something is named there that can't be told: nobody judged it, so it never counts as allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bump:
    """One model that a change is about."""

    kind: BumpKind
    name: str
    """`org/name`, or the path of a model file in the repository itself; empty when it can't be told."""

    revision: str = ""
    """As the newer commit writes it; empty when none is written."""

    role: Role = Role.MODEL
    old: tuple[Mention, ...] = ()
    """Where the older commit names it, or what the same place named; paths are relative to the repository's root."""

    new: tuple[Mention, ...] = ()
    """Where the newer commit names it."""

    local: bool = False
    """Whether it is a file of the repository itself."""

    @property
    def place(self) -> Mention | None:
        """The place that views point at: the first of the newer commit, else of the older one."""
        return next(iter((*self.new, *self.old)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bumps:
    """All that a change does to models, and what could not be read of it."""

    base: str
    """Forty hexadecimal digits: the commit that both sides have in common, so that work on the other branch is none."""

    head: str
    bumps: tuple[Bump, ...]
    """Sorted by path and line of their places."""

    files: int = 0
    """Changed files that were looked at."""

    unread: tuple[str, ...] = ()
    """What could not be read, one sentence each, printable; never empty when something was skipped."""


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
