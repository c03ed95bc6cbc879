"""What the Hub's own scanners say."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gatekeeper.artifact import Artifact, ListedFile, Scheme
from gatekeeper.checks.check import Check, Context, Outcome, Rule
from gatekeeper.checks.provenance.scans import (
    ALARMS,
    UNREAD,
    Verdict,
    read_file_status,
    read_issues,
    worst,
)
from gatekeeper.evidence import Confidence, Finding, Gap, Hazard, Severity, Strength
from gatekeeper.text import printable

_WHY_NOT = {
    "unknown": "the Hub gave no scan status",
    "unscanned": "the Hub has not scanned it",
    "queued": "the Hub's scan is still queued",
    "error": "the Hub's scan failed",
    UNREAD: "the Hub's scan status can't be read",
}


class PlatformScan(Check):
    """The Hub's scanners have looked at every file and call it safe.

    What it looks at:
        The scan status of the repo and of each file in the Hub's raw answer: its summary and every scanner in it.
        Of the seven words that the Hub uses, `safe` alone is safe; a word that is not among them is no answer. Where
        summary and scanners, or file and repo, disagree, the worse one counts. A scanner that left out a file which
        the summary calls safe, and another scanner too, is not held against it: most scanners read some formats only.
        What it says of files that were left out is told and weighs little: they are not deployed.

    Why it matters:
        Several independent scanners read each file on the Hub. What they call unsafe somebody should look at, even
        where our own scanners see nothing.

    What it cannot see:
        How well the scanners looked. Backdoors in weights are no matter of theirs. A file without a status of its own
        is taken as scanned when the Hub says that all scans of the repo are done.

    How to mend:
        Read the scanner's report on the Hub. Where a scan is queued, gate again later.
    """

    id = "provenance/platform-scan"
    title = "The Hub's own scan"
    rules = (
        Rule(
            slug="unsafe",
            title="The Hub calls a file unsafe",
            severity=Severity.HIGH,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.PLATFORM,
            mend="Don't load the file; read the report on the Hub, and ask for safetensors.",
        ),
        Rule(
            slug="suspicious",
            title="The Hub calls a file suspicious",
            severity=Severity.MEDIUM,
            hazard=Hazard.SUSPICIOUS,
            strength=Strength.PLATFORM,
            confidence=Confidence.MEDIUM,
            mend="Read the report on the Hub before the file is loaded.",
        ),
        Rule(
            slug="caution",
            title="The Hub advises caution with a file",
            severity=Severity.LOW,
            hazard=Hazard.UNVERIFIED,
            strength=Strength.PLATFORM,
            confidence=Confidence.MEDIUM,
            mend="Read the report on the Hub.",
        ),
        Rule(
            slug="excluded",
            title="The Hub warns of a file that was left out",
            severity=Severity.LOW,
            hazard=Hazard.NONE,
            strength=Strength.PLATFORM,
            mend="Don't deploy the file; ask what it does in this repo.",
        ),
    )
    facts = ("platform.scan",)
    not_applicable_facts = MappingProxyType({"platform.scan": "not_applicable"})

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        """Local sources were scanned by no Hub."""
        return "" if artifact.reference.scheme is Scheme.HUB else "a local source is not scanned by the Hub"

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        """Read the status of each file, then hold the repo's list of issues against it."""
        platform = artifact.platform
        if platform is None:
            gap = Gap(reason="the Hub was not asked, so its scan is not known")
            return Outcome(gaps=(gap,), facts={"platform.scan": "unknown"})
        repo, issues, gaps = _read_repo(platform.scan)
        done = repo == "safe"
        # No word for the repo is no loss where each file has its own.
        words = [] if repo == "unknown" and platform.listed else [repo]
        if words == ["unknown"]:
            gaps.append(Gap(reason=_WHY_NOT["unknown"]))
        findings: list[Finding] = []
        left_out = {file.path for file in artifact.excluded}
        for path, entries in _by_path(platform.listed, issues).items():
            verdicts = _verdicts(entries, issues.get(path), done=done)
            word = worst([verdict.word for verdict in verdicts])
            if path in left_out:
                findings += [self._aside(path, word, verdicts)] if word in ALARMS else []
                continue
            words.append(word)
            if word in ALARMS:
                findings.append(self._alarm(path, word, verdicts))
            for verdict in verdicts:
                if verdict.word in _WHY_NOT:
                    gaps.append(Gap(reason=_reason(verdict), path=path))
        return Outcome(findings=tuple(findings), gaps=tuple(gaps), facts={"platform.scan": worst(words)})

    def _alarm(self, path: str, word: str, verdicts: list[Verdict]) -> Finding:
        return self.finding(word, f"{printable(path)}: {_said(verdicts)}.", path=path)

    def _aside(self, path: str, word: str, verdicts: list[Verdict]) -> Finding:
        return self.finding("excluded", f"{printable(path)} was left out: {_said(verdicts)}.", path=path, detail=word)


def _said(verdicts: list[Verdict]) -> str:
    return ", ".join(
        f"{verdict.scanner} says {verdict.word}" + (f" ({verdict.message})" if verdict.message else "")
        for verdict in verdicts
        if verdict.word in ALARMS
    )


def _read_repo(status: object) -> tuple[str, dict[str, str], list[Gap]]:
    """Read a `securityRepoStatus`: a word for the repo (`safe` when all scans are done), issues by path, and gaps."""
    if status is None:
        return "unknown", {}, []
    unreadable = Gap(reason="the Hub's scan status of the repo can't be read")
    if not isinstance(status, Mapping):
        return "error", {}, [unreadable]
    issues, whole = read_issues(status)
    levels: dict[str, list[str]] = {}
    for path, word in issues:
        # Whatever stands in this list is an issue, also under a word that is new to us or says otherwise.
        levels.setdefault(path, []).append(word if word in ALARMS else "suspicious")
    worst_by_path = {path: worst(words) for path, words in levels.items()}
    if not whole:
        return "error", worst_by_path, [unreadable]
    if status.get("scansDone") is not True:
        return "queued", worst_by_path, [Gap(reason="the Hub has not finished scanning the repo")]
    return "safe", worst_by_path, []


def _by_path(listed: tuple[ListedFile, ...], issues: Mapping[str, str]) -> dict[str, list[ListedFile]]:
    entries: dict[str, list[ListedFile]] = {}
    for file in listed:
        entries.setdefault(file.path, []).append(file)
    for path in issues:
        entries.setdefault(path, [])
    return entries


def _verdicts(entries: list[ListedFile], issue: str | None, *, done: bool) -> list[Verdict]:
    """Give all that is said about one path, also where the Hub lists it more than once."""
    verdicts = [Verdict(scanner="the repo's status", word=issue, message="")] if issue else []
    for entry in entries:
        verdicts += _of_file(entry, done=done)
    return verdicts


def _of_file(entry: ListedFile, *, done: bool) -> list[Verdict]:
    if entry.security is None:
        return [Verdict(scanner="status", word="safe" if done else "unknown", message="")]
    verdicts = read_file_status(entry.security)
    if not verdicts:
        return [Verdict(scanner="status", word=UNREAD, message="")]
    scanners = verdicts[1:]
    covered = verdicts[0].word == "safe" and any(verdict.word == "safe" for verdict in scanners)
    return [verdict for verdict in verdicts if not (covered and verdict.word == "unscanned")]


def _reason(verdict: Verdict) -> str:
    who = "" if verdict.scanner == "status" else f" ({verdict.scanner})"
    return _WHY_NOT[verdict.word] + who
