"""A Hub reference → Artifact: resolved once, listed, downloaded, hashed.

A branch or tag is resolved to its commit by the first request, and every later one names the commit. What the Hub
says travels in `PlatformRecord`; what the bytes are travels in the files.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gatekeeper.artifact import (
    Artifact,
    ArtifactFile,
    Irregularity,
    IrregularityKind,
    ListedFile,
    PlatformRecord,
    Reference,
)
from gatekeeper.endings import is_weights
from gatekeeper.errors import InputError, LimitError, NotFoundError
from gatekeeper.limits import Limits
from gatekeeper.progress import Progress
from gatekeeper.sources.client import HubClient
from gatekeeper.sources.declared import read_declared
from gatekeeper.sources.download import (
    Origin,
    download,
    left_out_file,
    read_by_range,
    refuse_full_disk,
    remember_revision,
    remember_tree,
    remembered_tree,
)
from gatekeeper.sources.exclusion import is_excluded, part
from gatekeeper.sources.folder import read_folder
from gatekeeper.sources.listing import (
    RepoInfo,
    fetch_commits,
    fetch_info,
    fetch_revisions,
    fetch_tree,
    fetch_verified,
)
from gatekeeper.sources.options import SourceOptions
from gatekeeper.sources.paths import collisions, escape, refusal
from gatekeeper.sources.supervision import install
from gatekeeper.text import printable


def open_hub(reference: Reference, options: SourceOptions, progress: Progress) -> Artifact:
    """Fetch what a Hub reference names.

    Raises:
        NotFoundError: When there is no such repo or revision, or offline nothing in the cache.
        AccessError: When the repo is gated, private or disabled for the token at hand.
        InputError: When a pattern of `exclude` is of no use.
        LimitError: When it is larger than the limits allow.
        SourceError: When the Hub or the disk fails.
        ContentChangedError: When a cached file changes while it is hashed.
    """
    from huggingface_hub import constants

    cache_dir = Path(options.cache_dir or constants.HF_HUB_CACHE).expanduser().resolve()
    if options.offline or constants.is_offline_mode():
        return _open_cached(reference, cache_dir, options, progress)
    client = HubClient(options)
    what = printable(str(reference))
    info = _resolve(client, reference, what)
    listed = fetch_tree(client, reference.name, info.commit, what=what)
    platform = _record(client, reference, info, listed, what)
    origin = Origin(client=client, name=reference.name, commit=info.commit, cache_dir=cache_dir)
    accepted, irregularities = _accept(listed, options.limits)
    irregularities += _unlisted(info.siblings, listed)
    remember_tree(origin, accepted)
    kept, left_out = part(accepted, options.exclude, lambda file: PurePosixPath(file.path), what)
    _refuse_large(kept, options.limits)
    options.announce([file.path for file in kept])
    files, lost = _fetch(origin, kept, options, progress)
    if not options.metadata_only:
        remember_revision(origin, reference.revision)
    declared = read_declared(files, platform.tags, options.limits)
    return Artifact(
        reference=reference,
        kind=declared.kind,
        files=files,
        platform=platform,
        card=declared.card,
        lineage=declared.lineage,
        irregularities=(*irregularities, *lost, *declared.irregularities),
        exclude=options.exclude,
        excluded=tuple(left_out_file(file.path, file.size, file.lfs_sha256, file.git_oid) for file in left_out),
        metadata_only=options.metadata_only,
    )


def resolve_hub(reference: Reference, options: SourceOptions) -> Reference:
    """Name the commit that a Hub reference means now; offline, the one that the cache remembers.

    Raises:
        NotFoundError: When there is no such repo or revision, or offline nothing in the cache.
        AccessError: When the token at hand may not see it.
        SourceError: When the Hub fails.
    """
    from huggingface_hub import constants

    what = printable(str(reference))
    if options.offline or constants.is_offline_mode():
        cache_dir = Path(options.cache_dir or constants.HF_HUB_CACHE).expanduser().resolve()
        return replace(reference, revision=_snapshot(reference, cache_dir, what).name)
    return replace(reference, revision=_resolve(HubClient(options), reference, what).commit)


def _resolve(client: HubClient, reference: Reference, what: str) -> RepoInfo:
    try:
        info = fetch_info(client, reference.name, reference.revision, what=what)
    except NotFoundError as error:
        if not reference.revision:
            raise
        raise _better_hint(error, client, reference, what) from None
    if reference.is_commit and info.commit != reference.revision:
        # An honest Hub never does this, and nothing that it then lists would be what was asked for.
        raise NotFoundError(f"the Hub answered for commit {info.commit}, not for {what}", hint="check HF_ENDPOINT")
    return info


def _better_hint(error: NotFoundError, client: HubClient, reference: Reference, what: str) -> NotFoundError:
    """Name the revisions that were perhaps meant, when the repo itself can be seen."""
    names = fetch_revisions(client, reference.name, what=what)
    if not names:
        return error
    near = difflib.get_close_matches(reference.revision, names, n=3) or names[:3]
    hint = f"there are: {', '.join(printable(name, 60) for name in near)}"
    if 7 <= len(reference.revision) < 40 and set(reference.revision) <= set("0123456789abcdef"):
        hint = "a commit is named by all of its forty digits; " + hint
    return NotFoundError(error.message, hint=hint)


def _record(
    client: HubClient, reference: Reference, info: RepoInfo, listed: tuple[ListedFile, ...], what: str
) -> PlatformRecord:
    publisher, slash, _ = info.id.partition("/")
    return PlatformRecord(
        endpoint=client.endpoint,
        requested_id=reference.name,
        returned_id=info.id,
        requested_revision=reference.revision,
        commit=info.commit,
        listed=listed,
        siblings=info.siblings,
        author=info.author,
        gated=info.gated,
        private=info.private,
        created_at=info.created_at,
        last_modified=info.last_modified,
        tags=info.tags,
        scan=info.scan,
        commits=fetch_commits(client, reference.name, info.commit, what=what),
        publisher_verified=fetch_verified(client, publisher, what=what) if slash else None,
    )


def _accept(listed: Iterable[ListedFile], limits: Limits) -> tuple[list[ListedFile], list[Irregularity]]:
    """Part the paths that may be used from those that escape, and sort the former."""
    accepted: list[ListedFile] = []
    irregularities: list[Irregularity] = []
    for file in listed:
        reason = refusal(file.path, limits)
        if reason:
            irregularities.append(escape(file.path, reason))
            continue
        accepted.append(file)
    accepted.sort(key=lambda file: file.path)
    irregularities += collisions(PurePosixPath(file.path) for file in accepted)
    return accepted, irregularities


def _refuse_large(kept: Iterable[ListedFile], limits: Limits) -> None:
    total = 0
    for file in kept:
        if file.size > limits.max_file_bytes:
            raise LimitError(
                f"{printable(file.path)} is listed with {file.size} bytes, more than {limits.max_file_bytes} "
                "(limit max_file_bytes)"
            )
        total += file.size
    if total > limits.max_total_bytes:
        raise LimitError(f"{total} bytes are more than {limits.max_total_bytes} (limit max_total_bytes)")


def _unlisted(siblings: Iterable[str], listed: Iterable[ListedFile]) -> list[Irregularity]:
    """Compare the Hub's two listings of the commit."""
    in_info, in_tree = set(siblings), {file.path for file in listed}
    return [
        Irregularity(
            kind=IrregularityKind.UNLISTED,
            path=path,
            detail="In the repo's info but not in its tree." if path in in_info else "In the tree, not in the info.",
        )
        for path in sorted(in_info ^ in_tree)
    ]


