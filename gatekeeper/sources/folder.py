"""A local folder or single file → files hashed in place.

Symbolic links are followed where they stay inside the folder, or lead from a snapshot in the Hub client's cache to
its blobs; all others are left out and reported. Pipes, sockets and devices are never opened. `.git` at the top of the
folder, and what the Hub's client itself writes to `.cache/huggingface` there, are left out and reported as such: no
loader reads them. Anything else in that folder is a file like others.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gatekeeper.artifact import ArtifactFile, ExcludedFile, Irregularity, IrregularityKind
from gatekeeper.errors import InputError, LimitError
from gatekeeper.hashing import MemoryBudget, Stop, hash_file, in_parallel
from gatekeeper.progress import Advance, Progress
from gatekeeper.sources.exclusion import part
from gatekeeper.sources.options import SourceOptions
from gatekeeper.sources.paths import collisions, escape, refusal
from gatekeeper.text import printable

_BOOKKEEPING = frozenset({".git"})
_CLIENTS = ".cache/huggingface"
_CLIENTS_OWN = re.compile(
    r"(?:\.gitignore|\.gitignore\.lock|CACHEDIR\.TAG|(?:download|upload)/.{1,900}\.(?:metadata|lock))", re.DOTALL
)
"""What huggingface_hub writes below that folder (`_local_folder.py`): beside its marks, the commit and digest of each
file that it fetched or sent, and locks. A download that was broken off lies there too, and is judged as a file."""

_CLIENTS_BYTES = 1024
"""Bytes of the largest of these."""

_SHARED_STORE_MARKER = ".huggingface-shared-blobs"
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalFiles:
    """What a folder holds."""

    files: tuple[ArtifactFile, ...]
    """Sorted by path."""

    irregularities: tuple[Irregularity, ...]
    excluded: tuple[ExcludedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    """A regular file on its way to being hashed."""

    path: PurePosixPath
    target: Path
    """Where it lies, free of symbolic links."""

    size: int


def read_folder(
    root: Path, options: SourceOptions, progress: Progress, absent: Sequence[ExcludedFile] = ()
) -> LocalFiles:
    """Find and hash every file of a folder that is not left out.

    Args:
        root: The folder.
        options: What to leave out, and the limits.
        progress: Shown the bytes hashed.
        absent: Files that belong to it and are not there, all of them left out.

    Raises:
        InputError: When the folder is empty, something in it can't be read, or a pattern of `exclude` is of no use.
        LimitError: When it holds more than the limits allow.
        ContentChangedError: When a file changes while it is hashed.
    """
    walk = _Walk(root, options)
    found = sorted(walk.files(), key=lambda each: each.path.as_posix())
    if not found and all(each.kind is IrregularityKind.SKIPPED for each in walk.irregularities):
        raise InputError(f"{printable(str(root), 400)} holds no files", hint="name the folder that holds the model")
    # Patterns hide no irregularity: what is left out still lies beside the rest.
    irregularities = (*walk.irregularities, *collisions(each.path for each in found))
    kept, left_out = _part(found, options, str(root), absent)
    _refuse_large(kept, options)
    return LocalFiles(files=_hash(kept, options, progress), irregularities=irregularities, excluded=left_out)


def read_file(path: Path, options: SourceOptions, progress: Progress) -> LocalFiles:
    """Hash a single file; the user named it, so a symbolic link is followed wherever it leads.

    Raises:
        InputError: When its name can't be shown as a path or it can't be read.
        LimitError: When it is larger than the limits allow.
        ContentChangedError: When it changes while it is hashed.
    """
    reason = refusal(path.name, options.limits, from_disk=True)
    if reason:
        raise InputError(f"the name {printable(path.name)} can't be used: {reason}", hint="rename the file")
    try:
        target = path.resolve(strict=True)
        found = [_Found(PurePosixPath(path.name), target, target.stat().st_size)]
    except OSError as error:
        raise unreadable(path, error) from error
    _part(found, options, str(path))
    _refuse_large(found, options)
    return LocalFiles(files=_hash(found, options, progress), irregularities=())


def _part(
    found: Sequence[_Found], options: SourceOptions, to: str, absent: Sequence[ExcludedFile] = ()
) -> tuple[list[_Found], tuple[ExcludedFile, ...]]:
    known: list[_Found | ExcludedFile] = [*found, *absent]
    kept, out = part(known, options.exclude, lambda each: PurePosixPath(each.path), printable(to, 400))
    left_out = [each if isinstance(each, ExcludedFile) else _left_out(each) for each in out]
    return [each for each in kept if isinstance(each, _Found)], tuple(sorted(left_out, key=lambda each: each.path))


def _left_out(found: _Found) -> ExcludedFile:
    return ExcludedFile(path=str(found.path), size=found.size)


def unreadable(path: Path, error: OSError) -> InputError:
    """Say that a file can't be read, and why."""
    return InputError(
        f"{printable(str(path), 400)} can't be read: {error.strerror or type(error).__name__}",
        hint="check the path and its rights",
    )


