"""One of the two artifacts as it is read: its files by path, what is known of their bytes, and a budget."""

from __future__ import annotations

from typing import Any

from gatekeeper.artifact import Artifact, ArtifactFile, ListedFile
from gatekeeper.errors import LimitError
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json


class UnreadError(Exception):
    """Something of an artifact can't be read for a comparison; the message is a printable clause that says why."""


class Side:
    """One artifact; reading from it is bounded by `limits.compare_bytes` in all."""

    def __init__(self, artifact: Artifact, limits: Limits) -> None:
        """Take what is read, and how much of it may be."""
        self.artifact = artifact
        self.limits = limits
        self.files = {str(file.path): file for file in artifact.files}
        listed = artifact.platform.listed if artifact.platform else ()
        self._listed = {file.path: file for file in listed}
        self._left = limits.compare_bytes

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    def digests(self, path: str) -> dict[str, str]:
        """Give what names the bytes of a file, by algorithm: ours where there is one, else what the Hub lists."""
        file = self.files[path]
        known = _listed_digests(self._listed.get(path))
        own = {"sha256": file.sha256, "git": file.git_sha1}
        return known | {algorithm: digest for algorithm, digest in own.items() if digest}

    def take(self, amount: int) -> None:
        """Spend some of the budget.

        Raises:
            UnreadError: When it is used up.
        """
        if amount > self._left:
            raise UnreadError(f"more than {self.limits.compare_bytes} bytes would be read (limit compare_bytes)")
        self._left -= amount

    def read(self, path: str, limit: int) -> bytes:
        """Read a whole file.

        Raises:
            UnreadError: When it has more than `limit` bytes, or the budget is used up.
            SourceError: When the bytes can't be had.
            ContentChangedError: When they are no longer those that were hashed.
        """
        file: ArtifactFile = self.files[path]
        if file.size > limit:
            raise UnreadError(f"it has {file.size} bytes, more than {limit}")
        self.take(file.size)
        try:
            return file.content.read(limit)
        except LimitError as error:
            raise UnreadError(error.message) from error

    def json(self, path: str) -> Any:
        """Read a JSON document; errors as for `read`, and UnreadError when it is none."""
        data = self.read(path, self.limits.json_bytes)
        try:
            return load_json(data, depth=self.limits.json_depth, values=self.limits.json_values)
        except ParseError as error:
            raise UnreadError(str(error)) from error


def _listed_digests(listed: ListedFile | None) -> dict[str, str]:
    if listed is None:
        return {}
    # The blob of a file in LFS is its pointer, which is nothing to hold against the blob of a whole file.
    return {"sha256": listed.lfs_sha256} if listed.lfs_sha256 else {"git": listed.git_oid}


def same_bytes(old: Side, new: Side, path: str) -> bool | None:
    """Whether a file that both have is the same in both; None when nothing that is known of it tells."""
    one, other = old.files[path], new.files[path]
    if one.size != other.size:
        return False
    if one.sha256 and other.sha256:
        return one.sha256 == other.sha256
    before, after = old.digests(path), new.digests(path)
    shared = before.keys() & after.keys()
    return all(before[each] == after[each] for each in shared) if shared else None
