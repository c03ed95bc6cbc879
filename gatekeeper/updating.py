"""The line of updates: an entry of the lock in, the commit that could take its place and what changed out.

for entry in lockfile.read(path).models:
    print(propose(entry, "", options).commit)
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatekeeper import compare, sources
from gatekeeper.artifact import Artifact, Reference
from gatekeeper.errors import InputError, NotFoundError
from gatekeeper.lock import Drift, DriftKind, LockedModel, drift
from gatekeeper.progress import SILENT, Progress

if TYPE_CHECKING:
    from gatekeeper.sources import SourceOptions

_PULL_REQUEST = "refs/pr/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """What the Hub has now for a pinned model."""

    entry: LockedModel
    asked: Reference
    """The model at the branch, tag or commit that was asked for; without a revision the default branch."""

    commit: str
    """What that means now: forty hexadecimal digits."""

    comparison: compare.Comparison | None = None
    """What changed; None when nothing did, or the pinned commit is gone."""

    drift: tuple[Drift, ...] = ()
    """How the Hub's pinned commit differs from the pins; when it is gone: how the proposed one does."""

    gone: bool = False
    """Whether the Hub has the pinned commit no more."""

    @property
    def newer(self) -> bool:
        """Whether it is another commit than the pinned one."""
        return self.commit != self.entry.commit

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
    if not proposal.newer:
        return proposal
    options = replace(source, metadata_only=True, exclude=entry.exclude)
    with ExitStack() as opened:
        new = opened.enter_context(sources.open_artifact(replace(asked, revision=commit), options, progress))
        try:
            pinned = replace(asked, revision=entry.commit)
            old = opened.enter_context(sources.open_artifact(pinned, options, progress))
        except NotFoundError:
            return replace(proposal, drift=_drift(entry, new), gone=True)
        comparison = compare.compare(old, new, options.limits)
        return replace(proposal, comparison=comparison, drift=_drift(entry, old))


def _drift(entry: LockedModel, artifact: Artifact) -> tuple[Drift, ...]:
    """Hold files against the pins as far as their digests are known: by us, else by what the Hub lists."""
    listed = {file.path: file.lfs_sha256 for file in artifact.platform.listed} if artifact.platform else {}
    files = [replace(file, sha256=file.sha256 or listed.get(str(file.path))) for file in artifact.files]
    return tuple(each for each in drift(entry, files) if each.kind is not DriftKind.UNHASHED)


def _refuse_offline(source: SourceOptions) -> None:
    from huggingface_hub import constants

    if source.offline or constants.is_offline_mode():
        raise InputError("offline nobody can tell whether there is something newer", hint="unset HF_HUB_OFFLINE")
