"""`files/model-code`: code, calls and reaches for other files inside model formats that are no pickles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO, ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.hdf5_content import judge_hdf5_content
from gatekeeper.checks.files.identify import Identity, identities
from gatekeeper.checks.files.keras_files import judge_keras_metadata, judge_keras_zip
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.skops_schema import judge_skops
from gatekeeper.checks.files.tensorflow_graph import judge_frozen_graph, judge_meta_graph, judge_saved_model
from gatekeeper.checks.files.torchscript_code import judge_torchscript
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.limits import Limits
from gatekeeper.text import printable

Judge = Callable[[BinaryIO, PurePosixPath, int, Limits], Iterator[Problem]]
"""Says what is wrong with one file or archive member; `unjudged` is the slug of what it could not look at."""

JUDGES: dict[Format, Judge] = {
    Format.KERAS_ZIP: judge_keras_zip,
    Format.HDF5: judge_hdf5_content,
    Format.KERAS_METADATA: judge_keras_metadata,
    Format.SAVED_MODEL: judge_saved_model,
    Format.FROZEN_GRAPH: judge_frozen_graph,
    Format.TF_CHECKPOINT: judge_meta_graph,
    Format.TORCHSCRIPT: judge_torchscript,
    Format.SKOPS: judge_skops,
}
"""One judge for each format."""

_MOST = 50
"""Findings of one file."""

_REFUSE = "Don't load it; ask the publisher for weights without code."
_LOOK = "Find out what it is and why it is there; waive it with the reason, or refuse the file."
_BRING = "Install the code from a source that you trust and have read; the file does not hold it."


def _payload(slug: str, title: str) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.CRITICAL, hazard=Hazard.PAYLOAD, mend=_REFUSE)


def _suspicious(slug: str, title: str) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, mend=_LOOK)


def _unverified(slug: str, title: str) -> Rule:
    return Rule(slug=slug, title=title, severity=Severity.MEDIUM, hazard=Hazard.UNVERIFIED, mend=_BRING)


class ModelCode(Check):
    """Code and calls inside Keras, TensorFlow, TorchScript, HDF5 and skops files.

    What it looks at:
        The configurations of Keras models (`.keras`, HDF5, metadata of SavedModels): marshalled functions, the modules
        and functions that they name, files that layers read. Every object of an HDF5 file: links and datasets that lie
        in other files, sizes that the file can't hold. The operators of TensorFlow graphs and of TorchScript code. The
        types that a skops file names.

    Why it matters:
        These formats are called safe because they are no pickles; yet a Lambda layer is code, a class is imported by
        the name in the file, a graph can write files and an HDF5 file can be made to read another.

    What it cannot see:
        What reviewed operators compute together, and the values of weights. Classes that the file names and does not
        hold. Layers of the old Keras form are told by name alone.

    How to mend:
        Ask the publisher for weights as safetensors, and build the model from code that you have.
    """

    id = "files/model-code"
    title = "No code and no reach for other files inside model formats"
    rules: ClassVar[tuple[Rule, ...]] = (
        _payload("keras-lambda", "A Keras file holds the code of a function"),
        _payload("keras-runs", "A Keras configuration calls what is no part of a model"),
        _payload("keras-loader", "A Keras layer loads another model by itself"),
        _suspicious("keras-foreign", "A Keras configuration imports from another library"),
        _suspicious("keras-reads-file", "A Keras layer reads a file or an address when it is made"),
        _suspicious("keras-config", "A Keras configuration can't be read"),
        _unverified("keras-custom", "A Keras file names a class that it does not hold"),
        _suspicious("hdf5-elsewhere", "An HDF5 file takes data from other files"),
        _suspicious("hdf5-span", "A dataset does not lie where the HDF5 file says"),
        _suspicious("hdf5-bomb", "An HDF5 file unfolds to far more than it holds"),
        _payload("tensorflow-writes", "A TensorFlow graph writes files"),
        _suspicious("tensorflow-runs", "A TensorFlow graph calls code outside it"),
        _suspicious("tensorflow-reads", "A TensorFlow graph reads files"),
        _suspicious("tensorflow-network", "A TensorFlow graph talks to other machines"),
        Rule(slug="tensorflow-table", title="A TensorFlow graph reads a vocabulary", severity=Severity.LOW,
             hazard=Hazard.NONE, mend="See that the file is one of the model's own assets."),
        _unverified("tensorflow-unknown", "A TensorFlow graph has operators that nobody reviewed"),
        _suspicious("torchscript-reaches", "TorchScript code reaches for files or other processes"),
        _unverified("torchscript-custom", "TorchScript code needs a library that the file does not hold"),
        _unverified("torchscript-program", "The file is a program"),
        _payload("skops-runs", "A skops file imports what runs commands or code"),
        _suspicious("skops-foreign", "A skops file names a function that honest files don't"),
        _suspicious("skops-schema", "A skops file has no readable schema"),
        _unverified("skops-custom", "A skops file names a type that nobody reviewed"),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Judge every file of a format that has a judge."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        for identity in identities(artifact, context.limits):
            if identity.format in JUDGES:
                self._look(identity, context.limits, findings, gaps)
        return Outcome(findings=tuple(findings), gaps=tuple(dict.fromkeys(gaps)))

    def _look(self, identity: Identity, limits: Limits, findings: list[Finding], gaps: list[Gap]) -> None:
        file, path = identity.file, str(identity.file.path)
        if file.sha256 is None:
            gaps.append(Gap(reason="not downloaded, so its code was not looked at", path=path))
            return
        try:
            with file.content.open() as reader:
                for problem in islice(JUDGES[identity.format](reader, file.path, file.size, limits), _MOST):
                    if problem.slug == "unjudged":
                        gaps.append(Gap(reason=problem.message, path=path))
                    else:
                        findings.append(self.finding(problem.slug, problem.message, path=path,
                                                     offset=problem.offset, detail=problem.detail))  # fmt: skip
        except (SourceError, ContentChangedError, OSError) as error:
            gaps.append(Gap(reason=f"can't be read: {printable(str(error))}", path=path))
