"""Every ONNX graph of an artifact beside its counterpart in the reference, compared in a confined child."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from time import monotonic

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Context
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx.analysis import WARM, answer_name, bounds_of
from gatekeeper.checks.onnx.answers import from_data
from gatekeeper.checks.onnx.difference import Difference
from gatekeeper.checks.onnx.skeleton import skeleton
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.confined import Server
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.text import printable

_ENTRY = "gatekeeper.checks.onnx.reference_child:compare"
_TEXT = 16_384
_ITEMS = 1_000
_REASON = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """What is known of one graph beside the reference."""

    path: str
    counterpart: str = ""
    """Path of the reference's graph; empty when it has none for this one."""

    identical: bool = False
    """The files have the same bytes; files beside them that they name may have others."""

    difference: Difference | None = None
    """None when there is no counterpart, the files are identical, or they could not be compared."""

    trouble: str = ""
    """Why they could not be compared."""


def counterpart(
    file: ArtifactFile, graphs: Sequence[ArtifactFile], others: Sequence[ArtifactFile]
) -> ArtifactFile | None:
    """Find the graph of the reference that a graph is to be held against.

    That is the one of the same path; else the only one that is called so; else, where both have one graph, that.

    Args:
        file: The graph.
        graphs: All graphs of its artifact.
        others: Those of the reference.
    """
    for same in (
        [other for other in others if other.path == file.path],
        [other for other in others if other.path.name == file.path.name],
    ):
        if len(same) == 1:
            return same[0]
    return others[0] if len(graphs) == len(others) == 1 else None


def compared(artifact: Artifact, reference: Artifact, context: Context) -> tuple[Compared, ...]:
    """Hold every graph against its counterpart.

    Args:
        artifact: Whose graphs.
        reference: A model that is trusted.
        context: Limits, the cache of results, and whom to tell of long work.
    """
    graphs, others = graph_files(artifact, context.limits), graph_files(reference, context.limits)
    with ExitStack() as resources:
        comparing = _Comparing(context, resources.enter_context(Server(_ENTRY, WARM)))
        advance = resources.enter_context(context.progress.task("comparing graphs", len(graphs), "files"))
        found = []
        for file in graphs:
            other = counterpart(file, graphs, others)
            found.append(comparing.compare(file, other) if other else Compared(path=str(file.path)))
            advance(1)
        return tuple(found)


def path_beside(graph: str, location: str) -> str:
    """Give the path of a file that a graph takes tensors from."""
    return posixpath.normpath(str(PurePosixPath(graph).parent / location))


class _Comparing:
    def __init__(self, context: Context, server: Server) -> None:
        self._context = context
        self._server = server
        self._deadline = monotonic() + context.limits.scan_seconds

    def compare(self, file: ArtifactFile, other: ArtifactFile) -> Compared:
        path, counterpart = str(file.path), str(other.path)
        if file.sha256 is not None and file.sha256 == other.sha256:
            return Compared(path=path, counterpart=counterpart, identical=True)
        try:
            return Compared(path=path, counterpart=counterpart, difference=self._difference(file, other))
        except GraphError as error:
            return Compared(path=path, counterpart=counterpart, trouble=str(error))
        except (SourceError, ContentChangedError, OSError) as error:
            return Compared(path=path, counterpart=counterpart, trouble=f"can't be read: {printable(str(error))}")

    def _difference(self, file: ArtifactFile, other: ArtifactFile) -> Difference:
        for one, words in ((file, "it was"), (other, "its reference was")):
            if one.sha256 is None:
                raise GraphError(f"{words} not downloaded, so nothing was compared")
        results = self._context.results
        name = answer_name(self._context.limits, graph=file.sha256, size=file.size, reference=other.sha256)
        known = results.get(name) if results else None
        if known is not None:
            try:
                return _read(known)
            except GraphError:
                pass  # made by other code: asked again
        output = self._asked(file, other)
        difference = _read(output)
        if results:
            results.put(name, output)
        return difference

    def _asked(self, file: ArtifactFile, other: ArtifactFile) -> bytes:
        limits, models = self._context.limits, []
        for one in (other, file):
            with one.content.open() as reader:
                models.append(skeleton(reader, one.size, limits, digests=True))
        asked = {"limits": asdict(limits), "marks": [model.mark for model in models], "length": len(models[0].data)}
        request = b"\n".join((json.dumps(asked).encode(), models[0].data + models[1].data))
        ending = self._server.run(request, bounds_of(limits, self._deadline), None, ())
        if ending.error:
            raise GraphError(f"the graphs' child: {ending.error}")
        return ending.output


def _read(output: bytes) -> Difference:
    """Read an answer.

    Raises:
        GraphError: When it says that the graphs can't be compared, or has another shape.
    """
    try:
        said = json.loads(output)
        if said.keys() == {"value"}:
            return from_data(Difference, said["value"], texts=_TEXT, items=_ITEMS)
        trouble = printable(from_data(str, said["error"], texts=_TEXT, items=0), _REASON)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise GraphError("their comparison answered nonsense") from error
    raise GraphError(trouble)
