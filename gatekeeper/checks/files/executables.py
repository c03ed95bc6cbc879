"""`files/executables`: programs, packages and scripts among the files of a model."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.executable_kinds import judge_executable
from gatekeeper.checks.files.judging import Judging
from gatekeeper.evidence import Hazard, Severity

_LEAVE_OUT = "A model needs no programs: leave it out, or refuse the repo."


class Executables(Check):
    """Programs where weights should be.

    What it looks at:
        The first bytes of every file: programs and libraries for Linux, Windows, macOS, Java and Android,
        WebAssembly, compiled Python, packages and installers, shortcuts, Office files with macros; then names that an
        operating system starts programs by; scripts for shells, which start on a click or by a copied line. Other
        source code and notebooks are told too.

    Why it matters:
        No loader of weights needs a program. One that lies beside them waits for a person who clicks, a library path
        that leads there, or a piece of code elsewhere in the repo that starts it.

    What it cannot see:
        What the program does; programs that are packed, encrypted or hidden in other bytes; programs inside archives
        other than those that `files/scanners` opens.

    How to mend:
        Leave the file out of the deployment, and ask the publisher why it is there.
    """

    id = "files/executables"
    title = "No programs lie among the weights"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="program", title="A program lies among the files", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_LEAVE_OUT),
        Rule(slug="package", title="A package, installer or shortcut lies among the files", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_LEAVE_OUT),
        Rule(slug="script", title="A script for a shell lies among the files", severity=Severity.MEDIUM,
             hazard=Hazard.UNVERIFIED, mend="Read it, or leave it out with --exclude: the model does not need it."),
        Rule(slug="source", title="Source code lies among the files", severity=Severity.INFO, hazard=Hazard.NONE,
             mend="Read it before you run it; loading the model does not need it."),
        Rule(slug="notebook", title="A notebook lies among the files", severity=Severity.INFO, hazard=Hazard.NONE,
             mend="Read it before you run it; loading the model does not need it."),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Look at the beginning of every file."""
        judging = Judging(check=self)
        for file in artifact.files:
            if file.sha256 is None:
                judging.gap(str(file.path), "not downloaded, so it may be a program")
            else:
                judging.look(file, judge_executable, context.limits)
        return judging.outcome()
