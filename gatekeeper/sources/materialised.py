"""A locked model → a folder that holds exactly its bytes.

A file has its name there only once its size and SHA-256 held; what is under way lies in a hidden folder beside
(`gatekeeper.sources.parts`). Bytes come from the Hub client's cache where it has them, else from the Hub. Nobody is
believed: neither the cache, nor the Hub, nor a part of an earlier run.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from gatekeeper.artifact import Reference, Scheme
from gatekeeper.errors import InputError, NotFoundError, SourceError
from gatekeeper.hashing import Stop, in_parallel
from gatekeeper.limits import KIB, Limits
from gatekeeper.lock import Drift, DriftKind, LockedFile, LockedModel
from gatekeeper.progress import SILENT, Advance, Progress
from gatekeeper.sources.client import HubClient
from gatekeeper.sources.options import SourceOptions
from gatekeeper.sources.parts import STAGING, Part, staging
from gatekeeper.sources.paths import collisions, refusal
from gatekeeper.sources.present import held, named, survey
from gatekeeper.sources.streaming import OtherFileError
from gatekeeper.text import printable

_DEFAULT = SourceOptions()
_COPY_BYTES = 256 * KIB


@dataclass(frozen=True, kw_only=True, slots=True)
class Materialised:
    """What became of each pinned file, by path, sorted."""

    folder: Path
    kept: tuple[str, ...]
    """Were there already, and were hashed again."""

    copied: tuple[str, ...]
    """Taken from the Hub client's cache."""

    fetched: tuple[str, ...]
    """Downloaded."""

    drift: tuple[Drift, ...]
    """What the Hub has not, or with other bytes; these are not in the folder. Empty when the model is whole."""


class _Way(StrEnum):
    COPIED = "copied"
    FETCHED = "fetched"


def layout(models: Sequence[LockedModel], destination: Path) -> dict[str, Path]:
    """Give each model its folder, `destination/org/name`.

    Raises:
        InputError: When one model's folder would be another's, or lie in it.
    """
    taken: dict[str, str] = {}
    for model in models:
        if reason := refusal(model.id, _DEFAULT.limits):
            raise InputError(f"{printable(model.id)} can't name a folder: {reason}")
        other = taken.setdefault(model.id.casefold(), model.id)
        if other != model.id:
            raise InputError(f"{model.id} and {other} would share a folder", hint="fetch them to two places")
    for model in models:
        if "/" in model.id and (outer := taken.get(model.id.split("/", 1)[0].casefold())):
            raise InputError(f"{model.id} would lie inside {outer}", hint="fetch them to two places")
    return {model.id: destination / model.id for model in models}


def materialise(
    model: LockedModel,
    destination: Path,
    options: SourceOptions = _DEFAULT,
    progress: Progress = SILENT,
    *,
    force: bool = False,
) -> Materialised:
    """Bring exactly the pinned files into a folder.

    Files that are there with the pinned bytes are kept, parts of an earlier run are taken up again, and nothing that
    was not fetched is ever deleted.

    Args:
        model: What is pinned.
        destination: The model's own folder; made when it is missing.
        options: Where from; `exclude` and `metadata_only` don't count, the lock says which files.
        progress: Shown the bytes hashed and fetched.
        force: Whether files that are there with other bytes are replaced.

    Raises:
        InputError: When a path is of no use, or the folder holds anything else, or other bytes without `force`.
        NotFoundError: When the Hub has no such repo or commit, or offline the cache not all files.
        AccessError: When the token at hand may not read it.
        SourceError: When the Hub or the disk fails, or another run works in the folder.
        ContentChangedError: When a file that is there changes while it is hashed.
    """
    _refuse_hostile(model, options.limits)
    root = destination.expanduser().resolve()
    try:
        return _materialise(model, root, options, progress, force)
    except OSError as error:
        raise SourceError(
            f"{printable(str(root), 400)} could not be filled: {error.strerror or type(error).__name__}",
            hint="check the disk and its rights, then run again: it goes on where it stopped",
        ) from error


def _materialise(
    model: LockedModel, root: Path, options: SourceOptions, progress: Progress, force: bool
) -> Materialised:
    there = survey(root, {file.path for file in model.files})
    kept, wrong = held(model, root, there, options.jobs, progress)
    if wrong and not force:
        raise InputError(
            f"{printable(str(root), 400)} has other bytes than the pinned ones: {named(wrong)}",
            hint="--force replaces them",
        )
    missing = sorted((file for file in model.files if file.path not in kept), key=lambda file: -file.size)
    ways: dict[str, _Way | Drift] = {}
    if missing or (root / STAGING).exists():
        _refuse_full_disk(root, missing)
        with staging(root) as parts:
            if parts.with_name(STAGING.upper()).exists():
                _refuse_collisions(model)
            ways = _bring(model, root, parts, missing, options, progress)
    return Materialised(
        folder=root,
        kept=tuple(sorted(kept)),
        copied=tuple(sorted(path for path, way in ways.items() if way is _Way.COPIED)),
        fetched=tuple(sorted(path for path, way in ways.items() if way is _Way.FETCHED)),
        drift=tuple(way for _, way in sorted(ways.items()) if isinstance(way, Drift)),
    )


