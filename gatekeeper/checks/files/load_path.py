"""`files/load-path`: which loaders would read which file, and whether what they look for is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, ClassVar

from gatekeeper.artifact import Artifact, Scheme
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.identify import identities
from gatekeeper.checks.files.loaders import Layout, ask, holds_weights
from gatekeeper.checks.files.loaders.transformers import is_model
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.limits import Limits
from gatekeeper.parsing import ParseError, load_json
from gatekeeper.text import printable

_PROMISES = ("model_index.json", "adapter_config.json", "modules.json")
_MOST_MISSING = 50
"""Findings of one artifact about promised weights; a hostile index can name a million components."""

_MOST_SETS = 5
_NAMED_IN_A_SET = 3


class LoadPath(Check):
    """Which loaders would read which file.

    What it looks at:
        The names of all files, what their first bytes say they are, and the repo's own indexes and configurations
        (`config.json`, `model_index.json`, `modules.json`, `adapter_config.json`, shard indexes), against what
        transformers, diffusers, PEFT, sentence-transformers, vLLM, llama.cpp, Ollama, onnxruntime, OpenVINO, Keras,
        TensorFlow, spaCy, scikit-learn, timm, open_clip, CTranslate2 and others read.

    Why it matters:
        A payload is one wherever it lies. But where no loader reads the file, leaving it out is enough, and a reviewer
        should see that. Two loaders that read two sets of weights run two models under one name; a repo without
        weights, or without some that it names, is not the model that was asked for.

    What it cannot see:
        What somebody's own script opens by name; loaders that are not on the list; options that name a file or a
        folder; whether two sets of weights hold the same values. Training that is resumed is no loading here: it
        reads optimizer states and the like.

    How to mend:
        Gate again with --exclude for what nobody reads, and deploy without it. Ask the publisher for missing weights.
    """

    id = "files/load-path"
    title = "What loaders look for is there"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="weights-missing", title="A configuration names weights that are not there",
             severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS,
             mend="Ask the publisher for the whole model; a loader may look for them elsewhere."),
        Rule(slug="nothing-to-load", title="There are no weights that could be loaded", severity=Severity.LOW,
             hazard=Hazard.NONE, mend="Check the reference: this is not a model, or not all of it."),
        Rule(slug="two-sets", title="Loaders read different sets of weights", severity=Severity.INFO,
             hazard=Hazard.NONE, mend="Test with the loader that is deployed; leave the other set out."),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Ask every loader what it would read."""
        parser = _Parser(artifact, context.limits)
        layout = Layout(
            paths=tuple(file.path for file in artifact.files),
            formats={str(each.file.path): each.format for each in identities(artifact, context.limits)},
            parse=parser.parse,
        )
        readers, missing = ask(layout)
        left_out = "; files were left out by --exclude" if artifact.excluded else ""
        findings = [
            self.finding("weights-missing", each.message + left_out, path=each.named_by, detail=each.detail)
            for each in missing[:_MOST_MISSING]
        ]
        loadable = layout.weights or any(
            readers[str(path)] and holds_weights(path, layout.formats) for path in layout.paths
        )
        if not loadable and not missing and artifact.reference.scheme is not Scheme.FILE:
            findings += self._nothing(layout, readers)
        findings += self._two_sets(artifact, readers)
        if parser.gaps:  # what could not be read may name any file: nobody can say that none reads it
            readers = {path: loaders for path, loaders in readers.items() if loaders}
        return Outcome(findings=tuple(findings), gaps=tuple(parser.gaps), readers=readers)

    def _nothing(self, layout: Layout, readers: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
        promises = [name for name in _PROMISES if layout.has(PurePosixPath(), name)]
        promises += [str(folder / "config.json") for folder in layout.folders if is_model(layout.config(folder))]
        if promises:
            message = f"{printable(promises[0], 120)!r} describes a model, of which there are no weights"
            yield self.finding("nothing-to-load", message, path=promises[0])
        elif not any(readers.values()):
            yield self.finding("nothing-to-load", "no known loader would read any of the files")

    def _two_sets(self, artifact: Artifact, readers: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
        """Tell of folders in which one library reads one set of weights by itself and another on a condition."""
        sizes = {str(file.path): file.size for file in artifact.files}
        for (folder, library), sets in islice(_sets(readers).items(), _MOST_SETS):
            first, *others = sorted(sets.items(), key=lambda each: len(each[0]))
            shown = "; ".join(
                f"{loader} reads {_names(paths)} ({sum(sizes[path] for path in paths)} bytes)"
                for loader, paths in (first, *others)
            )
            yield self.finding("two-sets", shown, path=others[0][1][0], detail=f"{folder}, {library}")


class _Parser:
    """Reads small JSON files within one budget; what could not be read becomes a gap."""

    def __init__(self, artifact: Artifact, limits: Limits) -> None:
        self._artifact = artifact
        self._limits = limits
        self._left = limits.load_path_bytes
        self.gaps: list[Gap] = []

    def parse(self, path: str) -> Any:
        """Give the JSON value of a file; None when it can't be had."""
        file = self._artifact.file(path)
        if file is None:
            return None
        if file.size > self._left:
            self._left = 0
            over = f"more than {self._limits.load_path_bytes} bytes of indexes and configurations"
            return self._gap(path, f"{over} (limit load_path_bytes)")
        try:
            data = file.content.read(self._limits.json_bytes)
            self._left -= len(data)
            return load_json(data, depth=self._limits.json_depth, values=self._limits.json_values)
        except (ParseError, LimitError, SourceError, ContentChangedError, OSError) as error:
            return self._gap(path, str(error))

    def _gap(self, path: str, reason: str) -> None:
        self.gaps.append(Gap(reason=f"what it names is not known: {printable(reason)}", path=path))


def _sets(readers: Mapping[str, tuple[str, ...]]) -> dict[tuple[str, str], dict[str, list[str]]]:
    """Group weights of one name by folder and library, then by the words under which the library reads them."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for path, loaders in readers.items():
        if not path.endswith((".safetensors", ".bin", ".h5", ".msgpack")):
            continue
        for loader in loaders:
            library, _, when = loader.partition(" (")
            if library in _LIBRARIES and "variant" not in when and "adapter" not in when and "single" not in when:
                key = str(PurePosixPath(path).parent), library
                found.setdefault(key, {}).setdefault(loader, []).append(path)
    return {key: sets for key, sets in found.items() if len(sets) > 1}


_LIBRARIES = frozenset({"transformers", "diffusers", "PEFT"})


def _names(paths: list[str]) -> str:
    shown = ", ".join(printable(path, 120) for path in paths[:_NAMED_IN_A_SET])
    more = len(paths) - _NAMED_IN_A_SET
    return f"{shown} and {more} more" if more > 0 else shown
