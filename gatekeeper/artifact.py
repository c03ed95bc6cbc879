"""Artifact: what is being judged, and where each thing said about it comes from.

An artifact is made by `gatekeeper.sources` and only read afterwards. Its files were hashed by us in one pass over
the very bytes that the checks then read; what the platform or the publisher merely *says* is kept apart, in
`PlatformRecord` and `LineageClaim`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol


class Kind(StrEnum):
    """What a loader would make of the artifact."""

    MODEL = "model"
    """Weights with or without a configuration."""

    ADAPTER = "adapter"
    """A PEFT adapter that needs a base model."""

    GRAPH = "graph"
    """A computational graph (ONNX, TorchScript, TFLite) without other weights."""


class Scheme(StrEnum):
    """Where a reference points."""

    HUB = "hf"
    FOLDER = "folder"
    FILE = "file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """What the user asked for, parsed and normalised. Law: `parse(str(reference)) == reference`."""

    scheme: Scheme
    """Which source serves it."""

    name: str
    """`org/name` for the Hub, the path as given for a folder or a file."""

    revision: str = ""
    """Branch, tag, `refs/pr/N` or commit as asked for; empty means the default branch. Hub only."""

    @property
    def is_commit(self) -> bool:
        """Whether the revision names one commit for ever: forty hexadecimal digits."""
        return len(self.revision) == 40 and all(digit in "0123456789abcdef" for digit in self.revision)

    @property
    def publisher(self) -> str:
        """The organisation or user in a Hub id; empty for local sources."""
        return self.name.split("/", 1)[0] if self.scheme is Scheme.HUB else ""

    def __str__(self) -> str:
        """Give the form that `gatekeeper.sources.parse` reads."""
        if self.scheme is not Scheme.HUB:
            return self.name
        return f"hf://{self.name}@{self.revision}" if self.revision else f"hf://{self.name}"


class Content(Protocol):
    """Readable bytes of one file: always the bytes that were hashed, or an error."""

    def open(self) -> BinaryIO:
        """Open a fresh seekable reader at offset 0.

        Raises:
            ContentChangedError: When the file is no longer the one that was hashed.
            SourceError: When the bytes can't be had (ranged reads from a Hub).
        """
        ...

    def read(self, limit: int) -> bytes:
        """Read the whole file.

        Args:
            limit: Most bytes to accept.

        Raises:
            LimitError: When the file is larger than `limit`.
            ContentChangedError: When the file is no longer the one that was hashed.
        """
        ...

    def unchanged(self) -> bool:
        """Whether the path still leads to the very file that was hashed, unmodified."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactFile:
    """One file of an artifact."""

    path: PurePosixPath
    """Relative to the artifact's root; never absolute, never with `..`."""

    size: int
    """Bytes, as read (as listed when `sha256` is None)."""

    sha256: str | None
    """Hexadecimal digest of the bytes, computed by us; None when only metadata was looked at."""

    git_sha1: str | None = None
    """Git blob id of the bytes, computed by us for files that the Hub lists without LFS; else None."""

    content: Content = field(compare=False, repr=False)
    """How to read the bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedFile:
    """One file as the Hub lists it for a commit: the platform's word."""

    path: str
    """As listed, not yet trusted as a path."""

    size: int
    """Bytes."""

    git_oid: str
    """Git blob id: SHA-1 of the file, or of the LFS pointer when `lfs_sha256` is set."""

    lfs_sha256: str | None = None
    """SHA-256 of the content, for files in LFS."""

    security: Mapping[str, Any] | None = None
    """`securityFileStatus` as in the raw JSON; None when the Hub gave none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitInfo:
    """One commit as the Hub's API tells it; authors and dates are set by whoever pushed."""

    id: str
    title: str
    date: datetime | None
    authors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformRecord:
    """What the Hub says about a repo at one commit, as fetched. Nothing in it is proof."""

    endpoint: str
    """Base address of the Hub, without credentials."""

    requested_id: str
    """`org/name` as asked for."""

    returned_id: str
    """`org/name` as answered: differs when the repo was renamed."""

    requested_revision: str
    """As asked for; empty for the default branch."""

    commit: str
    """Forty hexadecimal digits: what everything after resolution used."""

    listed: tuple[ListedFile, ...]
    """The tree at `commit`."""

    siblings: tuple[str, ...] = ()
    """File names in the repo's info, which should equal the tree's."""

    author: str = ""
    gated: str = ""
    """Empty, `auto` or `manual`."""

    private: bool = False
    created_at: datetime | None = None
    last_modified: datetime | None = None
    tags: tuple[str, ...] = ()
    scan: Mapping[str, Any] | None = None
    """`securityRepoStatus` as in the raw JSON; None when the Hub gave none."""

    commits: tuple[CommitInfo, ...] | None = None
    """Newest first, at most one page; None when the Hub did not tell."""

    publisher_verified: bool | None = None
    """Whether the Hub calls the organisation verified; None when it did not tell."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LineageClaim:
    """A base model that the artifact declares for itself."""

    base: str
    """`org/name` or a path, as written."""

    said_by: str
    """`card`, `tag`, `adapter_config` or `config`."""

    revision: str = ""
    """As written; empty when none was given."""

    relation: str = ""
    """`adapter`, `finetune`, `merge`, `quantized` or empty."""


class IrregularityKind(StrEnum):
    """What a source can trip over."""

    PATH_ESCAPE = "path-escape"
    """A listed path is absolute, has `..`, a NUL, a backslash or is too long; the file was left out."""

    SYMLINK_ESCAPE = "symlink-escape"
    """A symbolic link leads out of the root, to nothing or in a circle; it was left out."""

    SPECIAL_FILE = "special-file"
    """A socket, pipe or device; it was left out."""

    CASE_COLLISION = "case-collision"
    """Two paths differ by letter case or Unicode form alone; they would be one file on some disks."""

    MISSING = "missing"
    """Listed by the Hub but not to be had."""

    UNLISTED = "unlisted"
    """In one of the Hub's listings of the commit but not in the other."""

    SIZE_MISMATCH = "size-mismatch"
    """The Hub delivered another number of bytes than it announced; the file was left out."""

    CARD_UNREADABLE = "card-unreadable"
    """The model card, or a configuration that declares the base model, can't be parsed."""

    SKIPPED = "skipped"
    """Left out on purpose: bookkeeping of git or of the Hub's client, which no loader reads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Irregularity:
    """Something that the source had to leave out or could not do, for a check to turn into a finding."""

    kind: IrregularityKind

    path: str
    """The path as found, not trusted."""

    detail: str
    """One sentence for a person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExcludedFile:
    """A file that the user left out: nothing is known of it but what was listed."""

    path: str
    """Relative to the root; never of the kind that a source refuses."""

    size: int
    """Bytes, as listed or as the disk tells."""

    digest: str = ""
    """`sha256:<hex>` or `git:<hex>` as the Hub lists it; empty when nobody told."""


