"""`files/structure`: whether weight files are built as their formats promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.gguf_header import GgufHeader, read_gguf
from gatekeeper.checks.files.gguf_split import judge_splits
from gatekeeper.checks.files.identify import Identity, identities
from gatekeeper.checks.files.judging import Judging
from gatekeeper.checks.files.problem import UNJUDGED, Judge, Problem
from gatekeeper.checks.files.safetensors_header import Header, read_header
from gatekeeper.checks.files.shard_index import INDEX, judge_index, judge_shards
from gatekeeper.checks.files.structure_judges import JUDGES
from gatekeeper.checks.files.structure_rules import RULES
from gatekeeper.errors import ContentChangedError, LimitError, SourceError
from gatekeeper.limits import Limits
from gatekeeper.text import printable

_BY_RANGES = frozenset({Format.SAFETENSORS, Format.GGUF})
"""Formats whose headers are judged although the file was not downloaded."""


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
        The values of tensors; what ONNX graphs compute; what HDF5 and TensorFlow files hold (`files/model-code`); what
        pickles do (`files/scanners`).

    How to mend:
        Fetch the file again; if it is still broken, ask the publisher to write it anew with the format's own library.
    """

    id = "files/structure"
    version = 2
    title = "Weight files are well formed"
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Read every header that has a format with a strict reader."""
        survey, judging = _Survey(context.limits), Judging(check=self)
        for identity in identities(artifact, context.limits):
            self._look(identity, survey, judging)
        for index, problems in survey.judge_indexes(artifact, judging):
            judging.say(index, problems)
        for path, problem in judge_shards(file.path for file in artifact.files):
            judging.say(path, [problem])
        for path, problem in judge_splits(survey.gguf):
            judging.say(path, [problem])
        return judging.outcome()

    def _look(self, identity: Identity, survey: _Survey, judging: Judging) -> None:
        """Judge one file by its format; what can't be judged becomes a gap."""
        judge, path = survey.judge_of(identity), str(identity.file.path)
        if judge is not None and identity.error:
            judging.gap(path, f"can't be read: {printable(identity.error)}")
            return
        if judge is not None and identity.file.sha256 is None and identity.format not in _BY_RANGES:
            judging.gap(path, "not downloaded, so its structure was not looked at")
            return
        if judge is not None:
            judging.look(identity.file, judge, survey.limits)
        judging.say(path, _polyglot(identity))


class _Survey:
    """Judges one file after the other and keeps what later files are held against."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._safetensors: dict[str, Header] = {}
        self.gguf: dict[str, GgufHeader] = {}

    def judge_of(self, identity: Identity) -> Judge | None:
        """Give the judge of one file; None when its format has none."""
        ending = identity.file.path.suffix.lower()
        if identity.format is Format.SAFETENSORS or (identity.format is Format.UNKNOWN and ending == ".safetensors"):
            return self._judge_safetensors
        if identity.format is Format.GGUF or (identity.format is Format.UNKNOWN and ending == ".gguf"):
            return self._judge_gguf
        return JUDGES.get(identity.format)

    def judge_indexes(self, artifact: Artifact, judging: Judging) -> Iterator[tuple[str, list[Problem]]]:
        """Hold every shard index against the files that it names."""
        for file in artifact.files:
            if not INDEX.search(file.path.name):
                continue
            path = str(file.path)
            try:
                data = file.content.read(self.limits.json_bytes)
            except (LimitError, SourceError, ContentChangedError, OSError) as error:
                judging.gap(path, f"the shard index can't be read: {printable(str(error))}")
                continue
            yield (
                path,
                judge_index(
                    data,
                    file.path.parent,
                    lambda name: artifact.file(name) is not None,
                    self._safetensors,
                    depth=self.limits.json_depth,
                ),
            )

    def _judge_safetensors(self, reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
        header = self._safetensors[str(name)] = read_header(reader, size, limits)
        yield from header.problems

    def _judge_gguf(self, reader: BinaryIO, name: PurePosixPath, size: int, limits: Limits) -> Iterator[Problem]:
        header = self.gguf[str(name)] = read_gguf(reader, size, limits)
        yield from header.problems
        if header.unknown_types:
            kinds = ", ".join(str(kind) for kind in header.unknown_types[:10])
            yield Problem(slug=UNJUDGED, message=f"spans of unknown ggml types ({kinds}) were not judged")


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
