"""Repos of the loopback Hub: plain values with git's and LFS's object ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

Bytes = bytes | Path
"""Content of a file: in memory, or streamed from disk."""

EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When everything was made, unless said otherwise, so that commit ids stay the same."""

_LFS_SUFFIXES = frozenset(
    {
        *(".bin", ".ckpt", ".gguf", ".h5", ".joblib", ".msgpack", ".npy", ".npz", ".onnx", ".pb", ".pickle"),
        *(".pkl", ".pt", ".pth", ".safetensors", ".tflite", ".zip"),
    }
)
"""What the Hub's default `.gitattributes` puts into LFS, as far as models go."""


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """One file of a commit with its object ids."""

    path: str
    content: Bytes
    lfs_bytes: int
    """Files of at least this many bytes are in LFS whatever their name."""

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @property
    def in_lfs(self) -> bool:
        """Whether git holds a pointer only."""
        return PurePosixPath(self.path).suffix.lower() in _LFS_SUFFIXES or self.size >= self.lfs_bytes

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the content: what LFS names it by."""
        return self._digest("sha256", b"")

    @cached_property
    def pointer(self) -> bytes:
        """The LFS pointer that git holds (git-lfs specification, version 1)."""
        return (f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n").encode()

    @cached_property
    def oid(self) -> str:
        """Git blob id: of the pointer for files in LFS, else of the content."""
        if self.in_lfs:
            data = b"blob %d\0" % len(self.pointer) + self.pointer
            return hashlib.sha1(data, usedforsecurity=False).hexdigest()
        return self._digest("sha1", b"blob %d\0" % self.size)

    @property
    def etag(self) -> str:
        """What the Hub's client names the blob by."""
        return self.sha256 if self.in_lfs else self.oid

    def open(self) -> BinaryIO:
        """Open the content for reading."""
        import io

        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")

    def _digest(self, algorithm: str, prefix: bytes) -> str:
        digest = hashlib.new(algorithm, prefix, usedforsecurity=False)
        with self.open() as reader:
            while block := reader.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class HubCommit:
    """One commit: the whole tree after it."""

    files: Mapping[str, Bytes]
    title: str = "Upload model"
    message: str = ""
    authors: tuple[str, ...] = ("author",)
    date: datetime = EPOCH


@dataclass(frozen=True, kw_only=True)
class HubRepo:
    """One model repo."""

    id: str
    """`org/name`, or a single name."""

    branches: Mapping[str, tuple[HubCommit, ...]]
    """Branch, or `refs/pr/N`, → its commits, oldest first. `main` is the default branch."""

    versions: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Git tag → (branch, index of the commit)."""

    card: Mapping[str, Any] = field(default_factory=dict)
    """`cardData` as the Hub parsed it."""

    tags: tuple[str, ...] = ()
    """Labels of the repo, such as `base_model:adapter:org/base`."""

    private: bool = False
    gated: str = ""
    """Empty, `auto` or `manual`."""

    disabled: bool = False
    created_at: datetime = EPOCH
    scans: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Path → scanner → status; everything else was scanned and is `safe`."""

    scanned: bool = True
    """Whether the Hub tells about scans at all."""

    verified: bool | None = None
    """Whether the publisher is a verified organisation; None when it is a user."""

    lfs_bytes: int = 10 * 2**20
    """Files of at least this many bytes are in LFS whatever their name."""

    @classmethod
    def of(cls, name: str, files: Mapping[str, Bytes], **fields: Any) -> HubRepo:
        """Make a repo whose `main` has one commit with these files; `fields` are the other fields."""
        return cls(id=name, branches={"main": (HubCommit(files=files),)}, **fields)

    @cached_property
    def history(self) -> Mapping[str, tuple[str, ...]]:
        """Branch → ids of its commits, oldest first."""
        return {name: tuple(self._ids(commits)) for name, commits in self.branches.items()}

    @cached_property
    def commits(self) -> Mapping[str, HubCommit]:
        """Id → commit."""
        return {
            oid: commit
            for name, ids in self.history.items()
            for oid, commit in zip(ids, self.branches[name], strict=True)
        }

    @cached_property
    def trees(self) -> Mapping[str, Mapping[str, HubFile]]:
        """Id of a commit → path → file, sorted by path."""
        return {oid: self._tree(commit) for oid, commit in self.commits.items()}

    @property
    def head(self) -> str:
        """Id of the last commit on `main`."""
        return self.history["main"][-1]

    def resolve(self, revision: str) -> str | None:
        """Give the id of the commit that a branch, tag, `refs/…` name or id means; None when there is none."""
        if revision in self.commits:
            return revision
        name = revision.removeprefix("refs/heads/")
        if name in self.history:
            return self.history[name][-1]
        tag = revision.removeprefix("refs/tags/")
        if tag in self.versions:
            branch, index = self.versions[tag]
            return self.history[branch][index]
        return None

    def log(self, oid: str) -> tuple[tuple[str, HubCommit], ...]:
        """Give the commits that lead to `oid`, newest first."""
        for ids in self.history.values():
            if oid in ids:
                return tuple((each, self.commits[each]) for each in reversed(ids[: ids.index(oid) + 1]))
        return ()

    def _tree(self, commit: HubCommit) -> Mapping[str, HubFile]:
        return {
            path: HubFile(path=path, content=content, lfs_bytes=self.lfs_bytes)
            for path, content in sorted(commit.files.items())
        }

    def _ids(self, commits: tuple[HubCommit, ...]) -> list[str]:
        """Name each commit by what it holds and by its parent, as git does (not by git's own format)."""
        ids: list[str] = []
        for commit in commits:
            tree = [(path, file.oid) for path, file in self._tree(commit).items()]
            said = [commit.title, commit.message, commit.authors, commit.date.isoformat(), ids[-1:], tree]
            ids.append(hashlib.sha1(json.dumps(said).encode(), usedforsecurity=False).hexdigest())
        return ids
