"""Whether the bytes are those that the Hub lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from types import MappingProxyType

from gatekeeper.artifact import Artifact, ArtifactFile, IrregularityKind, ListedFile, PlatformRecord, Scheme
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.evidence import Finding, Gap, Hazard, Severity, Strength
from gatekeeper.text import printable

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_REPORTED_ELSEWHERE = frozenset(
    {
        IrregularityKind.PATH_ESCAPE,
        IrregularityKind.SYMLINK_ESCAPE,
        IrregularityKind.SPECIAL_FILE,
        IrregularityKind.CASE_COLLISION,
        IrregularityKind.SKIPPED,
    }
)
"""Reasons for leaving a file out that `files/paths` tells of."""


class Bytes(Check):
    """The bytes are those that the Hub lists for the commit.

    What it looks at:
        The digests that we computed over the bytes, against the Hub's listing of the commit: SHA-256 for files in
        LFS, the git blob id (SHA-1) for the others, and the size. Also whether every listed file was had, and
        whether the Hub's two listings agree.

    Why it matters:
        The Hub's client checks sizes and no digests, and takes what lies in its cache as it is: bytes altered on
        the way, on a mirror or in a shared cache would be loaded without a word.

    What it cannot see:
        Whether the commit itself is what the publisher made; the listing is the Hub's word. Git's SHA-1 is a weak
        digest against somebody who prepared both files. Bytes that were not downloaded are not compared.

    How to mend:
        Delete the cached copy of the repo and fetch it again from the Hub itself. If it still differs, don't load
        it, and report it to the publisher and to the Hub.
    """

    id = "provenance/bytes"
    title = "Bytes against the Hub's listing"
    rules = (
        Rule(
            slug="mismatch",
            title="The bytes are not those that the Hub lists",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            strength=Strength.CRYPTOGRAPHIC,
            mend="Delete the cached copy of the repo and fetch it again from the Hub itself; if it still differs, "
            "don't load it and report it.",
        ),
        Rule(
            slug="size",
            title="The size is not the one that the Hub lists",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            mend="Fetch again from the Hub itself, past proxies and mirrors; if it persists, report it.",
        ),
        Rule(
            slug="extra",
            title="A file that the Hub does not list",
            severity=Severity.CRITICAL,
            hazard=Hazard.TAMPERED,
            mend="Delete the cached copy of the repo and fetch it again: the file did not come from this commit.",
        ),
        Rule(
            slug="missing",
            title="A listed file is not to be had",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.PLATFORM,
            mend="Ask the publisher to repair the repo, or use a commit that is whole.",
        ),
        Rule(
            slug="listed-twice",
            title="The Hub lists a file twice",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.PLATFORM,
            mend="Check which Hub or mirror answered: a commit holds each path once.",
        ),
        Rule(
            slug="listings-differ",
            title="The Hub's two listings of the commit differ",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.PLATFORM,
            mend="Look at the file on the Hub: a loader may see it where the tree does not show it.",
        ),
    )
    facts = ("bytes.hub",)
    not_applicable_facts = MappingProxyType({"bytes.hub": "unlisted"})

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Local sources have no listing."""
        return "" if artifact.reference.scheme is Scheme.HUB else "a local source: there is no listing to compare with"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Compare every file with what is listed for its path."""
        platform = artifact.platform
        if platform is None:
            gap = Gap(reason="the Hub was not asked, so there is no listing to compare with")
            return Outcome(gaps=(gap,), facts={"bytes.hub": "unknown"})
        if not platform.listed:
            gap = Gap(reason="the Hub lists no file for this commit")
            return Outcome(gaps=(gap,), facts={"bytes.hub": "unknown"})
        mismatches, gaps = self._compare_all(artifact, platform)
        findings = (*mismatches, *self._sizes(artifact), *self._listing(artifact, platform))
        tampered = any(finding.hazard is Hazard.TAMPERED for finding in findings)
        state = "mismatch" if tampered else "unknown" if gaps else "match"
        return Outcome(findings=findings, gaps=gaps, facts={"bytes.hub": state})

    def _compare_all(self, artifact: Artifact, platform: PlatformRecord) -> tuple[tuple[Finding, ...], tuple[Gap, ...]]:
        findings: list[Finding] = []
        gaps: list[Gap] = []
        listed: dict[str, list[ListedFile]] = {}
        for entry in platform.listed:
            listed.setdefault(entry.path, []).append(entry)
        for file in artifact.files:
            path = str(file.path)
            if path not in listed:
                findings.append(self.finding("extra", f"{printable(path)} is not listed for this commit.", path=path))
            for entry in listed.get(path, ()):
                result = self._compare(file, entry)
                if isinstance(result, Finding):
                    findings.append(result)
                elif isinstance(result, Gap):
                    gaps.append(result)
        return tuple(findings), tuple(gaps)

    def _compare(self, file: ArtifactFile, entry: ListedFile) -> Finding | Gap | None:
        """Hold one file against one entry of the listing."""
        path = str(file.path)
        if file.sha256 is None:
            return Gap(reason="bytes were not downloaded, so they are not hashed", path=path)
        if entry.lfs_sha256 is not None:
            name, ours, theirs, form = "sha256", file.sha256, entry.lfs_sha256.lower(), _SHA256
        elif file.git_sha1 is not None:
            name, ours, theirs, form = "git blob", file.git_sha1, entry.git_oid.lower(), _SHA1
        else:
            return Gap(reason="the git blob id of a file outside LFS was not computed", path=path)
        if not form.fullmatch(theirs):
            return Gap(reason="the Hub lists no digest that could be compared", path=path)
        sizes = "the same size" if file.size == entry.size else f"{file.size} bytes here, {entry.size} listed"
        if ours == theirs:
            same = file.size == entry.size
            return None if same else self.finding("size", f"{printable(path)}: {sizes}, with one {name}.", path=path)
        message = (
            f"{printable(path)} has {name} {ours[:16]}…, the Hub lists {theirs[:16]}… ({sizes}): it was altered on "
            "the way or in the local cache."
        )
        return self.finding("mismatch", message, path=path, detail=f"{name} {ours}, listed {theirs}")

    def _sizes(self, artifact: Artifact) -> Iterator[Finding]:
        for irregularity in artifact.irregularities:
            if irregularity.kind is IrregularityKind.SIZE_MISMATCH:
                message = f"{printable(irregularity.path)}: {printable(irregularity.detail)}"
                yield self.finding("size", message, path=irregularity.path)

    def _listing(self, artifact: Artifact, platform: PlatformRecord) -> Iterator[Finding]:
        """Tell of listed files that were not had, and of listings that disagree."""
        times = Counter(entry.path for entry in platform.listed)
        explained = {
            irregularity.path
            for irregularity in artifact.irregularities
            if irregularity.kind in _REPORTED_ELSEWHERE or irregularity.kind is IrregularityKind.SIZE_MISMATCH
        }
        missing = {i.path for i in artifact.irregularities if i.kind is IrregularityKind.MISSING}
        explained |= {file.path for file in artifact.excluded}
        missing |= {path for path in times if artifact.file(path) is None} - explained
        for path in sorted(missing):
            message = f"{printable(path)} is listed for this commit, but the Hub did not deliver it."
            yield self.finding("missing", message, path=path)
        for path, count in times.items():
            if count > 1:
                message = f"{printable(path)} stands {count} times in the listing."
                yield self.finding("listed-twice", message, path=path)
        unlisted = {i.path for i in artifact.irregularities if i.kind is IrregularityKind.UNLISTED}
        if platform.siblings:
            unlisted |= set(platform.siblings) ^ set(times)
        for path in sorted(unlisted):
            message = f"{printable(path)} stands in one of the Hub's listings of this commit and not in the other."
            yield self.finding("listings-differ", message, path=path)
