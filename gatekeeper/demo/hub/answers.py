"""The JSON that the Hub's API answers with, field by field as the real one names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.demo.hub.faults import Faults
from gatekeeper.demo.hub.repos import HubFile, HubRepo

_SCANNERS = ("jFrogScan", "protectAiScan", "avScan", "pickleImportScan", "virusTotalScan")
_WORST_FIRST = ("unsafe", "suspicious", "caution", "error", "queued", "unscanned", "safe")
_FLAGGED = frozenset({"unsafe", "suspicious", "caution"})


def info(repo: HubRepo, commit: str, faults: Faults, *, blobs: bool, security: bool) -> dict[str, Any]:
    """Answer `/api/models/{id}[/revision/{rev}]`."""
    tree = repo.trees[commit]
    answer: dict[str, Any] = {
        "_id": hashlib.sha256(repo.id.encode()).hexdigest()[:24],
        "id": repo.id,
        "modelId": repo.id,
        "author": repo.id.split("/")[0],
        "sha": faults.commit or commit,
        "private": repo.private,
        "gated": repo.gated or False,
        "disabled": repo.disabled,
        "createdAt": _time(repo.created_at),
        "lastModified": _time(repo.commits[commit].date),
        "downloads": 1,
        "likes": 0,
        "tags": list(repo.tags),
        "cardData": dict(repo.card),
        "config": {},
        "usedStorage": sum(file.size for file in tree.values()),
        "spaces": [],
        "siblings": [_sibling(file, blobs) for path, file in tree.items() if path not in faults.without_siblings],
    }
    if security and repo.scanned:
        answer["securityRepoStatus"] = _repo_scan(repo, tree.values(), faults)
    return answer


def tree(repo: HubRepo, commit: str, faults: Faults, *, under: str, recursive: bool, expand: bool) -> list[Any]:
    """Answer `/api/models/{id}/tree/{rev}[/{path}]`, all pages of it."""
    prefix = f"{under}/" if under else ""
    files = [file for path, file in repo.trees[commit].items() if path.startswith(prefix)]
    folders = sorted({str(parent) for file in files for parent in PurePosixPath(file.path).parents} - {"."})
    entries = [_folder(name) for name in folders if name.startswith(prefix)]
    entries += [entry(repo, commit, file, faults, expand=expand) for file in files]
    if not recursive:
        entries = [each for each in entries if "/" not in each["path"].removeprefix(prefix)]
    return entries + [dict(extra) for extra in faults.extra_entries]


def entry(repo: HubRepo, commit: str, file: HubFile, faults: Faults, *, expand: bool) -> dict[str, Any]:
    """Describe one file as trees and `paths-info` do."""
    answer: dict[str, Any] = {"type": "file", "oid": file.oid, "size": file.size, "path": file.path}
    if file.in_lfs:
        answer["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": len(file.pointer)}
    if expand:
        made = repo.commits[commit]
        answer["lastCommit"] = {"id": commit, "title": made.title, "date": _time(made.date)}
        if repo.scanned:
            answer["securityFileStatus"] = _file_scan(repo, file, faults)
    return answer


def commits(repo: HubRepo, commit: str) -> list[dict[str, Any]]:
    """Answer `/api/models/{id}/commits/{rev}`, all pages of it."""
    return [
        {
            "id": oid,
            "title": made.title,
            "message": made.message,
            "authors": [{"user": author, "avatar": ""} for author in made.authors],
            "date": _time(made.date),
        }
        for oid, made in repo.log(commit)
    ]


def refs(repo: HubRepo, *, pull_requests: bool) -> dict[str, Any]:
    """Answer `/api/models/{id}/refs`."""
    heads = {name: ids[-1] for name, ids in repo.history.items()}
    answer: dict[str, Any] = {
        "branches": [_ref(name, f"refs/heads/{name}", oid) for name, oid in heads.items() if "refs/" not in name],
        "converts": [],
        "tags": [_ref(tag, f"refs/tags/{tag}", repo.resolve(tag) or "") for tag in repo.versions],
    }
    if pull_requests:
        answer["pullRequests"] = [
            _ref(name.rsplit("/", 1)[-1], name, oid) for name, oid in heads.items() if name.startswith("refs/pr/")
        ]
    return answer


def organisation(name: str, *, verified: bool) -> dict[str, Any]:
    """Answer `/api/organizations/{name}/overview`."""
    return {"name": name, "fullname": name, "avatarUrl": "", "isVerified": verified, "plan": "enterprise"}


def _ref(name: str, ref: str, oid: str) -> dict[str, str]:
    return {"name": name, "ref": ref, "targetCommit": oid}


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "oid": hashlib.sha256(path.encode()).hexdigest()[:40], "size": 0, "path": path}


def _sibling(file: HubFile, blobs: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"rfilename": file.path}
    if blobs:
        answer |= {"size": file.size, "blobId": file.oid}
        if file.in_lfs:
            # NOTE: the digest's key is `sha256` here and `oid` in trees, as on the real Hub.
            answer["lfs"] = {"sha256": file.sha256, "size": file.size, "pointerSize": len(file.pointer)}
    return answer


def _statuses(repo: HubRepo, path: str, faults: Faults) -> dict[str, str]:
    usual = "queued" if faults.scan_pending else "safe"
    said = {**repo.scans.get(path, {}), **faults.scans.get(path, {})}
    return {scanner: said.get(scanner, usual) for scanner in _SCANNERS}


def _worst(statuses: Mapping[str, str]) -> str:
    return min(statuses.values(), key=_WORST_FIRST.index)


def _file_scan(repo: HubRepo, file: HubFile, faults: Faults) -> dict[str, Any]:
    statuses = _statuses(repo, file.path, faults)
    return {
        "status": _worst(statuses),
        **{name: {"status": status, "version": "0.0.0"} for name, status in statuses.items()},
    }


def _repo_scan(repo: HubRepo, files: Iterable[HubFile], faults: Faults) -> dict[str, Any]:
    worst = {file.path: _worst(_statuses(repo, file.path, faults)) for file in files}
    issues = [{"path": path, "level": status} for path, status in worst.items() if status in _FLAGGED]
    return {"scansDone": not faults.scan_pending, "filesWithIssues": issues}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
