"""`files/structure`: whether weight files are built as their formats promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.gguf_header import GgufHeader, read_gguf
from gatekeeper.checks.files.gguf_split import judge_splits
from gatekeeper.checks.files.identify import Identity, identities
from gatekeeper.checks.files.problem import Problem, StructureError, UnsupportedError
from gatekeeper.checks.files.safetensors_header import Header, read_header
from gatekeeper.checks.files.shard_index import INDEX, judge_index, judge_shards
from gatekeeper.checks.files.structure_judges import JUDGES
from gatekeeper.checks.files.structure_rules import RULES
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.evidence import Finding, Gap
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_MOST_OF_A_KIND = 5
"""Findings of one rule for one file; the rest is counted."""


class Structure(Check):
    """Strict reading of headers and directories.

    What it looks at:
        The headers of safetensors and GGUF files (lengths, types, shapes, spans, alignment, truncation, trailing
        bytes), shard indexes against the shards, the directories of zip archives against the headers of their
        members, torch archives and old torch files against the storages that their pickles name, `.npy` headers, 7z
        headers, HDF5 superblocks, and whether ONNX, TensorFlow, Core ML, sentencepiece, msgpack, JSON and table files
        end where they say. No tensor is read.

    Why it matters:
        Two readers that disagree about a broken file can be shown two different models, and bytes that no tensor
        covers can carry anything. Truncated files and decompression bombs break whoever loads them.

    What it cannot see:
        The values of tensors; the inside of HDF5, ONNX and TensorFlow files; what pickles do (`files/scanners`).

    How to mend:
        Fetch the file again; if it is still broken, ask the publisher to write it anew with the format's own library.
    """

    id = "files/structure"
    version = 2
    title = "Weight files are well formed"
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Read every header that has a format with a strict reader."""
        survey = _Survey(context.limits)
        findings: list[Finding] = []
        for identity in identities(artifact, context.limits):
            findings += self._findings(str(identity.file.path), survey.judge(identity))
        for index, problems in survey.judge_indexes(artifact):
            findings += self._findings(index, problems)
        for path, problem in judge_shards(file.path for file in artifact.files):
            findings += self._findings(path, [problem])
        for path, problem in judge_splits(survey.gguf):
            findings += self._findings(path, [problem])
        return Outcome(findings=tuple(findings), gaps=tuple(survey.gaps))

    def _findings(self, path: str, problems: list[Problem]) -> Iterator[Finding]:
        by_slug: dict[str, list[Problem]] = {}
        for problem in problems:
            by_slug.setdefault(problem.slug, []).append(problem)
        for slug, alike in by_slug.items():
            for number, problem in enumerate(alike[:_MOST_OF_A_KIND], start=1):
                more = len(alike) - _MOST_OF_A_KIND if number == _MOST_OF_A_KIND else 0
                message = f"{problem.message} (and {more} more like it)" if more > 0 else problem.message
                yield self.finding(slug, message, path=path, offset=problem.offset, detail=problem.detail)


class _Survey:
    """Judges one file after the other and keeps what later files are held against."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._safetensors: dict[str, Header] = {}
        self.gguf: dict[str, GgufHeader] = {}
        self.gaps: list[Gap] = []

    def judge(self, identity: Identity) -> list[Problem]:
        """Judge one file by its format; what can't be judged becomes a gap."""
        reader = self._reader(identity)
        if reader is None:
            return _polyglot(identity)
        path = str(identity.file.path)
        if identity.error:
            self.gaps.append(Gap(reason=f"can't be read: {printable(identity.error)}", path=path))
            return []
        if identity.file.sha256 is None and identity.format not in (Format.SAFETENSORS, Format.GGUF):
            self.gaps.append(Gap(reason="not downloaded, so its structure was not looked at", path=path))
            return []
        try:
            with identity.file.content.open() as content:
                return [*reader(path, content, identity.file.size), *_polyglot(identity)]
        except StructureError as error:
            return [error.problem, *_polyglot(identity)]
        except (SourceError, ContentChangedError, OSError) as error:
            self.gaps.append(Gap(reason=f"can't be read: {printable(str(error))}", path=path))
        except UnsupportedError as error:
            self.gaps.append(Gap(reason=str(error), path=path))
        return []

    def judge_indexes(self, artifact: Artifact) -> Iterator[tuple[str, list[Problem]]]:
        """Hold every shard index against the files that it names."""
        for file in artifact.files:
            if not INDEX.search(file.path.name):
                continue
            path = str(file.path)
            try:
                data = file.content.read(self._limits.json_bytes)
            except (LimitError, SourceError, ContentChangedError, OSError) as error:
                self.gaps.append(Gap(reason=f"the shard index can't be read: {printable(str(error))}", path=path))
                continue
            yield (
                path,
                judge_index(
                    data,
                    file.path.parent,
                    lambda name: artifact.file(name) is not None,
                    self._safetensors,
                    depth=self._limits.json_depth,
                ),
            )

    def _reader(self, identity: Identity) -> Callable[[str, BinaryIO, int], list[Problem]] | None:
        ending = PurePosixPath(identity.file.path).suffix.lower()
        if identity.format is Format.SAFETENSORS or (identity.format is Format.UNKNOWN and ending == ".safetensors"):
            return self._judge_safetensors
        if identity.format is Format.GGUF or (identity.format is Format.UNKNOWN and ending == ".gguf"):
            return self._judge_gguf
        judge = JUDGES.get(identity.format)
        if judge is None:
            return None
        return lambda path, content, size: list(judge(content, PurePosixPath(path), size, self._limits))

    def _judge_safetensors(self, path: str, content: BinaryIO, size: int) -> list[Problem]:
        header = read_header(content, size, self._limits)
        self._safetensors[path] = header
        return list(header.problems)

    def _judge_gguf(self, path: str, content: BinaryIO, size: int) -> list[Problem]:
        header = read_gguf(content, size, self._limits)
        self.gguf[path] = header
        if header.unknown_types:
            kinds = ", ".join(str(kind) for kind in header.unknown_types[:10])
            self.gaps.append(Gap(reason=f"spans of unknown ggml types ({kinds}) were not judged", path=path))
        return list(header.problems)


def _polyglot(identity: Identity) -> list[Problem]:
    """Say which other loaders would take the file for theirs."""
    problems = []
    if identity.is_zip_too and identity.format is not Format.TFLITE:  # TFLite keeps label files that way
        message = "the file is a zip archive as well, to readers that begin at its end"
        problems.append(Problem(slug="zip-appended", message=message))
    if identity.is_pickle_too:
        message = f"the file is {identity.format.value}, and a pickle as well to a loader that unpickles it"
        problems.append(Problem(slug="pickle-hidden", message=message, offset=0))
    return problems