def artifact_digest(files: Iterable[tuple[str, str]]) -> str:
    """Give the digest that names an artifact by its bytes, wherever one is written: `Artifact.digest`, locks, verdicts.

    It is the SHA-256 of one line for each file: the file's SHA-256 in hexadecimal, a blank, its path relative to the
    root with `/` between parts, and a line feed. Lines are in the order of the paths, compared by code points, and in
    UTF-8; bytes of a path that are no UTF-8 stand as they are on disk.

    Args:
        files: Path and SHA-256 of each file, in that order. They are not put into it here: files that a statement
            names in another order do not come to the digest that it names.

    Returns:
        Hexadecimal.
    """
    lines = "".join(f"{sha256} {path}\n" for path, sha256 in files)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A model, adapter or graph at exactly one set of bytes."""

    reference: Reference
    """As asked for."""

    kind: Kind
    files: tuple[ArtifactFile, ...]
    """Sorted by path; every regular file that was accepted."""

    platform: PlatformRecord | None = None
    """None for folders and files."""

    card: Mapping[str, Any] = field(default_factory=dict)
    """The model card's YAML front matter."""

    lineage: tuple[LineageClaim, ...] = ()
    irregularities: tuple[Irregularity, ...] = ()
    metadata_only: bool = False
    """Whether weights were looked at through listings and ranged reads alone."""

    offline: bool = False
    """Whether the Hub was not asked, so that listings are missing."""

    exclude: tuple[str, ...] = ()
    """Patterns by which the user left files out; the artifact is then a subset of what the reference names."""

    excluded: tuple[ExcludedFile, ...] = ()
    """What they left out, sorted by path."""

    cached_commit: str = ""
    """Offline: the commit that the cache holds for the reference; else empty."""

    @property
    def commit(self) -> str:
        """The commit whose bytes these are; empty for local sources."""
        if self.platform:
            return self.platform.commit
        return self.cached_commit or (self.reference.revision if self.reference.is_commit else "")

    @cached_property
    def digest(self) -> str:
        """What `artifact_digest` gives; empty when a file was not hashed."""
        hashed = [(str(file.path), file.sha256) for file in self.files if file.sha256 is not None]
        return artifact_digest(hashed) if len(hashed) == len(self.files) else ""

    def file(self, path: str) -> ArtifactFile | None:
        """Give the file at `path`, or None."""
        return self._by_path.get(path)

    @cached_property
    def _by_path(self) -> dict[str, ArtifactFile]:
        return {str(file.path): file for file in self.files}
