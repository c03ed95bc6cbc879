"""`files/model-code`: code, calls and reaches for other files inside model formats that are no pickles."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.identify import identities
from gatekeeper.checks.files.judging import Judging
from gatekeeper.checks.files.model_code_judges import JUDGES
from gatekeeper.checks.files.model_code_rules import RULES


class ModelCode(Check):
    """Code and calls inside Keras, TensorFlow, PyTorch, HDF5 and skops files.

    What it looks at:
        Configurations of Keras models (`.keras`, HDF5, JSON, metadata of SavedModels): marshalled functions, modules
        and functions that they name, files that layers read. Every object of an HDF5 file: links and datasets that lie
        in other files, sizes that the file can't hold. The operators of TensorFlow graphs, of TorchScript code
        and of exported PyTorch programs. The types that a skops file names.

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
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Judge every file of a format that has a judge."""
        judging = Judging(check=self)
        for identity in identities(artifact, context.limits):
            file, judge = identity.file, JUDGES.get(identity.format)
            if judge is None:
                continue
            if file.sha256 is None:
                judging.gap(str(file.path), "not downloaded, so its code was not looked at")
            else:
                judging.look(file, judge, context.limits)
        return judging.outcome()
