"""`files/scanners`: what loading the files would do, by two independent scanners in a limited child."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.feed import Feed, MemberProblem, Refusal, RefusalKind
from gatekeeper.checks.files.formats import CODE_CAPABLE
from gatekeeper.checks.files.identify import Identity, identities
from gatekeeper.checks.files.limited_child import Scanning, Verdict
from gatekeeper.checks.files.member_judges import member_rules
from gatekeeper.checks.files.pickle_rules import PICKLE_RULES
from gatekeeper.checks.files.unpack import Unpacker
from gatekeeper.checks.files.verdicts import Claim, claims
from gatekeeper.errors import ContentChangedError, SourceError
from gatekeeper.evidence import Finding, Gap, Hazard, Severity
from gatekeeper.text import printable

_BATCH = 64
"""Copies for one child; more would keep too much on disk at once."""

_REFUSE = "Don't load it; ask the publisher for safetensors."
_LOOK = "Find out what it is and why it is there; waive it with the reason, or refuse the file."

_SLUGS = {
    RefusalKind.BOMB: "decompression-bomb",
    RefusalKind.BROKEN: "broken-archive",
    RefusalKind.COLLISION: "archive-collision",
    RefusalKind.ESCAPE: "archive-escape",
    RefusalKind.LINK: "archive-link",
    RefusalKind.NESTED: "nested-archives",
    RefusalKind.SPECIAL: "archive-special",
}


class Scanners(Check):
    """hayward and picklescan over everything that can hold code.

    What it looks at:
        Pickle streams wherever they lie (torch files old and new, joblib, npy and npz with objects), zip, tar and 7z
        archives and gzip, bzip2, xz, zlib, lz4 and zstd streams in each other, whose members are judged as the
        artifact's own files are (names, links, structure, checksums, programs), Keras configurations, TensorFlow and
        ONNX graphs, PMML, skops. Two scanners by
        different authors read each of them in a child process with limits on time, memory and output; tensor bytes
        are left out.

    Why it matters:
        A pickle is a program that runs when it is loaded. Most malicious models found on hubs so far were pickles.

    What it cannot see:
        What reviewed globals would do together with a loader's own code; payloads in formats that neither scanner
        reads; files and archives that cost more than the limits, which
        are named as not looked at; rar archives; whether tensor bytes of large zip files have the checksum that the
        archive gives them.

    How to mend:
        Ask the publisher for safetensors, or load with `weights_only=True` and nothing else.
    """

    id = "files/scanners"
    version = 2
    title = "Loading the files runs no code that was not reviewed"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(slug="payload", title="Loading the file would run code", severity=Severity.CRITICAL,
             hazard=Hazard.PAYLOAD, mend=_REFUSE),
        Rule(slug="archive-escape", title="Unpacking the file would write outside its folder",
             severity=Severity.CRITICAL, hazard=Hazard.PAYLOAD, mend=_REFUSE),
        Rule(slug="unknown-global", title="A pickle imports something that nobody reviewed", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_LOOK),
        Rule(slug="scanner-finding", title="A scanner objects to the file", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_LOOK),
        Rule(slug="truncated-pickle", title="A pickle ends before its end", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Fetch the file again; if it is the same, refuse it."),
        Rule(slug="decompression-bomb", title="Something unpacks to far more than it takes", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_REFUSE),
        Rule(slug="broken-archive", title="Something packed can't be unpacked", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend="Fetch the file again; if it is the same, refuse it."),
        Rule(slug="archive-link", title="An archive holds a link", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_LOOK),
        Rule(slug="nested-archives", title="Archives are nested too deeply", severity=Severity.HIGH,
             hazard=Hazard.SUSPICIOUS, mend=_REFUSE),
        Rule(slug="archive-special", title="An archive holds a device or a program with its owner's rights",
             severity=Severity.HIGH, hazard=Hazard.SUSPICIOUS, mend=_REFUSE),
        Rule(slug="archive-collision", title="Two members of an archive are one file on some disks",
             severity=Severity.MEDIUM, hazard=Hazard.SUSPICIOUS, mend=_LOOK),
        *member_rules(),
        *PICKLE_RULES,
    )  # fmt: skip

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Copy what can hold code, have it scanned, and say what came of it."""
        with (
            tempfile.TemporaryDirectory(prefix="gatekeeper-copies-") as folder,
            Unpacker(Path(folder), context.limits) as unpacker,
        ):
            session = _Session(unpacker=unpacker, scanning=Scanning(context.limits))
            with context.progress.task("scanning", len(artifact.files), "files") as advance:
                for identity in identities(artifact, context.limits):
                    session.add(identity)
                    advance(1)
                session.flush()
        findings = [self.finding(claim.slug, claim.message, path=claim.path, offset=claim.offset, detail=claim.detail)
                    for claim in dict.fromkeys(session.claims)]  # fmt: skip
        return Outcome(findings=tuple(_capped(findings)), gaps=tuple(dict.fromkeys(session.gaps)))


