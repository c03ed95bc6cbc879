"""Every ONNX graph of an artifact, analysed once in a confined child; each check of the room takes its share."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from time import monotonic
from types import MappingProxyType
from typing import Any

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Context
from gatekeeper.checks.files import code_digest, graph_files, library_versions
from gatekeeper.checks.onnx.answers import from_data
from gatekeeper.checks.onnx.outline import Outline
from gatekeeper.checks.onnx.problems import Structure
from gatekeeper.checks.onnx.skeleton import Skeleton, skeleton
from gatekeeper.checks.onnx.suspicion import Suspicion
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.confined import Bounds, Ending, Server
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_ENTRY = "gatekeeper.checks.onnx.child:analyse"
WARM = ("numpy", "onnx", "onnx.numpy_helper")
"""What every child of this room imports."""

_LIBRARIES = ("onnx", "numpy", "protobuf", "ml-dtypes")
"""Distributions whose code an answer depends on."""

_TEXT = 16_384
_ITEMS = 100_000
_REASON = 500
_NONSENSE = "its analysis answered nonsense"

READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "outline": partial(from_data, Outline, texts=_TEXT, items=_ITEMS),
        "structure": partial(from_data, Structure, texts=_TEXT, items=_ITEMS),
        "taint": partial(from_data, tuple[Suspicion, ...], texts=_TEXT, items=_ITEMS),
    }
)
"""Part → what reads its answer strictly; the parts of `child.PARTS`, in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Analysis:
    """What is known of one graph."""

    path: str
    parts: Mapping[str, Any] = field(default_factory=dict)
    """Part → what it said; a part that could not look is not there."""

    troubles: Mapping[str, str] = field(default_factory=dict)
    """Part → why it could not look."""

    @property
    def outline(self) -> Outline | None:
        """The graph as a whole; None when it could not be read."""
        return self.parts.get("outline")

    @property
    def structure(self) -> Structure | None:
        """Its hygiene; None when the file could not be parsed."""
        return self.parts.get("structure")

    @property
    def suspicions(self) -> tuple[Suspicion, ...] | None:
        """What decides about the input beside the trained layers; None when it could not be followed."""
        return self.parts.get("taint")


def analyses(artifact: Artifact, context: Context) -> tuple[Analysis, ...]:
    """Analyse every graph of an artifact; done once per artifact, however many checks ask.

    Args:
        artifact: Where to look.
        context: Limits, the cache of results, and whom to tell of long work.
    """
    key = id(artifact)
    if key not in _KNOWN:
        _KNOWN[key] = _Analysing(context).run(graph_files(artifact, context.limits))
        weakref.finalize(artifact, _KNOWN.pop, key, None)
    return _KNOWN[key]


_KNOWN: dict[int, tuple[Analysis, ...]] = {}


class _Analysing:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._limits = context.limits
        self._deadline = monotonic() + context.limits.scan_seconds

    def run(self, files: tuple[ArtifactFile, ...]) -> tuple[Analysis, ...]:
        if not files:
            return ()
        with ExitStack() as resources:
            # The process starts with the first job; when all answers are known, there is none.
            server = resources.enter_context(Server(_ENTRY, WARM))
            advance = resources.enter_context(self._context.progress.task("reading graphs", len(files), "files"))
            found = []
            for file in files:
                found.append(self._analyse(file, server))
                advance(1)
            return tuple(found)

    def _analyse(self, file: ArtifactFile, server: Server) -> Analysis:
        path = str(file.path)
        if file.sha256 is None:
            return _unknown(path, "not downloaded, so the graph was not read")
        name = self._name(file)
        known = self._context.results.get(name) if self._context.results else None
        if known is not None:
            try:
                return _read(path, known)[0]
            except ValueError:
                pass  # made by other code: asked again
        try:
            with file.content.open() as reader:
                model = skeleton(reader, file.size, self._limits)
        except GraphError as error:
            return _unknown(path, str(error))
        except (SourceError, ContentChangedError, OSError) as error:
            return _unknown(path, f"can't be read: {printable(str(error))}")
        ending = self._asked(model, server)
        if ending.error:
            return _unknown(path, f"the graph's child: {ending.error}")
        try:
            analysis, lasting = _read(path, ending.output)
        except ValueError:
            return _unknown(path, _NONSENSE)
        if lasting and self._context.results:
            self._context.results.put(name, ending.output)
        return analysis

    def _asked(self, model: Skeleton, server: Server) -> Ending:
        limits = self._limits
        bounds = bounds_of(limits, self._deadline)
        head = json.dumps({"limits": asdict(limits), "mark": model.mark}).encode()
        return server.run(head + b"\n" + model.data, bounds, None, ())

    def _name(self, file: ArtifactFile) -> str:
        return answer_name(self._limits, graph=file.sha256, size=file.size)


def bounds_of(limits: Limits, deadline: float) -> Bounds:
    """Give what a child of this room may cost.

    Args:
        limits: `onnx_cpu_seconds`, `onnx_wall_seconds` and `onnx_memory_bytes`.
        deadline: On the monotonic clock, in seconds: when all of them must be done.
    """
    return Bounds(
        cpu_seconds=limits.onnx_cpu_seconds,
        wall_seconds=min(limits.onnx_wall_seconds, max(0.0, deadline - monotonic())),
        memory_bytes=limits.onnx_memory_bytes,
        file_bytes=0,
        output_bytes=limits.child_output_bytes,
    )


def answer_name(limits: Limits, libraries: tuple[str, ...] = _LIBRARIES, **about: str | int | None) -> str:
    """Digest everything that an answer depends on.

    Args:
        limits: In force.
        libraries: Distributions whose code it depends on.
        about: Digests and sizes of what it is about.
    """
    given = {**about, "limits": asdict(limits), "code": code_digest(), "libraries": library_versions(libraries)}
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def _unknown(path: str, reason: str) -> Analysis:
    return Analysis(path=path, troubles=dict.fromkeys(READERS, reason))


def _read(path: str, output: bytes) -> tuple[Analysis, bool]:
    """Read an answer, and say whether the same bytes would get it again.

    Raises:
        ValueError: When it has another shape.
    """
    parts: dict[str, Any] = {}
    troubles: dict[str, str] = {}
    lasting = True
    lines = output.split(b"\n")
    if len(lines) != len(READERS) + 1 or lines[-1]:
        raise ValueError("not one line for each part")
    try:
        for (name, reader), line in zip(READERS.items(), lines, strict=False):
            said = json.loads(line)
            if said.keys() == {"part", "value"} and said["part"] == name:
                parts[name] = reader(said["value"])
            elif said.keys() == {"part", "error", "lasting"} and said["part"] == name:
                troubles[name] = printable(from_data(str, said["error"], texts=_TEXT, items=0), _REASON)
                lasting = lasting and from_data(bool, said["lasting"], texts=0, items=0)
            else:
                raise ValueError("no such part")
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError("not the shape of an answer") from error
    return Analysis(path=path, parts=parts, troubles=troubles), lasting
