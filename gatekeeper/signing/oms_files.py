"""Files against a signed manifest: each difference has its own words."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from gatekeeper.artifact import ArtifactFile
from gatekeeper.limits import MIB
from gatekeeper.progress import SILENT, Advance, Progress
from gatekeeper.signing.oms import FORMAT_IGNORES, SIGNATURE_NAME, Ignored, Manifest, Slice
from gatekeeper.text import printable

_CHUNK_BYTES = 4 * MIB
_FOR_PEOPLE = frozenset({".md", ".rst", ".pdf", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".bib"})
"""Endings of prose and pictures. What is not listed here counts as loadable: loaders are many, and read `.txt`,
`.json`, `.model` and files without any ending."""

_NAMED_FOR_PEOPLE = frozenset({"license", "licence", "license.txt", "licence.txt", "notice", "notice.txt", "copying"})
_FOR_FORGES = frozenset({".yml", ".yaml", ".txt"})
"""Endings of workflows and templates, which below `.github` no loader is pointed at."""


class DifferenceKind(StrEnum):
    """How files and manifest part."""

    CHANGED = "changed"
    """Signed with other bytes."""

    MISSING = "missing"
    """Signed, and not there."""

    EXTRA = "extra"
    """There, and not signed."""

    IGNORED = "ignored"
    """There, left out by the signer's own list, and of a kind that some loader may read."""

    OVERLOOKED = "overlooked"
    """There, left out by the signer's own list, and of a kind that no loader reads."""

    LEFT_OUT = "left-out"
    """Signed, and left out by whoever judges."""

    UNREAD = "unread"
    """Signed, and its bytes could not be held against the signature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One file that is not simply as signed."""

    kind: DifferenceKind
    path: str
    words: str
    """One sentence for a person, printable."""


def differences(
    manifest: Manifest,
    files: Sequence[ArtifactFile],
    *,
    left_out: Collection[str] = (),
    progress: Progress = SILENT,
) -> tuple[Difference, ...]:
    """Hold files against a manifest.

    Whole files by SHA-256 cost nothing, their digests are known. Slices, and files by BLAKE2b, are read once more.

    Args:
        manifest: What was signed.
        files: All files that there are; the signature itself is passed over.
        left_out: Paths that are not judged because the user said so.
        progress: Shown the bytes that are read again.

    Returns:
        Every difference, sorted by path; empty when the files are exactly the signed ones.

    Raises:
        ContentChangedError: When a file is no longer the one that was hashed.
    """
    there = {str(file.path): file for file in files if str(file.path) != SIGNATURE_NAME}
    again = [there[path] for path in manifest.files if path in there and _is_read(manifest, there[path])]
    ignored = Ignored((*manifest.ignored, *FORMAT_IGNORES))
    found: list[Difference] = []
    with progress.task("signature", sum(file.size for file in again), "bytes") as advance:
        for path in sorted(manifest.files.keys() | there.keys()):
            if path not in manifest.files:
                found += _unsigned(there[path], manifest, ignored)
            elif path in there:
                found += _signed(there[path], manifest, advance)
            elif path != SIGNATURE_NAME:
                found.append(_absent(path, path in left_out))
    return tuple(found)


def is_for_loaders(path: str) -> bool:
    """Whether some loader may read a file of that name; what is not known to be for people counts."""
    name = PurePosixPath(path)
    if path in FORMAT_IGNORES:
        return False
    if name.parts[0] == ".github" and (name.suffix.lower() in _FOR_FORGES or name.name == "CODEOWNERS"):
        return False
    return name.suffix.lower() not in _FOR_PEOPLE and name.name.lower() not in _NAMED_FOR_PEOPLE


def _absent(path: str, left_out: bool) -> Difference:
    shown = printable(path)
    if left_out:
        words = f"{shown} is signed and was left out by --exclude"
        return Difference(kind=DifferenceKind.LEFT_OUT, path=path, words=words)
    return Difference(kind=DifferenceKind.MISSING, path=path, words=f"{shown} is signed and is not there")


def _unsigned(file: ArtifactFile, manifest: Manifest, ignored: Ignored) -> Iterator[Difference]:
    path, shown = str(file.path), printable(str(file.path))
    entry = ignored.covering(path)
    if entry is None:
        # A file without bytes has no slice, so that such a manifest can't tell of it.
        if file.size or not manifest.shard_bytes:
            words = f"{shown} is not signed: it was added to what is"
            yield Difference(kind=DifferenceKind.EXTRA, path=path, words=words)
        return
    words = f"{shown} is left out of the signature by {printable(entry, 80)!r} in the signer's own list"
    if is_for_loaders(path):
        yield Difference(kind=DifferenceKind.IGNORED, path=path, words=f"{words}, and some loader may read it")
    elif entry not in FORMAT_IGNORES:
        yield Difference(kind=DifferenceKind.OVERLOOKED, path=path, words=words)


def _signed(file: ArtifactFile, manifest: Manifest, advance: Advance) -> Iterator[Difference]:
    path, shown, slices = str(file.path), printable(str(file.path)), manifest.files[str(file.path)]
    if file.sha256 is None:
        words = f"{shown} was not downloaded, so that nothing was compared"
        yield Difference(kind=DifferenceKind.UNREAD, path=path, words=words)
    elif manifest.hash == "blake3":
        words = f"{shown} is signed by its BLAKE3 digest, which is not computed here"
        yield Difference(kind=DifferenceKind.UNREAD, path=path, words=words)
    elif manifest.shard_bytes and slices[-1].end != file.size:
        words = f"{shown} has {file.size} bytes, and {slices[-1].end} are signed"
        yield Difference(kind=DifferenceKind.CHANGED, path=path, words=words)
    elif (part := _first_changed(file, manifest, slices, advance)) is not None:
        where = f" from byte {part.start} to {part.end}" if len(slices) > 1 else ""
        words = f"{shown} does not have the signed bytes{where} ({manifest.hash} {part.digest[:12]}… is signed)"
        yield Difference(kind=DifferenceKind.CHANGED, path=path, words=words)


def _is_read(manifest: Manifest, file: ArtifactFile) -> bool:
    """Whether a digest is asked for that has to be computed, and can be."""
    sliced = 0 < manifest.shard_bytes < file.size
    return file.sha256 is not None and (manifest.hash == "blake2b" or (manifest.hash == "sha256" and sliced))


def _first_changed(file: ArtifactFile, manifest: Manifest, slices: tuple[Slice, ...], advance: Advance) -> Slice | None:
    if not _is_read(manifest, file):
        return None if file.sha256 == slices[0].digest else slices[0]
    with file.content.open() as reader:
        for part in slices:
            digest, left = hashlib.new(manifest.hash), (file.size if part.end < 0 else part.end) - part.start
            while left and (chunk := reader.read(min(left, _CHUNK_BYTES))):
                digest.update(chunk)
                advance(len(chunk))
                left -= len(chunk)
            if left or digest.hexdigest() != part.digest:
                return part
    return None
