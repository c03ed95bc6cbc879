"""`files/scanners`: what loading the files would do, by our own walk and two other scanners in a limited child."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, TypeVar

from gatekeeper.artifact import Artifact
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.files.identify import identities
from gatekeeper.checks.files.limited_child import Scanning
from gatekeeper.checks.files.member_judges import member_rules
from gatekeeper.checks.files.pickle_rules import PICKLE_RULES
from gatekeeper.checks.files.results_cache import ResultsCache
from gatekeeper.checks.files.scanning_session import Session
from gatekeeper.checks.files.unpack import Unpacker
from gatekeeper.confined import private_folder
from gatekeeper.evidence import Finding, Hazard, Severity

_REFUSE = "Don't load it; ask the publisher for safetensors."
_LOOK = "Find out what it is and why it is there; waive it with the reason, or refuse the file."


class Scanners(Check):
    """Our own walk, hayward and picklescan over everything that can hold code.

    What it looks at:
        Pickle streams wherever they lie (torch files old and new, joblib, npy and npz with objects), zip, tar and 7z
        archives and gzip, bzip2, xz, zlib, lz4 and zstd streams in each other, whose members are judged as the
        artifact's own files are (names, links, structure, checksums, programs, configurations, templates, code),
        Keras configurations, TensorFlow and ONNX graphs, PMML, skops. Our own walk reads every opcode of a pickle and
        passes reviewed names alone; two scanners by different authors read each file beside it, in a child process
        with limits on work, time, memory and output. Tensor bytes are left out.

    Why it matters:
        A pickle is a program that runs when it is loaded. Most malicious models found on hubs so far were pickles.

    What it cannot see:
        What reviewed globals would do together with a loader's own code; payloads in formats that no scanner reads;
        files and archives that cost more than the limits, which are named as not looked at; rar archives; whether
        tensor bytes of large zip files have the checksum that the archive gives them.

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
        Rule(slug="truncated-pickle", title="A pickle is cut off", severity=Severity.HIGH,
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
        with private_folder() as folder:
            copies, scratch = folder / "copies", folder / "scratch"
            copies.mkdir()
            scratch.mkdir()
            with (
                Scanning(context.limits, copies, scratch, context.scanner_server) as scanning,
                Unpacker(copies, context.limits) as unpacker,
                context.progress.task("scanning", len(artifact.files), "files") as advance,
            ):
                session = Session(
                    unpacker=unpacker,
                    scanning=scanning,
                    results=ResultsCache(context.results, self.version, context.limits) if context.results else None,
                )
                for identity in identities(artifact, context.limits):
                    session.add(identity)
                    advance(1)
                found = list(session.finish())
        findings = [self.finding(claim.slug, claim.message, path=claim.path, offset=claim.offset, detail=claim.detail)
                    for claim in dict.fromkeys(claim for each in found for claim in each.claims)]  # fmt: skip
        all_gaps = dict.fromkeys(gap for each in found for gap in each.gaps)
        gaps = _capped(all_gaps, lambda gap: (gap.reason, gap.path.split("!", 1)[0]))
        return Outcome(findings=tuple(_capped(findings, _kind)), gaps=tuple(gaps))


_MOST_OF_A_KIND = 50
"""Findings of one rule, or gaps of one reason, for one file: a hostile archive can hold a hundred thousand members."""

_Item = TypeVar("_Item")


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.id, finding.location.path.split("!", 1)[0]


def _capped(items: Iterable[_Item], kind: Callable[[_Item], tuple[str, str]]) -> Iterator[_Item]:
    seen: Counter[tuple[str, str]] = Counter()
    for item in items:
        key = kind(item)
        seen[key] += 1
        if seen[key] <= _MOST_OF_A_KIND:
            yield item
