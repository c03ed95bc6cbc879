"""The Hub's JSON → what it says about a repo. Shapes are checked, nothing is believed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gatekeeper.artifact import CommitInfo, ListedFile
from gatekeeper.errors import AccessError, LimitError, NotFoundError, SourceError
from gatekeeper.limits import Limits
from gatekeeper.sources.client import HubClient
from gatekeeper.sources.failures import nonsense

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RepoInfo:
    """The answer for a repo at a revision."""

    id: str
    commit: str
    """Forty hexadecimal digits."""

    siblings: tuple[str, ...]
    author: str
    gated: str
    """Empty, `auto` or `manual`."""

    private: bool
    created_at: datetime | None
    last_modified: datetime | None
    tags: tuple[str, ...]
    scan: Mapping[str, Any] | None
    """`securityRepoStatus`, raw."""


def fetch_info(client: HubClient, name: str, revision: str, *, what: str) -> RepoInfo:
    """Ask for a repo's info at a revision; empty means the default branch.

    Raises:
        SourceError: When the Hub can't be reached, fails or answers something else.
        NotFoundError: When there is no such repo or revision.
        AccessError: When the token at hand may not see it.
    """
    front = ("api", "models", name)
    url = client.url(*front, "revision", revision) if revision else f"{client.endpoint}/api/models/{name}"
    raw, _ = client.json(url, {"securityStatus": "true", "blobs": "true"}, what=what)
    try:
        return _info(raw)
    except _ShapeError as error:
        raise nonsense(what, str(error)) from None


def fetch_tree(client: HubClient, name: str, commit: str, *, what: str) -> tuple[ListedFile, ...]:
    """List every file at a commit, as the Hub orders them.

    Raises:
        SourceError: As `fetch_info`, and when a path is listed twice.
        LimitError: When there are more pages or files than the limits allow.
    """
    url: str = client.url("api", "models", name, "tree", commit)
    params = {"recursive": "true", "expand": "true"}
    listed: dict[str, ListedFile] = {}
    for _ in range(client.limits.listing_pages):
        page, following = client.json(url, params, what=what)
        try:
            for file in _tree(page):
                if file.path in listed:
                    raise _ShapeError(f"path {file.path!r} is listed twice")
                listed[file.path] = file
        except _ShapeError as error:
            raise nonsense(what, str(error)) from None
        _refuse_many(len(listed), client.limits)
        if not following:
            return tuple(listed.values())
        url, params = following, {}
    raise LimitError(f"the listing of {what} has more than {client.limits.listing_pages} pages (limit listing_pages)")


def fetch_commits(client: HubClient, name: str, commit: str, *, what: str) -> tuple[CommitInfo, ...] | None:
    """Ask for the first page of the history up to a commit; None when the Hub does not tell.

    Raises:
        SourceError: When the Hub can't be reached or fails.
    """
    try:
        page, _ = client.json(client.url("api", "models", name, "commits", commit), {}, what=what)
    except (NotFoundError, AccessError):
        return None
    try:
        return tuple(_commit(each) for each in _expect(list, page, "the history"))
    except _ShapeError as error:
        raise nonsense(what, str(error)) from None


def fetch_verified(client: HubClient, publisher: str, *, what: str) -> bool | None:
    """Ask whether a publisher is a verified organisation; None when it is a user or the Hub does not tell."""
    try:
        raw, _ = client.json(client.url("api", "organizations", publisher) + "/overview", {}, what=what)
    except (NotFoundError, AccessError, SourceError, LimitError):
        return None
    verified = raw.get("isVerified") if isinstance(raw, dict) else None
    return verified if isinstance(verified, bool) else None


def fetch_revisions(client: HubClient, name: str, *, what: str) -> tuple[str, ...]:
    """Ask for the names of branches and tags; empty when the Hub does not tell."""
    try:
        raw, _ = client.json(client.url("api", "models", name, "refs"), {}, what=what)
    except (NotFoundError, AccessError, SourceError, LimitError):
        return ()
    groups = (raw.get(group) for group in ("branches", "tags")) if isinstance(raw, dict) else ()
    refs = [ref for group in groups if isinstance(group, list) for ref in group if isinstance(ref, dict)]
    return tuple(ref["name"] for ref in refs if isinstance(ref.get("name"), str))


class _ShapeError(ValueError):
    """A document that is not of the shape that the API promises."""


def _info(raw: Any) -> RepoInfo:
    data = _expect(dict, raw, "the repo's info")
    commit = _expect(str, data.get("sha"), "sha")
    if not _COMMIT.fullmatch(commit):
        raise _ShapeError(f"sha is {commit[:80]!r}, not forty hexadecimal digits")
    siblings = [_expect(dict, each, "a sibling") for each in _expect(list, data.get("siblings", []), "siblings")]
    gated, scan = data.get("gated"), data.get("securityRepoStatus", data.get("securityStatus"))
    return RepoInfo(
        id=_expect(str, data.get("id", data.get("modelId")), "id"),
        commit=commit,
        siblings=tuple(_expect(str, each.get("rfilename"), "rfilename") for each in siblings),
        author=data["author"] if isinstance(data.get("author"), str) else "",
        gated=gated if isinstance(gated, str) else "manual" if gated is True else "",
        private=data.get("private") is True,
        created_at=_moment(data.get("createdAt")),
        last_modified=_moment(data.get("lastModified")),
        tags=tuple(tag for tag in _expect(list, data.get("tags") or [], "tags") if isinstance(tag, str)),
        scan=scan if isinstance(scan, dict) else None,
    )


def _tree(raw: Any) -> Iterator[ListedFile]:
    for each in _expect(list, raw, "the tree"):
        entry = _expect(dict, each, "an entry of the tree")
        path = _expect(str, entry.get("path"), "path")
        if entry.get("type") != "directory":
            yield _listed(path, entry)


def _listed(path: str, entry: dict[str, Any]) -> ListedFile:
    oid = _expect(str, entry.get("oid"), "oid")
    if not _COMMIT.fullmatch(oid):
        raise _ShapeError(f"oid of {path!r} is not forty hexadecimal digits")
    lfs, security = entry.get("lfs"), entry.get("securityFileStatus")
    sha256 = _expect(str, _expect(dict, lfs, "lfs").get("oid"), "lfs.oid") if lfs is not None else None
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise _ShapeError(f"lfs.oid of {path!r} is not 64 hexadecimal digits")
    size = _expect(int, (lfs or entry).get("size"), "size")
    if isinstance(size, bool) or size < 0:
        raise _ShapeError(f"size of {path!r} is {size}")
    return ListedFile(
        path=path,
        size=size,
        git_oid=oid,
        lfs_sha256=sha256,
        security=security if isinstance(security, dict) else None,
    )


def _commit(raw: Any) -> CommitInfo:
    data = _expect(dict, raw, "a commit")
    authors = [each.get("user") for each in _expect(list, data.get("authors"), "authors") if isinstance(each, dict)]
    return CommitInfo(
        id=_expect(str, data.get("id"), "the id of a commit"),
        title=data["title"] if isinstance(data.get("title"), str) else "",
        date=_moment(data.get("date")),
        authors=tuple(author for author in authors if isinstance(author, str)),
    )


def _moment(value: Any) -> datetime | None:
    """Read an ISO 8601 time; None when it is none. Times without a zone are taken as UTC."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _expect(kind: type, value: Any, what: str) -> Any:
    if not isinstance(value, kind):
        raise _ShapeError(f"{what} is {type(value).__name__}, not {kind.__name__}")
    return value


def _refuse_many(count: int, limits: Limits) -> None:
    if count > limits.max_files:
        raise LimitError(f"the repo lists more than {limits.max_files} files (limit max_files)")
