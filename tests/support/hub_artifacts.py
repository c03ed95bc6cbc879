"""Artifacts as plain values, for checks that look at where they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.artifact import (
    Artifact,
    ArtifactFile,
    CommitInfo,
    Kind,
    LineageClaim,
    ListedFile,
    PlatformRecord,
    Reference,
    Scheme,
)
from gatekeeper.checks import Check, Context, inspect
from gatekeeper.decision import Action
from gatekeeper.evidence import CheckResult, Status
from gatekeeper.hashing import MemoryContent
from gatekeeper.lock import LockedFile, LockedModel
from tests.support.locks import digest_of_files

NOW = datetime(2026, 11, 1, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTEXT = Context(
    now=NOW,
    trusted_publishers=frozenset({"Acme-Models", "google"}),
    denied_publishers=frozenset({"mallory"}),
    allowed_licences=frozenset({"apache-2.0", "mit"}),
    refused_licences=frozenset({"cc-by-nc-4.0", "GPL-3.0"}),
)
SAFE = {
    "status": "safe",
    "avScan": {"status": "safe"},
    "pickleImportScan": {"status": "unscanned"},
    "virusTotalScan": {"status": "safe"},
}


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def file(path: str, data: bytes = b"data", *, hashed: bool = True, lfs: bool = True) -> ArtifactFile:
    return ArtifactFile(
        path=PurePosixPath(path),
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest() if hashed else None,
        git_sha1=git_sha1(data) if hashed and not lfs else None,
        content=MemoryContent(data),
    )


def listed(path: str, data: bytes = b"data", *, lfs: bool = True, security: Any = SAFE) -> ListedFile:
    return ListedFile(
        path=path,
        size=len(data),
        git_oid="f" * 40 if lfs else git_sha1(data),
        lfs_sha256=hashlib.sha256(data).hexdigest() if lfs else None,
        security=security,
    )


def commit(*authors: str, days_ago: float = 1, id: str = COMMIT) -> CommitInfo:
    return CommitInfo(id=id, title="Upload", date=NOW - timedelta(days=days_ago), authors=authors)


def platform(**changes: Any) -> PlatformRecord:
    record = PlatformRecord(
        endpoint="https://hub.example",
        requested_id="acme-models/tiny",
        returned_id="acme-models/tiny",
        requested_revision=COMMIT,
        commit=COMMIT,
        listed=(listed("model.safetensors"), listed("README.md", lfs=False)),
        siblings=("README.md", "model.safetensors"),
        author="acme-models",
        created_at=NOW - timedelta(days=400),
        last_modified=NOW - timedelta(days=3),
        tags=("license:mit",),
        scan={"scansDone": True, "filesWithIssues": []},
        commits=(commit("ann"), commit("ben", days_ago=300)),
        publisher_verified=True,
    )
    return replace(record, **changes)


def hub(
    name: str = "acme-models/tiny",
    *,
    revision: str = COMMIT,
    record: PlatformRecord | None = None,
    kind: Kind = Kind.MODEL,
    card: Mapping[str, Any] | None = None,
    lineage: tuple[LineageClaim, ...] = (),
    files: tuple[ArtifactFile, ...] | None = None,
    **changes: Any,
) -> Artifact:
    """Give an artifact against which no check has anything to say, but for `changes`."""
    return Artifact(
        reference=Reference(scheme=Scheme.HUB, name=name, revision=revision),
        kind=kind,
        files=(file("README.md", lfs=False), file("model.safetensors")) if files is None else files,
        platform=record or platform(requested_id=name, returned_id=name, requested_revision=revision),
        card={"license": "mit"} if card is None else card,
        lineage=lineage,
        **changes,
    )


def offline(name: str = "acme-models/tiny", **changes: Any) -> Artifact:
    return replace(hub(name, **changes), platform=None, offline=True)


def folder(*, kind: Kind = Kind.MODEL, scheme: Scheme = Scheme.FOLDER, **changes: Any) -> Artifact:
    artifact = Artifact(
        reference=Reference(scheme=scheme, name="./models/tiny"),
        kind=kind,
        files=(file("model.safetensors"),),
    )
    return replace(artifact, **changes)


def locked(artifact: Artifact, **changes: Any) -> LockedModel:
    """Give the entry of a lock that pins exactly this artifact, but for `changes`."""
    files = tuple(LockedFile(path=str(file.path), size=file.size, sha256=file.sha256 or "") for file in artifact.files)
    entry = LockedModel(
        id=artifact.reference.name,
        commit=artifact.commit or COMMIT,
        digest=digest_of_files(files),
        kind=artifact.kind,
        files=files,
        policy=f"sha256:{'a' * 64}",
        verdict=Action.ALLOW,
        decided_at=NOW,
    )
    return replace(entry, **changes)


def claim(base: str, said_by: str = "card", revision: str = "", relation: str = "") -> LineageClaim:
    return LineageClaim(base=base, said_by=said_by, revision=revision, relation=relation)


def slugs(result: CheckResult) -> list[str]:
    """Give the rules that fired, in order; the check must not have crashed."""
    assert not crashed(result), result.reason
    return [finding.id.removeprefix(result.check.id + "/") for finding in result.findings]


def crashed(result: CheckResult) -> bool:
    """Whether the check raised: such a result is unknown and has neither gaps nor facts."""
    return result.status is Status.UNKNOWN and not result.gaps


def run(check: Check, artifact: Artifact, context: Context = CONTEXT) -> CheckResult:
    return inspect(check, artifact, context)