_MOST_OF_A_KIND = 50
"""Findings of one rule for one file: a hostile archive can hold a hundred thousand members."""


def _capped(findings: list[Finding]) -> Iterator[Finding]:
    seen: dict[tuple[str, str], int] = {}
    for finding in findings:
        key = (finding.id, finding.location.path.split("!", 1)[0])
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= _MOST_OF_A_KIND:
            yield finding


@dataclass(kw_only=True, slots=True)
class _Session:
    """One run: copies wait until there are enough for a child, which is started for the first of them only."""

    unpacker: Unpacker
    scanning: Scanning
    claims: list[Claim] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    _waiting: list[Feed] = field(default_factory=list)

    def add(self, identity: Identity) -> None:
        """Copy what one file holds for the scanners; whatever fails is that file's gap."""
        path = str(identity.file.path)
        if identity.file.sha256 is None and identity.format in CODE_CAPABLE:
            self.gaps.append(Gap(reason="not downloaded, so it was not scanned", path=path))
            return
        try:
            for item in self.unpacker.feeds(identity):
                if isinstance(item, Refusal):
                    self._refuse(item)
                    continue
                if isinstance(item, MemberProblem):
                    self._judged(item)
                    continue
                self._waiting.append(item)
                if len(self._waiting) >= _BATCH:
                    self.flush()
        except (SourceError, ContentChangedError, OSError) as error:
            self.gaps.append(Gap(reason=f"can't be read: {printable(str(error))}", path=path))

    def flush(self) -> None:
        """Have the waiting copies scanned and remove them."""
        for verdict in self.scanning.scan(self._waiting):
            self._judge(verdict)
        for feed in self._waiting:
            feed.copy.unlink(missing_ok=True)
        self._waiting.clear()

    def _refuse(self, refusal: Refusal) -> None:
        slug = _SLUGS.get(refusal.kind)
        if slug is None:
            self.gaps.append(Gap(reason=refusal.reason, path=refusal.path))
            return
        shown = printable(refusal.path, 160)
        self.claims.append(Claim(slug=slug, message=f"{shown!r}: {refusal.reason}", path=refusal.path))

    def _judged(self, found: MemberProblem) -> None:
        problem, shown = found.problem, printable(found.path, 160)
        message = f"{shown!r}: {problem.message}"
        claim = Claim(slug=problem.slug, message=message, path=found.path, offset=problem.offset, detail=problem.detail)
        self.claims.append(claim)

    def _judge(self, verdict: Verdict) -> None:
        if verdict.error:
            self.gaps.append(Gap(reason=verdict.error, path=verdict.feed.path))
            return
        for item in claims(verdict.feed, verdict.reports):
            if isinstance(item, Claim):
                self.claims.append(item)
            else:
                self.gaps.append(item)
