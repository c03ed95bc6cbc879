"""Accepted paths of one commit → files that are hashed, from the cache or the Hub."""

from __future__ import annotations

import contextlib
import shutil
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from gatekeeper import __version__
from gatekeeper.artifact import ArtifactFile, ExcludedFile, Irregularity, IrregularityKind, ListedFile
from gatekeeper.errors import GatekeeperError, NotFoundError, SourceError
from gatekeeper.hashing import MemoryBudget, Stop, StoppedError, hash_file, in_parallel
from gatekeeper.progress import Advance, Progress
from gatekeeper.sources.client import HubClient
from gatekeeper.sources.failures import RETRIED, refused, unreachable
from gatekeeper.sources.folder import cache_stores
from gatekeeper.sources.ranged import RangeContent
from gatekeeper.sources.supervision import Attempt, OversizeError, supervised
from gatekeeper.text import printable

Fetched = ArtifactFile | Irregularity
"""What becomes of a listed file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One commit of one repo on one Hub, and where its files are kept."""

    client: HubClient
    name: str
    """`org/name` as asked for: what the cache's folder is named by."""

    commit: str
    cache_dir: Path
    """The Hub client's cache, resolved."""

    @property
    def snapshot(self) -> Path:
        """Where the client puts the commit's files."""
        return self.cache_dir / f"models--{self.name.replace('/', '--')}" / "snapshots" / self.commit


def refuse_full_disk(origin: Origin, listed: Sequence[ListedFile]) -> None:
    """Check that what is not in the cache yet fits on its disk, with `limits.disk_reserve_bytes` to spare.

    Raises:
        SourceError: When it does not.
    """
    missing = sum(file.size for file in listed if not origin.snapshot.joinpath(file.path).is_file())
    if not missing:
        return
    place = next(parent for parent in (origin.cache_dir, *origin.cache_dir.parents) if parent.exists())
    free, reserve = shutil.disk_usage(place).free, origin.client.limits.disk_reserve_bytes
    if free < missing + reserve:
        raise SourceError(
            f"{missing} bytes are to be downloaded and {reserve} kept free, but the cache's disk has {free}",
            hint="make room, or name a cache on another disk with --cache-dir",
        )


def download(origin: Origin, listed: Sequence[ListedFile], *, jobs: int, progress: Progress) -> list[Fetched]:
    """Bring each file into the cache where it is not yet, and hash what the cache then holds.

    A digest that differs from the listing is no error here: telling is the work of a check.

    Args:
        origin: Where from.
        listed: Files whose paths were accepted.
        jobs: Downloads at the same time.
        progress: Shown the bytes downloaded and hashed.

    Returns:
        For each listed file an artifact file, or why there is none.

    Raises:
        SourceError: When the Hub can't be reached or fails.
        AccessError: When the token at hand may not download.
        ContentChangedError: When a file changes while it is hashed.
    """
    budget, stop = MemoryBudget(origin.client.limits), Stop()
    total = sum(file.size for file in listed)
    with progress.task("downloading", total, "bytes") as fetched, progress.task("hashing", total, "bytes") as hashed:

        def fetch_one(file: ListedFile) -> Fetched:
            path = _fetch(origin, file, stop.watch(fetched))
            return path if isinstance(path, Irregularity) else _hash(origin, file, path, budget, stop.watch(hashed))

        return in_parallel(fetch_one, listed, jobs=jobs, stop=stop)


def read_by_range(origin: Origin, file: ListedFile) -> ArtifactFile:
    """Give a file that is not downloaded and not hashed."""
    url = f"{origin.client.url(origin.name, 'resolve', origin.commit)}/{quote(file.path)}"
    what = printable(f"{origin.name}/{file.path}")

    def fetch(start: int, end: int) -> bytes:
        return origin.client.read_range(url, start, end, size=file.size, what=what)

    return ArtifactFile(
        path=PurePosixPath(file.path), size=file.size, sha256=None, content=RangeContent(fetch, file.size)
    )


