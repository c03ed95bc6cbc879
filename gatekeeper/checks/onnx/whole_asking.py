"""Asks a confined child to run whole graphs, and reads its answer strictly."""

from __future__ import annotations

import json
import weakref
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from time import monotonic

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Context
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx.analysis import Analysis, analyses, answer_name
from gatekeeper.checks.onnx.answers import from_data
from gatekeeper.checks.onnx.confirm_asking import LIBRARIES, WARM, installed
from gatekeeper.checks.onnx.reference_analysis import path_beside
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.checks.onnx.whole import Whole
from gatekeeper.confined import Bounds, Server
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.text import printable

_ENTRY = "gatekeeper.checks.onnx.whole_run:run"
_TEXT = 16_384
_ITEMS = 100
_REASON = 500
_MIB = 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What is known of one graph that was to be run."""

    path: str
    whole: Whole | None = None
    trouble: str = ""
    """Why it was not run; empty when it was."""


def ran(artifact: Artifact, context: Context) -> tuple[Ran, ...]:
    """Run every graph of an artifact; done once per artifact, however many checks ask.

    Args:
        artifact: Where to look.
        context: Limits (`onnx_deep_*`, `scan_seconds`), the cache of results, and whom to tell of long work. Nothing
            is run unless it says `deep`.
    """
    key = id(artifact)
    if key not in _KNOWN:
        _KNOWN[key] = _run(artifact, context) if context.deep else ()
        weakref.finalize(artifact, _KNOWN.pop, key, None)
    return _KNOWN[key]


_KNOWN: dict[int, tuple[Ran, ...]] = {}


def _run(artifact: Artifact, context: Context) -> tuple[Ran, ...]:
    graphs = analyses(artifact, context)
    files = {str(file.path): file for file in graph_files(artifact, context.limits)}
    with ExitStack() as resources:
        asking = _Asking(artifact, context, resources.enter_context(Server(_ENTRY, WARM)))
        advance = resources.enter_context(context.progress.task("running graphs", len(graphs), "files"))
        found = []
        for graph in graphs:
            found.append(asking.ask(graph, files[graph.path]))
            advance(1)
        return tuple(found)


class _Asking:
    def __init__(self, artifact: Artifact, context: Context, server: Server) -> None:
        self._artifact = artifact
        self._results = context.results
        self._limits = context.limits
        self._server = server
        self._deadline = monotonic() + context.limits.scan_seconds

    def ask(self, graph: Analysis, file: ArtifactFile) -> Ran:
        try:
            return Ran(path=graph.path, whole=self._whole(graph, file))
        except GraphError as error:
            return Ran(path=graph.path, trouble=f"not run as a whole: {error}")
        except (SourceError, ContentChangedError, OSError) as error:
            return Ran(path=graph.path, trouble=f"can't be read: {printable(str(error), _REASON)}")

    def _whole(self, graph: Analysis, file: ArtifactFile) -> Whole:
        if not installed():
            raise GraphError("onnxruntime is not installed (extra deep)")
        beside = self._beside(graph)
        sizes = file.size + sum(other.size for _, other in beside)
        if file.sha256 is None or any(other.sha256 is None for _, other in beside):
            raise GraphError("it was not downloaded")
        if sizes > self._limits.onnx_deep_bytes:
            most = self._limits.onnx_deep_bytes // _MIB
            raise GraphError(f"with its weights it has {sizes // _MIB:,} MiB, more than onnx_deep_bytes ({most:,} MiB)")
        digests = " ".join(f"{location} {other.sha256}" for location, other in beside)
        name = answer_name(self._limits, LIBRARIES, whole=file.sha256, size=file.size, beside=digests)
        known = self._results.get(name) if self._results else None
        if known is not None:
            try:
                said = _read(known)
                if isinstance(said, Whole):
                    return said
            except ValueError:
                pass  # made by other code: asked again
        output = self._asked(file, beside)
        try:
            found = _read(output)
        except ValueError as error:
            raise GraphError("its child answered nonsense") from error
        if isinstance(found, str):
            raise GraphError(found)
        if self._results:
            self._results.put(name, output)
        return found

    def _beside(self, graph: Analysis) -> list[tuple[str, ArtifactFile]]:
        """Give the files that its tensors lie in, as the graph calls them.

        Raises:
            GraphError: When one is not there, or it is not known which they are.
        """
        if graph.structure is None:
            raise GraphError(graph.troubles.get("structure", "it was not read"))
        found = []
        for loose in graph.structure.loose:
            other = self._artifact.file(path_beside(graph.path, loose.location))
            if other is None or other.size < loose.end:
                raise GraphError("tensors lie in a file that is not in its folder, or beyond its end")
            found.append((loose.location, other))
        return found

    def _asked(self, file: ArtifactFile, beside: list[tuple[str, ArtifactFile]]) -> bytes:
        files = [[location, other.size] for location, other in beside]
        head = {"limits": asdict(self._limits), "length": file.size, "files": files}
        request = bytearray(json.dumps(head).encode() + b"\n")
        for one in (file, *(other for _, other in beside)):
            with one.content.open() as reader:
                request += reader.read(one.size)
        ending = self._server.run(bytes(request), self._bounds(), None, ())
        if ending.error:
            raise GraphError(f"its child: {ending.error}")
        return ending.output

    def _bounds(self) -> Bounds:
        return Bounds(
            cpu_seconds=self._limits.onnx_deep_cpu_seconds,
            wall_seconds=min(
                self._limits.onnx_deep_cpu_seconds + self._limits.onnx_wall_seconds,
                max(0.0, self._deadline - monotonic()),
            ),
            memory_bytes=self._limits.onnx_deep_memory_bytes,
            file_bytes=0,
            output_bytes=self._limits.child_output_bytes,
        )


def _read(output: bytes) -> Whole | str:
    """Read an answer, or why the graph can't be run.

    Raises:
        ValueError: When it has another shape.
    """
    try:
        said = json.loads(output)
        if said.keys() == {"value"}:
            return from_data(Whole, said["value"], texts=_TEXT, items=_ITEMS)
        if said.keys() == {"error"}:
            return printable(from_data(str, said["error"], texts=_TEXT, items=0), _REASON)
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError("not the shape of an answer") from error
    raise ValueError("not the shape of an answer")
