"""`files/unchanged`: whether the files are still those that were hashed, now that everything has been looked at."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import Finding, Gap, Hazard, Severity, Strength
from gatekeeper.text import printable


class Unchanged(Check):
    """Runs last and looks once more at every path.

    What it looks at:
        Whether each path still leads to the very file that was hashed, unmodified.

    Why it matters:
        What was checked must be what is deployed. A file that changes during the inspection was changed by somebody
        who can write there.

    What it cannot see:
        A change after the inspection: the digests in the report are what a deployment should be held against.

    How to mend:
        Find out who writes to the folder or cache; then fetch again, to a place that nobody else can write to.
    """

    id = "files/unchanged"
    title = "No file changed while it was inspected"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            slug="changed",
            title="A file changed while it was inspected",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            strength=Strength.CRYPTOGRAPHIC,
            mend="Fetch again, to a place that nobody else can write to.",
        ),
    )

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Say when nothing was hashed at all."""
        if artifact.files and all(file.sha256 is None for file in artifact.files):
            return "no file was downloaded, so none could change"
        return ""

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look at each hashed file once more."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        for file in artifact.files:
            if file.sha256 is None:
                continue
            path = str(file.path)
            try:
                same = file.content.unchanged()
            except Exception as error:  # a file that can't be looked at again hides no other file's answer
                gaps.append(Gap(reason=f"can't be looked at again: {printable(str(error))}", path=path))
                continue
            if not same:
                message = f"{printable(path)!r} is no longer the file that was hashed"
                findings.append(self.finding("changed", message, path=path))
        return Outcome(findings=tuple(findings), gaps=tuple(gaps))
