"""Holds the files that graphs take their tensors from against those that are there."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator
from pathlib import PurePosixPath

from gatekeeper.artifact import Artifact, ArtifactFile, Scheme
from gatekeeper.checks.onnx.problems import LooseFile, Problem
from gatekeeper.checks.onnx.structure_external import escapes
from gatekeeper.evidence import Gap
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_CHUNK = 2**20


def judge_loose(loose: LooseFile, graph: PurePosixPath, artifact: Artifact, limits: Limits) -> Iterator[Problem | Gap]:
    """Judge one file beside a graph.

    Args:
        loose: What the graph says of it.
        graph: Path of the graph.
        artifact: The files that there are.
        limits: `onnx_checksum_bytes` bounds what is read.

    Yields:
        What is wrong, and what could not be looked at.
    """
    shown = printable(loose.location, 100)
    if escapes(loose.location):
        yield Problem(slug="external-escape", message=f"its tensors lie in {shown!r}", detail=shown)
        return
    path = posixpath.normpath(str(graph.parent / loose.location))
    if path == str(graph):
        yield Problem(slug="external-itself", message="its tensors lie in the file of the graph itself", detail=shown)
        return
    file = artifact.file(path)
    if file is None:
        yield _absent(path, shown, graph, artifact)
        return
    if file.size < loose.end:
        message = f"its tensors reach to byte {loose.end:,} of {shown!r}, which has {file.size:,}"
        yield Problem(slug="external-bounds", message=message, detail=shown)
    elif loose.checksum:
        yield from _judge_checksum(loose, file, shown, graph, limits)


def _absent(path: str, shown: str, graph: PurePosixPath, artifact: Artifact) -> Problem | Gap:
    if artifact.reference.scheme is Scheme.FILE:
        return Gap(reason=f"its tensors lie in {shown!r} beside it, and one file alone was given", path=str(graph))
    if any(left.path == path for left in artifact.excluded):
        return Gap(reason=f"its tensors lie in {shown!r}, which was left out", path=str(graph))
    message = f"its tensors lie in {shown!r}, which is not there"
    return Problem(slug="external-missing", message=message, detail=shown)


def _judge_checksum(
    loose: LooseFile, file: ArtifactFile, shown: str, graph: PurePosixPath, limits: Limits
) -> Iterator[Problem | Gap]:
    if file.sha256 is None or file.size > limits.onnx_checksum_bytes:
        why = "was not downloaded" if file.sha256 is None else f"is larger than {limits.onnx_checksum_bytes:,} bytes"
        yield Gap(
            reason=f"the graph gives a checksum for {shown!r}, which {why} (onnx_checksum_bytes)", path=str(graph)
        )
        return
    digest = hashlib.sha1(usedforsecurity=False)
    with file.content.open() as reader:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != loose.checksum:
        message = f"{shown!r} has another SHA-1 than the graph says"
        yield Problem(slug="external-checksum", message=message, detail=shown)
