"""`files/paths`: files that are not where, or not what, a model's files should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from gatekeeper.artifact import Artifact, IrregularityKind
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.path_names import deceptive, imitates, unportable
from gatekeeper.evidence import Finding, Hazard, Severity
from gatekeeper.text import printable

_SLUGS = {
    IrregularityKind.PATH_ESCAPE: "escape",
    IrregularityKind.SYMLINK_ESCAPE: "link-escape",
    IrregularityKind.SPECIAL_FILE: "special",
    IrregularityKind.CASE_COLLISION: "collision",
}
_LEFT_OUT = (
    "The file was left out of everything that was checked; ask the publisher why it is there, or refuse the repo."
)


class Paths(Check):
    """Paths that leave the root, links, devices, colliding names.

    What it looks at:
        What the source had to leave out (paths and links that lead out of the root, pipes and devices), and names that
        differ by letter case alone, hold characters that are not seen, mix look-alike letters of other alphabets into
        Latin words, or name something else on Windows.

    Why it matters:
        A path that leaves the root overwrites somebody else's file; two names for one file let the checked one be
        replaced by the other. A reviewer who reads `config.json` in letters that are not all Latin reviews a file that
        no loader opens.

    What it cannot see:
        Files that the platform did not list. Names all in letters of one other alphabet.

    How to mend:
        Leave the file out and ask the publisher why it is there.
    """

    id = "files/paths"
    title = "Every file lies inside the root and is a plain file"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="escape", title="A path leads out of the root", severity=Severity.CRITICAL,
             hazard=Hazard.SUSPICIOUS, mend=_LEFT_OUT),
        Rule(slug="link-escape", title="A link leads out of the root", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_LEFT_OUT),
        Rule(slug="special", title="A pipe, socket or device lies among the files", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_LEFT_OUT),
        Rule(slug="collision", title="Two paths differ by letter case alone", severity=Severity.MEDIUM,
             hazard=Hazard.SUSPICIOUS, mend="Ask the publisher to rename one; some disks hold only one of them."),
        Rule(slug="deceptive", title="A name holds characters that are not seen", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Ask the publisher to rename it: it does not read as what it is."),
        Rule(slug="look-alike", title="A name has letters of another alphabet that pass for Latin ones",
             severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS,
             mend="Ask the publisher to rename it; see whether the file that it imitates is there as well."),
        Rule(slug="unportable", title="A name stands for something else on Windows", severity=Severity.MEDIUM,
             hazard=Hazard.SUSPICIOUS, mend="Ask the publisher to rename it; don't fetch the repo on Windows."),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Turn what the source tripped over into findings, and look at names."""
        findings = [
            self.finding(_SLUGS[trouble.kind], f"{printable(trouble.path)!r}: {trouble.detail}", path=trouble.path)
            for trouble in artifact.irregularities
            if trouble.kind in _SLUGS
        ]
        for file in artifact.files:
            findings += self._named(str(file.path))
        return Outcome(findings=tuple(findings))

    def _named(self, path: str) -> Iterator[Finding]:
        shown = printable(path)
        if deceptive(path):
            message = f"{shown!r} holds characters that show nothing or turn the text round"
            yield self.finding("deceptive", message, path=path)
        latin = imitates(path)
        if latin:
            message = f"{shown!r} reads like {printable(latin)!r}, with letters of another alphabet"
            yield self.finding("look-alike", message, path=path)
        reason = unportable(path)
        if reason:
            yield self.finding("unportable", f"{shown!r}: {reason}", path=path)
