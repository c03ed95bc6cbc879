"""Which files are ONNX graphs, for the room that judges these."""

from __future__ import annotations

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.identify import identities
from gatekeeper.checks.files.names import suffix
from gatekeeper.limits import DEFAULT_LIMITS, Limits

_NOTHING = frozenset({Format.EMPTY, Format.LFS_POINTER})


def graph_files(artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> tuple[ArtifactFile, ...]:
    """Give every file that is an ONNX graph by its bytes, whatever it is called, or by its name alone.

    A runtime goes by the name that it is given: what is called a graph and does not look like one is among them.

    Args:
        artifact: Where to look.
        limits: In force.
    """
    return tuple(
        identity.file
        for identity in identities(artifact, limits)
        if identity.format is Format.ONNX or (suffix(identity.file.path) == ".onnx" and identity.format not in _NOTHING)
    )