def _bring(
    model: LockedModel,
    root: Path,
    parts: Path,
    missing: Sequence[LockedFile],
    options: SourceOptions,
    progress: Progress,
) -> dict[str, _Way | Drift]:
    if not missing:
        return {}
    store, stop = _Store(model, options), Stop()
    with progress.task("fetching", sum(file.size for file in missing), "bytes") as shown:
        advance = stop.watch(shown)

        def one(file: LockedFile) -> _Way | Drift:
            return _place(store, file, root, parts, advance)

        ways = in_parallel(one, missing, jobs=options.jobs, stop=stop)
    return {file.path: way for file, way in zip(missing, ways, strict=True)}


def _place(store: _Store, file: LockedFile, root: Path, parts: Path, advance: Advance) -> _Way | Drift:
    """Make one part whole; it gets its name when it is the pinned file, and goes when it can't become that."""
    with Part(parts, file, advance) as part:
        way = store.fill(part, file)
        if isinstance(way, Drift):
            part.drop()
        else:
            part.place(root / file.path)
    return way


class _Store:
    """Where the bytes of one model come from. Safe to use from several threads."""

    def __init__(self, model: LockedModel, options: SourceOptions) -> None:
        from huggingface_hub import constants

        self._model = model
        cache = Path(options.cache_dir or constants.HF_HUB_CACHE).expanduser()
        self._cache = cache / f"models--{model.id.replace('/', '--')}"
        offline = options.offline or constants.is_offline_mode()
        self._client = None if offline else HubClient(options)

    def fill(self, part: Part, file: LockedFile) -> _Way | Drift:
        """Bring a part to the pinned bytes, or say what the Hub has instead."""
        if _is_right(part, file):
            return _Way.FETCHED
        if any(_copy(path, part, file) for path in self._cached(file)):
            return _Way.COPIED
        what = printable(f"{self._model.id}/{file.path}")
        if self._client is None:
            raise NotFoundError(f"the cache does not hold {what} as pinned", hint="run without --offline")
        if part.held == file.size:
            part.restart()
        try:
            self._stream(self._client, part, file, what)
            if part.resumed and not _is_right(part, file):  # perhaps what the earlier run left was to blame
                part.restart()
                self._stream(self._client, part, file, what)
        except OtherFileError as other:
            return _other_size(file, other.size)
        return _Way.FETCHED if _is_right(part, file) else _other_bytes(file, part.sha256)

    def _stream(self, client: HubClient, part: Part, file: LockedFile, what: str) -> None:
        url = f"{client.url(self._model.id, 'resolve', self._model.commit)}/{quote(file.path)}"
        client.stream(url, part, size=file.size, what=what)

    def _cached(self, file: LockedFile) -> Iterator[Path]:
        """Give where the client's cache may have a file; its blobs of LFS are named by their digest."""
        yield self._cache / "snapshots" / self._model.commit / file.path
        yield self._cache / "blobs" / file.sha256


def _is_right(part: Part, file: LockedFile) -> bool:
    return part.held == file.size and part.sha256 == file.sha256


def _copy(path: Path, part: Part, file: LockedFile) -> bool:
    """Copy a file of the right size into a part; True when it is the pinned one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size != file.size:
        os.close(descriptor)
        return False
    with os.fdopen(descriptor, "rb", buffering=0) as reader:
        part.restart()
        while (block := reader.read(_COPY_BYTES)) and part.take(block):
            pass
    if not _is_right(part, file):
        part.restart()
        return False
    return True


def _other_size(file: LockedFile, size: int | None) -> Drift:
    shown = printable(file.path)
    if size is None:
        return Drift(kind=DriftKind.REMOVED, path=file.path, words=f"{shown} is in the lock and not on the Hub")
    words = f"{shown} has other bytes: {file.size} of them are pinned, the Hub has {size}"
    return Drift(kind=DriftKind.CHANGED, path=file.path, words=words)


def _other_bytes(file: LockedFile, sha256: str) -> Drift:
    words = f"{printable(file.path)} has other bytes: sha256 {file.sha256} is pinned, the Hub delivers {sha256}"
    return Drift(kind=DriftKind.CHANGED, path=file.path, words=words)


def _refuse_hostile(model: LockedModel, limits: Limits) -> None:
    """Check what becomes part of paths and addresses, whoever wrote the lock."""
    if not Reference(scheme=Scheme.HUB, name=model.id, revision=model.commit).is_commit:
        raise InputError(f"{printable(model.id)} is pinned to {printable(model.commit)}, which is no commit")
    for file in model.files:
        reason = refusal(file.path, limits)
        if not reason and file.path.split("/", 1)[0].casefold() == STAGING:
            reason = "its place is taken while files are fetched"
        if reason:
            raise InputError(f"{printable(model.id)}: {printable(file.path)} can't be fetched: {reason}")


def _refuse_collisions(model: LockedModel) -> None:
    """Refuse files of which one would replace another on this disk, which ignores letter case."""
    for found in collisions(PurePosixPath(file.path) for file in model.files):
        raise InputError(f"{printable(model.id)}: {printable(found.path)}: {printable(found.detail)}")


def _refuse_full_disk(root: Path, missing: Iterable[LockedFile]) -> None:
    place = next(parent for parent in (root, *root.parents) if parent.exists())
    had = 0
    with suppress(OSError):
        had = sum(path.stat().st_size for path in (root / STAGING).iterdir())
    needed, free = sum(file.size for file in missing) - had, shutil.disk_usage(place).free
    if needed > free:
        raise SourceError(
            f"{needed} bytes are to be fetched, but the disk of {printable(str(root), 400)} has {free}",
            hint="make room, or fetch to another disk",
        )
