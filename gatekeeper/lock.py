"""Lock: what a team has pinned, and how bytes can drift from it. No IO: see `gatekeeper.lockfile`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from gatekeeper.artifact import Artifact, ArtifactFile, Kind
from gatekeeper.decision import Action
from gatekeeper.text import printable

LOCK_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedFile:
    """One file as pinned."""

    path: str
    size: int
    """Bytes."""

    sha256: str
    """Hexadecimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedBase:
    """The base model that a pinned one declares."""

    id: str
    """`org/name`."""

    commit: str
    """Forty hexadecimal digits, as they were when the model was locked; empty when nobody could tell."""

    def __str__(self) -> str:
        """Give `org/name@<commit>`, or `org/name` where the commit is not known."""
        return f"{self.id}@{self.commit}" if self.commit else self.id


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedModel:
    """One model as pinned, with the verdict that it was pinned on."""

    id: str
    """`org/name` on the Hub."""

    commit: str
    """Forty hexadecimal digits."""

    digest: str
    """`artifact_digest` of its files."""

    kind: Kind
    files: tuple[LockedFile, ...]
    """Sorted by path."""

    signer: str = ""
    """Fact `signature.signer`: who signed it; empty when nobody did."""

    base: LockedBase | None = None
    policy: str
    """Digest of the policy, `sha256:<hex>`."""

    verdict: Action
    decided_at: datetime
    """UTC, whole seconds."""

    exclude: tuple[str, ...] = ()
    """Patterns by which files were left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """All that a team has pinned."""

    models: tuple[LockedModel, ...] = ()
    """Sorted by id, each id once."""

    def model(self, id: str) -> LockedModel | None:
        """Give the entry of `org/name`, or None."""
        return next((model for model in self.models if model.id == id), None)


class FileAsFound(Protocol):
    """A file that can be held against a pinned one: of an artifact, or of the subject of an attestation."""

    @property
    def path(self) -> object:
        """Relative to the root; its text form counts."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def sha256(self) -> str | None:
        """Hexadecimal; empty or None when the bytes were not had."""
        ...


class DriftKind(StrEnum):
    """How a file differs from what is pinned."""

    CHANGED = "changed"
    """Other bytes, or surely other bytes by its size."""

    ADDED = "added"
    REMOVED = "removed"
    UNHASHED = "unhashed"
    """Its bytes were not had and its size is the pinned one, so that nothing can be said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drift:
    """One file that is not as pinned."""

    kind: DriftKind
    path: str
    words: str
    """One sentence for a person, printable."""


def drift(model: LockedModel, files: Iterable[FileAsFound]) -> tuple[Drift, ...]:
    """Compare files with what is pinned.

    Args:
        model: The entry of the lock.
        files: All files, of an artifact or of the subject of an attestation.

    Returns:
        Every difference, sorted by path; empty when the bytes are the pinned ones.
    """
    pinned = {file.path: file for file in model.files}
    found = {str(file.path): file for file in files}
    each = (_compare(path, pinned.get(path), found.get(path)) for path in sorted(pinned.keys() | found.keys()))
    return tuple(one for one in each if one)


def files_as_listed(artifact: Artifact) -> tuple[ArtifactFile, ...]:
    """Give the files of an artifact, with the digest that the Hub lists where we have none.

    The Hub tells the SHA-256 of files in LFS alone; of the others it stays None.
    """
    listed = {file.path: file.lfs_sha256 for file in artifact.platform.listed} if artifact.platform else {}
    return tuple(replace(file, sha256=file.sha256 or listed.get(str(file.path))) for file in artifact.files)


def _compare(path: str, pinned: LockedFile | None, found: FileAsFound | None) -> Drift | None:
    shown = printable(path)
    if pinned is None:
        return Drift(kind=DriftKind.ADDED, path=path, words=f"{shown} is not in the lock")
    if found is None:
        return Drift(kind=DriftKind.REMOVED, path=path, words=f"{shown} is in the lock and is not there")
    if not found.sha256:
        if found.size != pinned.size:
            words = f"{shown} has other bytes ({pinned.size} → {found.size} bytes)"
            return Drift(kind=DriftKind.CHANGED, path=path, words=words)
        return Drift(kind=DriftKind.UNHASHED, path=path, words=f"{shown} was not downloaded, so nothing was compared")
    if (found.size, found.sha256) == (pinned.size, pinned.sha256):
        return None
    if found.sha256 == pinned.sha256:
        words = f"{shown} has {found.size} bytes, and the lock says {pinned.size} beside the digest of these bytes"
        return Drift(kind=DriftKind.CHANGED, path=path, words=words)
    sizes = f"{pinned.size} bytes" if found.size == pinned.size else f"{pinned.size} → {found.size} bytes"
    digests = f"sha256 {pinned.sha256[:12]}… → {found.sha256[:12]}…"
    return Drift(kind=DriftKind.CHANGED, path=path, words=f"{shown} has other bytes ({sizes}, {digests})")
