"""Computational graphs in other formats than ONNX, of which no more than the operators is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gatekeeper.artifact import Artifact
from gatekeeper.checks.files.formats import UNJUDGED, Format
from gatekeeper.checks.files.identify import identities
from gatekeeper.limits import DEFAULT_LIMITS, Limits

_TOLD: Mapping[Format, str] = MappingProxyType(
    {
        Format.TFLITE: "a TFLite graph",
        Format.COREML: "a Core ML model",
        Format.OPENVINO_XML: "an OpenVINO graph",
        Format.SAVED_MODEL: "a TensorFlow graph",
        Format.FROZEN_GRAPH: "a TensorFlow graph",
    }
)
"""Formats whose operators some check judges, and nothing else says that it judges no more than these."""

_TOLD_ELSEWHERE = frozenset({Format.TORCHSCRIPT}) | (
    frozenset({Format.TEXT_GRAPH, Format.ORT, Format.PT2, Format.EXECUTORCH}) & UNJUDGED.keys()
)
"""The same, where `files/model-code` or `files/coverage` says it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherGraph:
    """A file with a graph that no check follows from input to output."""

    path: str
    reason: str
    """Why nobody knows what it computes; empty where another check says so."""


def other_graphs(artifact: Artifact, limits: Limits = DEFAULT_LIMITS) -> tuple[OtherGraph, ...]:
    """Give every file that is a graph in another format than ONNX.

    Args:
        artifact: Where to look.
        limits: In force.
    """
    found = []
    for identity in identities(artifact, limits):
        what = _TOLD.get(identity.format, "")
        if what or identity.format in _TOLD_ELSEWHERE:
            reason = f"no check follows what {what} computes, beyond its operators" if what else ""
            found.append(OtherGraph(path=str(identity.file.path), reason=reason))
    return tuple(found)