def remember_tree(origin: Origin, listed: Sequence[ListedFile]) -> None:
    """Note in the client's cache what the commit holds, as its `snapshot_download` does.

    By this note a later offline run knows a snapshot that an interrupted run, or one of metadata only, left
    incomplete.
    """
    from huggingface_hub._tree_cache import TreeCacheEntry, write_tree_cache

    entries = {
        file.path: TreeCacheEntry(
            size=file.size,
            blob_id=file.git_oid,
            lfs_sha256=file.lfs_sha256,
            lfs_size=file.size if file.lfs_sha256 else None,
        )
        for file in listed
    }
    write_tree_cache(str(origin.snapshot.parent.parent), origin.commit, entries)


def remembered_tree(name: str, commit: str, cache_dir: Path) -> dict[str, ExcludedFile]:
    """Give what the client's cache notes of a commit, path → file; empty when it notes nothing."""
    # The client's public reader of this note drops the digests of files in LFS.
    from huggingface_hub._tree_cache import read_tree_cache

    tree = read_tree_cache(str(cache_dir / f"models--{name.replace('/', '--')}"), commit) or {}
    found = {}
    for path, entry in tree.items():
        size: object = entry.size  # the client hands on whatever the note says
        if isinstance(size, int):
            found[path] = left_out_file(path, size, entry.lfs_sha256, entry.blob_id)
    return found


def left_out_file(path: str, size: int, lfs_sha256: str | None, git_oid: str) -> ExcludedFile:
    """Note a file that was not fetched, with the Hub's digest of it."""
    return ExcludedFile(path=path, size=size, digest=f"sha256:{lfs_sha256}" if lfs_sha256 else f"git:{git_oid}")


def remember_revision(origin: Origin, revision: str) -> None:
    """Note in the client's cache which commit a revision led to, now that its files are there."""
    from huggingface_hub.file_download import _cache_commit_hash_for_specific_revision

    with contextlib.suppress(OSError):  # a cache that can't be written to may still hold every file
        _cache_commit_hash_for_specific_revision(str(origin.snapshot.parent.parent), revision or "main", origin.commit)


def _fetch(origin: Origin, file: ListedFile, advance: Advance) -> Path | Irregularity:
    """Let the client bring one file into its cache."""
    what = printable(f"{origin.name}/{file.path}")
    attempt = Attempt(what=what, commit=origin.commit, size=file.size, limits=origin.client.limits, advance=advance)
    wait = origin.client.limits.retry_seconds
    for left in range(origin.client.limits.retries, -1, -1):
        try:
            attempt.begin()
            with supervised(attempt):
                path = Path(_hub_download(origin, file, attempt))
            attempt.finished()
            return path
        except OversizeError:
            return _size_mismatch(file)
        except (GatekeeperError, StoppedError):
            raise
        except Exception as error:  # the client lets errors of several libraries through
            outcome = _outcome(error, origin, file, what)
            if isinstance(outcome, Irregularity):
                return outcome
            if not left or not _may_pass(error):
                raise outcome from None
        time.sleep(wait)
        wait *= 2
    raise AssertionError("the last attempt gives or raises")


def _hub_download(origin: Origin, file: ListedFile, attempt: Attempt) -> str:
    from huggingface_hub import hf_hub_download

    return hf_hub_download(
        origin.name,
        file.path,
        revision=origin.commit,
        endpoint=origin.client.endpoint,
        cache_dir=origin.cache_dir,
        token=origin.client.token,
        library_name="gatekeeper",
        library_version=__version__,
        tqdm_class=bar_for(attempt),
    )


def bar_for(attempt: Attempt) -> type[Any]:
    """Make what the client takes for a class of progress bars; it shows nothing and tells `attempt` of the bytes."""
    return type("Bar", (_Bar,), {"attempt": attempt})