class _Walk:
    """One walk over a folder: yields regular files, collects what it leaves out."""

    def __init__(self, root: Path, options: SourceOptions) -> None:
        self._limits = options.limits
        self._root = root.resolve()
        self._allowed = (self._root, *cache_stores(self._root))
        self._entries = 0
        self.irregularities: list[Irregularity] = []

    def files(self) -> Iterator[_Found]:
        # Folders with the chain of their ancestors, by which a circle of links is known.
        waiting: list[tuple[Path, str, tuple[Path, ...]]] = [(self._root, "", (self._root,))]
        while waiting:
            folder, prefix, chain = waiting.pop()
            for entry in self._list(folder):
                path = f"{prefix}{entry.name}"
                target = self._accept(entry, path, chain)
                if target is None:
                    continue
                status = self._stat(target)
                if path == _CLIENTS:
                    self._leave_out(
                        IrregularityKind.SKIPPED, path, "Records of the Hub's client, which no loader reads."
                    )
                if stat.S_ISDIR(status.st_mode):
                    waiting.append((target, f"{path}/", (*chain, target)))
                elif _is_clients_own(path, status.st_size):
                    continue
                elif stat.S_ISREG(status.st_mode):
                    yield _Found(PurePosixPath(path), target, status.st_size)
                else:
                    self._leave_out(IrregularityKind.SPECIAL_FILE, path, "It is a pipe, socket or device.")

    def _list(self, folder: Path) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return [entry for entry in entries if self._count()]
        except OSError as error:
            raise unreadable(folder, error) from error

    def _count(self) -> bool:
        """Bound the walk by folders too: links among folders can multiply without a single file."""
        self._entries += 1
        if self._entries > self._limits.max_files:
            raise LimitError(f"the folder holds more than {self._limits.max_files} files (limit max_files)")
        return True

    def _accept(self, entry: os.DirEntry[str], path: str, chain: tuple[Path, ...]) -> Path | None:
        """Give where an entry lies; None when it is left out."""
        if path in _BOOKKEEPING:
            self._leave_out(IrregularityKind.SKIPPED, path, "Bookkeeping that no loader reads.")
            return None
        reason = refusal(path, self._limits, from_disk=True)
        if reason:
            self.irregularities.append(escape(path, reason))
            return None
        lies_at = chain[-1] / entry.name
        if not entry.is_symlink():
            return lies_at
        target = _followed(lies_at)
        trouble = self._link_trouble(target, chain)
        if trouble:
            self._leave_out(IrregularityKind.SYMLINK_ESCAPE, path, f"The symbolic link leads {trouble}.")
            return None
        return target

    def _link_trouble(self, target: Path | None, chain: tuple[Path, ...]) -> str:
        if target is None:
            return "to nothing or in a circle"
        if target in chain:
            return "in a circle"
        return "" if any(target.is_relative_to(allowed) for allowed in self._allowed) else "out of the folder"

    def _leave_out(self, kind: IrregularityKind, path: str, detail: str) -> None:
        self.irregularities.append(Irregularity(kind=kind, path=path, detail=detail))

    def _stat(self, target: Path) -> os.stat_result:
        try:
            return target.lstat()
        except OSError as error:
            raise unreadable(target, error) from error


def _is_clients_own(path: str, size: int) -> bool:
    """Whether a file is one of the small records that the Hub's client keeps."""
    name = path.removeprefix(f"{_CLIENTS}/")
    return name != path and size <= _CLIENTS_BYTES and _CLIENTS_OWN.fullmatch(name) is not None


def _followed(link: Path) -> Path | None:
    try:
        return link.resolve(strict=True)
    except (OSError, RuntimeError):  # a circle is a RuntimeError before Python 3.13
        return None


def cache_stores(root: Path) -> tuple[Path, ...]:
    """Give where a snapshot in the Hub client's cache keeps its bytes; nothing for any other folder.

    The layout is `<cache>/models--org--name/{blobs,snapshots/<commit>}`, with an optional `<cache>/blobs` shared by
    all repos, which the client marks as its own.
    """
    repo = root.parent.parent
    is_snapshot = (
        len(root.name) == 40
        and _HEX.issuperset(root.name)
        and root.parent.name == "snapshots"
        and repo.name.startswith("models--")
    )
    if not is_snapshot:
        return ()
    shared = repo.parent / "blobs"
    return (repo / "blobs", shared) if (shared / _SHARED_STORE_MARKER).is_file() else (repo / "blobs",)


def _refuse_large(found: list[_Found], options: SourceOptions) -> None:
    limits = options.limits
    for each in found:
        if each.size > limits.max_file_bytes:
            raise LimitError(
                f"{printable(str(each.path))} has {each.size} bytes, more than {limits.max_file_bytes} "
                "(limit max_file_bytes)"
            )
    total = sum(each.size for each in found)
    if total > limits.max_total_bytes:
        raise LimitError(f"{total} bytes are more than {limits.max_total_bytes} (limit max_total_bytes)")


def _hash(found: list[_Found], options: SourceOptions, progress: Progress) -> tuple[ArtifactFile, ...]:
    options.announce([each.path.as_posix() for each in found])
    budget, stop = MemoryBudget(options.limits), Stop()
    with progress.task("hashing", sum(each.size for each in found), "bytes") as advance:

        def hash_one(each: _Found) -> ArtifactFile:
            return _hash_one(each, budget, stop.watch(advance))

        return tuple(in_parallel(hash_one, found, jobs=options.jobs, stop=stop))


def _hash_one(each: _Found, budget: MemoryBudget, advance: Advance) -> ArtifactFile:
    try:
        hashed = hash_file(each.target, git=False, budget=budget, advance=advance)
    except OSError as error:
        raise unreadable(each.target, error) from error
    return ArtifactFile(path=each.path, size=hashed.size, sha256=hashed.sha256, content=hashed.content)
