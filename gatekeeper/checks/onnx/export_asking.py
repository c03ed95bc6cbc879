"""Has an architecture written out anew in a confined child, and holds graphs against what came of it in another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from time import monotonic
from typing import Any

from gatekeeper.artifact import Artifact, ArtifactFile
from gatekeeper.checks.check import Context
from gatekeeper.checks.files import graph_files
from gatekeeper.checks.onnx.analysis import WARM, answer_name, bounds_of
from gatekeeper.checks.onnx.answers import from_data
from gatekeeper.checks.onnx.deed import Deed
from gatekeeper.checks.onnx.skeleton import skeleton
from gatekeeper.checks.onnx.trouble import GraphError
from gatekeeper.confined import Bounds, Server, private_folder
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.tensors import exporters_lacking
from gatekeeper.text import printable

_EXPORT = "gatekeeper.tensors.export:job"
_EXPORT_WARM = ("torch", "onnx", "transformers")
_EXPORT_LIBRARIES = ("torch", "transformers", "onnxscript", "onnx")
_COMPARE = "gatekeeper.checks.onnx.export_child:compare"
_CONFIG = "config.json"
_TEXT = 16_384
_ITEMS = 1_000
_REASON = 400
_MOST = 16
"""Graphs that one architecture is written out as."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What is known of one graph beside its architecture."""

    path: str
    config: str = ""
    """The configuration that was written out."""

    names: tuple[str, ...] = ()
    """What was written out of it, by what: class and exporter."""

    more: tuple[Deed, ...] = ()
    """What the graph does and none of these."""

    trouble: str = ""
    """Why it was not held against them; empty when it was."""


def architectures(artifact: Artifact, context: Context) -> dict[str, ArtifactFile]:
    """Find the configuration of the model that each graph was made from.

    That is the nearest one, in its folder or one above, beside which safetensors lie; else that of the reference.

    Args:
        artifact: Whose graphs.
        context: `reference` may be a model as safetensors.

    Returns:
        Path of a graph → the configuration; graphs for which there is none are not in it.
    """
    found = {}
    for file in graph_files(artifact, context.limits):
        own = (_beside(artifact, folder) for folder in file.path.parents)
        config = next((each for each in own if each), None)
        if config is None and context.reference is not None:
            config = _beside(context.reference, PurePosixPath())
        if config:
            found[str(file.path)] = config
    return found


def _beside(artifact: Artifact, folder: PurePosixPath) -> ArtifactFile | None:
    weights = any(file.path.parent == folder and file.path.suffix == ".safetensors" for file in artifact.files)
    return artifact.file(str(folder / _CONFIG)) if weights else None


def held(artifact: Artifact, context: Context) -> Iterator[Held]:
    """Hold every graph that has an architecture against it.

    Args:
        artifact: Whose graphs.
        context: Limits (`onnx_export_*`), the cache of results, and whom to tell of long work.
    """
    configs = architectures(artifact, context)
    files = [file for file in graph_files(artifact, context.limits) if str(file.path) in configs]
    with ExitStack() as resources:
        holding = _Holding(context, resources)
        advance = resources.enter_context(context.progress.task("writing architectures out", len(files), "files"))
        for file in files:
            yield holding.hold(file, configs[str(file.path)])
            advance(1)


