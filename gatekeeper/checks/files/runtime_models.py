"""`files/runtime-models`: whether the models of inference engines are built as their formats promise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.identify import Identity, identities
from gatekeeper.checks.files.judging import Judging
from gatekeeper.checks.files.problem import Problem
from gatekeeper.checks.files.runtimes.judges import JUDGES, WITH_NEIGHBOURS
from gatekeeper.checks.files.runtimes.rules import RULES

_ENDINGS = frozenset({".index", ".meta", ".xml", ".pmml", ".ftz"})
"""Endings that promise a model and are no weights for the other checks, so that an empty file would be nothing."""


class RuntimeModels(Check):
    """Strict reading of what inference engines load.

    What it looks at:
        TensorFlow checkpoints (the index with its checksums, and the tensors' places in the data files), CTranslate2,
        fastText and whisper.cpp models and the parts of spaCy pipelines: every length, type, shape and place, to the
        last byte. TFLite, OpenVINO, Core ML and PMML models: the operators, layers and functions that they call, and
        where their weights lie. No weight is read.

    Why it matters:
        The libraries that load these check little: where a file's numbers disagree they read beyond their memory, and
        bytes that belong to nothing can carry anything. An operator that the engine does not bring is code that
        somebody has to install for it.

    What it cannot see:
        The values of weights, for which the checksums of TensorFlow's tensors would speak, and what known operators
        compute together; compressed indexes; ggml's old container as other programs than whisper.cpp use it.

    How to mend:
        Fetch the files again; if they are the same, ask the publisher to write them anew with the format's library.
    """

    id = "files/runtime-models"
    title = "Models of inference engines are well formed"
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Judge every file of a format that has a judge."""
        sizes = {file.path: file.size for file in artifact.files}
        judging = Judging(check=self)
        for identity in identities(artifact, context.limits):
            path = str(identity.file.path)
            if identity.format is Format.EMPTY and identity.file.path.suffix.lower() in _ENDINGS:
                judging.say(path, [Problem(slug="cut-off", message="it has no bytes")])
            found = _format(identity, sizes)
            if found not in JUDGES:
                continue
            if identity.file.sha256 is None:
                judging.gap(path, "not downloaded, so its structure was not looked at")
                continue
            beside = WITH_NEIGHBOURS.get(found)
            judge = partial(beside, sizes=sizes) if beside else JUDGES[found]
            judging.look(identity.file, judge, context.limits)
        return judging.outcome()


def _format(identity: Identity, sizes: Mapping[PurePosixPath, int]) -> Format:
    """Give the format that a file is held to: XML beside a `.bin` of its name describes that."""
    if identity.format is Format.XML and identity.file.path.with_suffix(".bin") in sizes:
        return Format.OPENVINO_XML
    return identity.format
