"""`files/formats`: whether every file is what its name says, and known at all."""

from __future__ import annotations

from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.formats import Format
from gatekeeper.checks.files.identify import Identity, identities
from gatekeeper.checks.files.names import TEXTUAL, expected, suffix
from gatekeeper.endings import is_weights
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.text import printable

_REFETCH = "Fetch the file again; if it is the same, refuse it or ask the publisher what it is."


class Formats(Check):
    """Magic bytes against names.

    What it looks at:
        The first bytes of every file, and the directory of zip archives, against some sixty formats; and whether the
        file's extension promises the same.

    Why it matters:
        Loaders go by content, people and scanners by names: a pickle called `.safetensors` runs for the one and is
        harmless to the other. Broken downloads and LFS pointers are no weights.

    What it cannot see:
        Whether a file is sound beyond its first bytes (`files/structure` and `files/scanners` look further), and
        formats that have neither a signature nor a name that is known.

    How to mend:
        Ask the publisher for the file under its right name; fetch LFS content instead of pointers.
    """

    id = "files/formats"
    title = "Every file is what its name says"
    facts = ("artifact.formats",)
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="disguised", title="A file is of another format than its name says", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_REFETCH),
        Rule(slug="not-weights", title="A weight file is of no known format", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_REFETCH),
        Rule(slug="binary-text", title="A file that should be text is not", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_REFETCH),
        Rule(slug="empty-weights", title="A weight file is empty", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_REFETCH),
        Rule(slug="lfs-pointer", title="A pointer stands where the content should be", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Fetch the content with Git LFS or the Hub's client."),
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Hold each file's format against its name."""
        findings: list[Finding] = []
        gaps: list[Gap] = []
        found = identities(artifact, context.limits)
        for identity in found:
            finding = self._judge(identity)
            if finding:
                findings.append(finding)
            elif identity.format is Format.UNKNOWN:
                reason = printable(identity.error) or "its format is not known"
                gaps.append(Gap(reason=reason, path=str(identity.file.path)))
        formats = tuple(sorted({identity.format.value for identity in found}))
        return Outcome(findings=tuple(findings), facts={"artifact.formats": formats}, gaps=tuple(gaps))

    def _judge(self, identity: Identity) -> Finding | None:
        path, found = identity.file.path, identity.format
        shown = printable(str(path))
        promised = expected(path)
        if found is Format.LFS_POINTER:
            return self.finding("lfs-pointer", f"{shown!r} is a Git LFS pointer, not the file", path=str(path))
        if found is Format.EMPTY:
            if not is_weights(str(path)):
                return None
            return self.finding("empty-weights", f"{shown!r} has no bytes", path=str(path))
        if promised is None or found in promised or identity.error:
            return None
        if found is Format.UNKNOWN:
            slug = "binary-text" if promised is TEXTUAL else "not-weights"
            return self.finding(slug, f"{shown!r} holds bytes of no known format", path=str(path))
        if promised is TEXTUAL:
            return self.finding("binary-text", f"{shown!r} is {found.value}, not text", path=str(path))
        message = f"{shown!r} is {found.value}, which {suffix(path)} files are not"
        return self.finding("disguised", message, path=str(path))
