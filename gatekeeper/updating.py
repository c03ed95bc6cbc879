"""The line of updates: an entry of the lock in, the commit that could take its place and what differs out.

for entry in lockfile.read(path).models:
    print(propose(entry, "", options).commit)
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from gatekeeper import compare, sources
from gatekeeper.artifact import Artifact, Reference
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.lock import Drift, DriftKind, LockedModel, drift, files_as_listed
from gatekeeper.progress import SILENT, Progress

if TYPE_CHECKING:
    from gatekeeper.sources import SourceOptions

_PULL_REQUEST = "refs/pr/"


class Relation(StrEnum):
    """How a commit stands to the pinned one, by the history that the Hub tells; dates are set by whoever pushed."""

    SAME = "up to date"
    """It is the pinned one."""

    NEWER = "newer"
    """The pinned commit is in its history."""

    OLDER = "older"
    """It is in the history of the pinned one."""

    OTHER = "other"
    """Neither is told: another branch, a history that was rewritten, or more commits between them than one page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What the Hub has now for a pinned model."""

    entry: LockedModel
    asked: Reference
    """The model at the branch, tag or commit that was asked for; without a revision the default branch."""

    commit: str
    """What that means now: forty hexadecimal digits."""

    relation: Relation = Relation.OTHER
    """How that commit stands to the pinned one."""

    comparison: compare.Comparison | None = None
    """What differs; None when it is the pinned commit, or that one is gone."""

    drift: tuple[Drift, ...] = ()
    """How the Hub's pinned commit differs from the pins; when it is gone: how the proposed one does."""

    gone: bool = False
    """Whether the Hub has the pinned commit no more."""

    @property
    def reference(self) -> Reference:
        """What is to be pinned: the very commit that was compared.

        A pull request keeps its name, by which pinning refuses it: anybody can push one.
        """
        if self.asked.revision.lower().startswith(_PULL_REQUEST):
            return self.asked
        return replace(self.asked, revision=self.commit)


def propose(entry: LockedModel, revision: str, source: SourceOptions, progress: Progress = SILENT) -> Proposal:
    """Find what could take the place of a pinned commit, and compare the two without downloading weights.

    Args:
        entry: What is pinned.
        revision: Branch, tag or commit to move to; empty for the default branch.
        source: Cache, network and limits; what is left out is what the entry leaves out.
        progress: Told how far long work has come.

    Raises:
        InputError: When the Hub may not be asked, or the revision is none.
        GatekeeperError: When the Hub can't be asked.
    """
    _refuse_offline(source)
    asked = sources.parse(f"hf://{entry.id}", revision=revision or None)
    commit = sources.resolve(asked, source).revision
    proposal = Proposal(entry=entry, asked=asked, commit=commit)
    if commit == entry.commit:
        return replace(proposal, relation=Relation.SAME)
    options = replace(source, metadata_only=True, exclude=entry.exclude)
    with ExitStack() as opened:
        new = opened.enter_context(sources.open_artifact(replace(asked, revision=commit), options, progress))
        try:
            pinned = replace(asked, revision=entry.commit)
            old = opened.enter_context(sources.open_artifact(pinned, options, progress))
        except NotFoundError:
            return replace(proposal, drift=_drift(entry, new), gone=True)
        comparison = compare.compare(old, new, options.limits)
        return replace(proposal, comparison=comparison, drift=_drift(entry, old), relation=_relation(old, new))


def _relation(old: Artifact, new: Artifact) -> Relation:
    if _knows(new, old.commit):
        return Relation.NEWER
    return Relation.OLDER if _knows(old, new.commit) else Relation.OTHER


def _knows(artifact: Artifact, commit: str) -> bool:
    """Whether a commit is in an artifact's history, as far as the Hub tells it."""
    commits = artifact.platform.commits if artifact.platform else None
    return any(each.id == commit for each in commits or ())


def _drift(entry: LockedModel, artifact: Artifact) -> tuple[Drift, ...]:
    """Hold files against the pins as far as their digests are known: by us, else by what the Hub lists."""
    files = files_as_listed(artifact)
    return tuple(each for each in drift(entry, files) if each.kind is not DriftKind.UNHASHED)


def _refuse_offline(source: SourceOptions) -> None:
    from huggingface_hub import constants

    if source.offline or constants.is_offline_mode():
        raise InputError("offline nobody can tell whether there is something newer", hint="unset HF_HUB_OFFLINE")