class _Holding:
    def __init__(self, context: Context, resources: ExitStack) -> None:
        self._results = context.results
        self._limits = context.limits
        self._deadline = monotonic() + context.limits.scan_seconds
        self._exporting = resources.enter_context(Server(_EXPORT, _EXPORT_WARM))
        self._comparing = resources.enter_context(Server(_COMPARE, WARM))
        self._written: dict[str, tuple[tuple[str, ...], tuple[bytes, ...]]] = {}

    def hold(self, file: ArtifactFile, config: ArtifactFile) -> Held:
        path, named = str(file.path), str(config.path)
        try:
            names, graphs = self._architecture(config)
            return Held(path=path, config=named, names=names, more=self._more(file, config, graphs))
        except GraphError as error:
            return Held(path=path, config=named, trouble=f"not held against its architecture: {error}")
        except (SourceError, ContentChangedError, LimitError, ParseError, OSError) as error:
            return Held(path=path, config=named, trouble=f"can't be read: {printable(str(error), _REASON)}")

    def _architecture(self, config: ArtifactFile) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
        lacking = exporters_lacking()
        if lacking:
            raise GraphError(f"not installed: {', '.join(lacking)}")
        key = config.sha256 or ""
        if key not in self._written:
            given = load_json_object(config.content.read(self._limits.json_bytes), depth=self._limits.json_depth)
            asked = {"config": given, "parameters": self._limits.onnx_export_parameters}
            with private_folder() as place:
                ending = self._exporting.run(json.dumps(asked).encode(), self._bounds(), place, (place,))
            self._written[key] = _graphs(ending.output, ending.error)
        return self._written[key]

    def _bounds(self) -> Bounds:
        limits = self._limits
        return Bounds(
            cpu_seconds=limits.onnx_export_cpu_seconds,
            wall_seconds=min(2.0 * limits.onnx_export_cpu_seconds, max(0.0, self._deadline - monotonic())),
            memory_bytes=limits.onnx_export_memory_bytes,
            file_bytes=limits.onnx_bytes,
            output_bytes=limits.onnx_bytes,
        )

    def _more(self, file: ArtifactFile, config: ArtifactFile, graphs: tuple[bytes, ...]) -> tuple[Deed, ...]:
        if file.sha256 is None:
            raise GraphError("it was not downloaded")
        limits = self._limits
        name = answer_name(limits, _EXPORT_LIBRARIES, given=file.sha256, size=file.size, config=config.sha256)
        known = self._results.get(name) if self._results else None
        if known is not None:
            try:
                return _deeds(known)
            except GraphError:
                pass  # made by other code: asked again
        with file.content.open() as reader:
            model = skeleton(reader, file.size, limits)
        models = (model.data, *graphs)
        asked = {"limits": asdict(limits), "mark": model.mark, "lengths": [len(each) for each in models]}
        request = b"\n".join((json.dumps(asked).encode(), b"".join(models)))
        ending = self._comparing.run(request, bounds_of(limits, self._deadline), None, ())
        if ending.error:
            raise GraphError(f"the graphs' child: {ending.error}")
        found = _deeds(ending.output)
        if self._results:
            self._results.put(name, ending.output)
        return found


def _graphs(output: bytes, error: str) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """Read what was written out: names and graphs. One that failed is left out when another did not.

    Raises:
        GraphError: When there is none.
    """
    names: list[str] = []
    graphs: list[bytes] = []
    troubles = [f"its child: {error}"] if error else []
    at = 0
    while at < len(output) and len(graphs) < _MOST:
        line, _, rest = output[at:].partition(b"\n")
        said = _line(line)
        if "trouble" in said:
            troubles.append(printable(str(said["trouble"]), _REASON))
            at += len(line) + 1
            continue
        length = said.get("length")
        if type(length) is not int or not 0 < length <= len(rest) or not isinstance(said.get("name"), str):
            raise GraphError("the exporter's child answered nonsense")
        names.append(printable(said["name"], _REASON))
        graphs.append(rest[:length])
        at += len(line) + 1 + length
    if not graphs:
        raise GraphError("; ".join(troubles) or "nothing was written out")
    return tuple(names), tuple(graphs)


def _line(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise GraphError("the exporter's child answered nonsense") from error
    return said if isinstance(said, dict) else {}


def _deeds(output: bytes) -> tuple[Deed, ...]:
    """Read an answer.

    Raises:
        GraphError: When it says that the graphs can't be compared, or has another shape.
    """
    try:
        said = json.loads(output)
        if said.keys() == {"value"}:
            return from_data(tuple[Deed, ...], said["value"], texts=_TEXT, items=_ITEMS)
        trouble = printable(from_data(str, said["error"], texts=_TEXT, items=0), _REASON)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise GraphError("their comparison answered nonsense") from error
    raise GraphError(trouble)
