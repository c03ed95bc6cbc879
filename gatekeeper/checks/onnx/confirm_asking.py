"""Asks a confined child to run the detectors behind a graph's suspicions, and reads its answer strictly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib import util
from time import monotonic

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Context
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx.analysis import Analysis, analyses, answer_name
from gatekeeper.checks.onnx.answers import from_data
from gatekeeper.checks.onnx.confirmation import Confirmation
from gatekeeper.checks.onnx.skeleton import skeleton
from gatekeeper.checks.onnx.suspicion import Suspicion
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.confined import Bounds, Server
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.text import printable

_RUNTIME = "onnxruntime"
_ENTRY = "gatekeeper.checks.onnx.confirm:confirm"
WARM = ("numpy", "onnx", "onnx.numpy_helper", _RUNTIME)
"""What every child that runs graphs imports."""

LIBRARIES = (_RUNTIME, "onnx", "numpy")
"""Distributions whose code its answers depend on."""

_TEXT = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmed:
    """What is known of one graph with suspicions."""

    path: str
    answers: tuple[tuple[Suspicion, Confirmation], ...] = ()
    trouble: str = ""
    """Why nothing was run; empty when it was."""


def installed() -> bool:
    """Tell whether onnxruntime is there; does not import it."""
    return util.find_spec(_RUNTIME) is not None


def suspected(artifact: Artifact, context: Context) -> tuple[Analysis, ...]:
    """Give the graphs in which the taint rule found something."""
    return tuple(graph for graph in analyses(artifact, context) if graph.suspicions)


def confirmed(artifact: Artifact, context: Context) -> Iterator[Confirmed]:
    """Run the detectors of every graph that has suspicions.

    Args:
        artifact: Where to look.
        context: `limits.onnx_confirm_*` bound the work for one graph, `limits.scan_seconds` all of it.
    """
    graphs = suspected(artifact, context)
    files = {str(file.path): file for file in graph_files(artifact, context.limits)}
    deadline = monotonic() + context.limits.scan_seconds
    with ExitStack() as resources:
        server = resources.enter_context(Server(_ENTRY, WARM))
        advance = resources.enter_context(context.progress.task("running detectors", len(graphs), "files"))
        for graph in graphs:
            yield _Asking(context, server, deadline).ask(graph, files[graph.path])
            advance(1)


class _Asking:
    def __init__(self, context: Context, server: Server, deadline: float) -> None:
        self._results = context.results
        self._limits = context.limits
        self._server = server
        self._deadline = deadline

    def ask(self, graph: Analysis, file: ArtifactFile) -> Confirmed:
        """Give what is known of one graph."""
        suspicions = graph.suspicions or ()
        name = answer_name(self._limits, LIBRARIES, detectors=file.sha256, size=file.size)
        known = self._results.get(name) if self._results else None
        if known is not None:
            try:
                return _read(graph.path, suspicions, known)
            except ValueError:
                pass  # made by other code: asked again
        try:
            with file.content.open() as reader:
                model = skeleton(reader, file.size, self._limits)
        except (GraphError, SourceError, ContentChangedError, OSError) as error:
            return Confirmed(path=graph.path, trouble=f"can't be read: {printable(str(error), _TEXT)}")
        head = json.dumps({"limits": asdict(self._limits), "mark": model.mark}).encode()
        ending = self._server.run(head + b"\n" + model.data, self._bounds(), None, ())
        if ending.error:
            return Confirmed(path=graph.path, trouble=f"the detectors' child: {ending.error}")
        try:
            found = _read(graph.path, suspicions, ending.output)
        except ValueError:
            return Confirmed(path=graph.path, trouble="the detectors' child answered nonsense")
        if self._results:
            self._results.put(name, ending.output)
        return found

    def _bounds(self) -> Bounds:
        return Bounds(
            cpu_seconds=self._limits.onnx_confirm_cpu_seconds,
            wall_seconds=min(self._limits.onnx_wall_seconds, max(0.0, self._deadline - monotonic())),
            memory_bytes=self._limits.onnx_confirm_memory_bytes,
            file_bytes=0,
            output_bytes=self._limits.child_output_bytes,
        )


def _read(path: str, suspicions: tuple[Suspicion, ...], output: bytes) -> Confirmed:
    """Read an answer: one for each suspicion, in their order.

    Raises:
        ValueError: When it has another shape.
    """
    try:
        found = from_data(tuple[Confirmation, ...], json.loads(output), texts=_TEXT, items=len(suspicions))
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError("not the shape of an answer") from error
    if [one.suspicion for one in found] != list(range(len(suspicions))):
        raise ValueError("not one answer for each suspicion")
    return Confirmed(path=path, answers=tuple(zip(suspicions, found, strict=True)))