class _Bar:
    """The client calls `update` with bytes written and, for storage by Xet, the other methods as well."""

    attempt: Attempt
    total: float | None = None

    def __init__(self, **_settings: Any) -> None:
        pass

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def update(self, count: float | None = 1) -> None:
        self.attempt.received(int(count or 0))

    def ignore(self, *_values: Any, **_settings: Any) -> None:
        pass

    update_transfer = set_postfix_str = set_transfer_postfix_str = refresh = close = ignore


def _outcome(error: Exception, origin: Origin, file: ListedFile, what: str) -> GatekeeperError | Irregularity:
    """Translate what the client raised."""
    from huggingface_hub.errors import EntryNotFoundError, FileMetadataError, HfHubHTTPError, LocalEntryNotFoundError

    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) and error.__cause__ else error
    if isinstance(cause, HfHubHTTPError):
        headers = cause.response.headers
        code, message = headers.get("X-Error-Code", ""), headers.get("X-Error-Message", "")
        failure = refused(cause.response.status_code, code, message, what=what)
        # 403 from a file's storage is no word about the repo, which could be listed.
        gone = isinstance(cause, EntryNotFoundError) or (isinstance(failure, NotFoundError) and not code)
        return _missing(file) if gone else failure
    if isinstance(cause, FileMetadataError):
        return SourceError(f"the Hub announced {what} without the headers that it promises", hint="run again later")
    # The client's consistency check raises a bare OSError; those of the system carry a number.
    if type(cause) is OSError and cause.errno is None:
        return _size_mismatch(file)
    if isinstance(cause, OSError) and cause.errno is not None:
        reason = cause.strerror or type(cause).__name__
        return SourceError(
            f"the cache at {printable(str(origin.cache_dir), 400)} could not take {what}: {reason}",
            hint="check the disk and its rights, or name another cache with --cache-dir",
        )
    return unreachable(cause, endpoint=origin.client.endpoint)


def _may_pass(error: Exception) -> bool:
    """Whether another attempt makes sense, after an error that the client does not retry itself."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    if isinstance(error, HfHubHTTPError):
        return error.response.status_code in RETRIED
    # RuntimeError: a connection error in another thread makes the client close the session that all share.
    return isinstance(error, httpx2.TransportError | RuntimeError) and not isinstance(error, httpx2.ProxyError)


def _hash(origin: Origin, file: ListedFile, path: Path, budget: MemoryBudget, advance: Advance) -> Fetched:
    """Hash what the cache holds; a cache can be poisoned, so its links are not trusted."""
    try:
        target = path.resolve(strict=True)
        allowed = (origin.snapshot, *cache_stores(origin.snapshot))
        if not any(target.is_relative_to(each) for each in allowed):
            return _irregular(IrregularityKind.SYMLINK_ESCAPE, file, "The cache's link for it leads out of the cache.")
        if not stat.S_ISREG(target.lstat().st_mode):
            return _irregular(IrregularityKind.SPECIAL_FILE, file, "The cache holds no regular file for it.")
        hashed = hash_file(target, git=file.lfs_sha256 is None, budget=budget, advance=advance)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a circle of links"
        raise SourceError(
            f"{printable(str(path), 400)} in the cache can't be read: {reason}", hint="check the cache's rights"
        ) from None
    return ArtifactFile(
        path=PurePosixPath(file.path),
        size=hashed.size,
        sha256=hashed.sha256,
        git_sha1=hashed.git_sha1,
        content=hashed.content,
    )


def _missing(file: ListedFile) -> Irregularity:
    return _irregular(IrregularityKind.MISSING, file, "The Hub lists it and does not deliver it.")


def _size_mismatch(file: ListedFile) -> Irregularity:
    return _irregular(
        IrregularityKind.SIZE_MISMATCH, file, f"Listed with {file.size} bytes, delivered with another number."
    )


def _irregular(kind: IrregularityKind, file: ListedFile, detail: str) -> Irregularity:
    return Irregularity(kind=kind, path=file.path, detail=detail)