def _fetch(
    origin: Origin, accepted: list[ListedFile], options: SourceOptions, progress: Progress
) -> tuple[tuple[ArtifactFile, ...], list[Irregularity]]:
    def stays(file: ListedFile) -> bool:
        return options.metadata_only and (is_weights(file.path) or file.size > options.limits.memory_file_bytes)

    wanted = [file for file in accepted if not stays(file)]
    refuse_full_disk(origin, wanted)
    got = download(origin, wanted, jobs=options.jobs, progress=progress)
    files = [each for each in got if isinstance(each, ArtifactFile)]
    files += [read_by_range(origin, file) for file in accepted if stays(file)]
    lost = [each for each in got if isinstance(each, Irregularity)]
    return tuple(sorted(files, key=lambda file: file.path.as_posix())), lost


def _open_cached(reference: Reference, cache_dir: Path, options: SourceOptions, progress: Progress) -> Artifact:
    """Open the snapshot that the cache holds, without asking the Hub."""
    what = printable(str(reference))
    snapshot = _snapshot(reference, cache_dir, what)
    listed = remembered_tree(reference.name, snapshot.name, cache_dir)
    absent = [file for path, file in listed.items() if not snapshot.joinpath(path).is_file()]
    if not all(is_excluded(file.path, options.exclude) for file in absent):
        raise NotFoundError(f"the cache holds only a part of {what}", hint="run again without --offline")
    try:
        local = read_folder(snapshot, options, progress, absent)
    except InputError as error:
        raise type(error)(f"{error.message} (the cache's snapshot of {what})", hint=error.hint) from None
    declared = read_declared(local.files, (), options.limits)
    return Artifact(
        reference=reference,
        kind=declared.kind,
        files=local.files,
        card=declared.card,
        lineage=declared.lineage,
        irregularities=(*local.irregularities, *declared.irregularities),
        exclude=options.exclude,
        excluded=tuple(listed.get(file.path, file) for file in local.excluded),
        offline=True,
        cached_commit=snapshot.name,
    )


def _snapshot(reference: Reference, cache_dir: Path, what: str) -> Path:
    """Give the folder where the cache holds a reference, whole or in part; it is named by the commit.

    Raises:
        NotFoundError: When it holds nothing of it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    install()
    try:
        found = snapshot_download(
            reference.name, revision=reference.revision or None, cache_dir=cache_dir, local_files_only=True
        )
    except IncompleteSnapshotError as error:
        found = error.snapshot_path
    except (LocalEntryNotFoundError, OSError):
        raise NotFoundError(f"the cache does not hold {what}", hint="run once without --offline") from None
    return Path(found)
