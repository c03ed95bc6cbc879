"""Artifacts for tests of the file checks: from bytes in memory or from a folder, without the sources room."""

from __future__ import annotations

import atexit
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from gatekeeper.artifact import Artifact, ArtifactFile, Kind, Reference, Scheme
from gatekeeper.checks.check import Check, Context, inspect
from gatekeeper.checks.files import scanner_server
from gatekeeper.confined import Server
from gatekeeper.errors import LimitError
from gatekeeper.evidence import CheckResult

CONTEXT = Context(now=datetime(2026, 11, 23, tzinfo=UTC))


@dataclass
class MemoryContent:
    """Bytes that never change unless a test says so."""

    data: bytes
    same: bool = True

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)

    def read(self, limit: int) -> bytes:
        if len(self.data) > limit:
            raise LimitError("too large")
        return self.data

    def unchanged(self) -> bool:
        return self.same


@dataclass
class PathContent:
    """A file on disk."""

    path: Path

    def open(self) -> BinaryIO:
        return self.path.open("rb")

    def read(self, limit: int) -> bytes:
        if self.path.stat().st_size > limit:
            raise LimitError("too large")
        return self.path.read_bytes()

    def unchanged(self) -> bool:
        return True


def artifact(files: Mapping[str, bytes], **fields: Any) -> Artifact:
    """Build an artifact from paths and bytes."""
    entries = tuple(
        ArtifactFile(
            path=PurePosixPath(path),
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            content=MemoryContent(data),
        )
        for path, data in sorted(files.items())
    )
    return _artifact(entries, fields)


def folder_artifact(root: Path, **fields: Any) -> Artifact:
    """Build an artifact from everything below a folder."""
    entries = tuple(
        ArtifactFile(
            path=PurePosixPath(path.relative_to(root).as_posix()),
            size=path.stat().st_size,
            sha256=hashlib.sha256(str(path).encode()).hexdigest(),
            content=PathContent(path),
        )
        for path in sorted(root.rglob("*"))
        if path.is_file()
    )
    return _artifact(entries, fields)


@cache
def shared_scanners(entry: str = "gatekeeper.checks.files.child:scan") -> Server:
    """Give one process of scanners for all that is looked at here: it forks a fresh child for each job.

    Args:
        entry: What runs in the children.
    """
    server = scanner_server(entry)
    atexit.register(server.__exit__, None, None, None)
    return server.__enter__()


def look(check: Check, files: Mapping[str, bytes] | Artifact, **limits: Any) -> CheckResult:
    """Run one check as the gate does."""
    subject = files if isinstance(files, Artifact) else artifact(files)
    limited = replace(CONTEXT.limits, **limits)
    return inspect(check, subject, replace(CONTEXT, limits=limited, scanner_server=shared_scanners()))


def slugs(result: CheckResult) -> set[str]:
    """Give the rule slugs of a result's findings."""
    return {finding.id.rsplit("/", 1)[1] for finding in result.findings}


def _artifact(entries: tuple[ArtifactFile, ...], fields: dict[str, Any]) -> Artifact:
    values: dict[str, Any] = {"reference": Reference(scheme=Scheme.FOLDER, name="sample"), "kind": Kind.MODEL}
    return Artifact(files=entries, **{**values, **fields})
