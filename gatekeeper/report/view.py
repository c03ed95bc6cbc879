"""What every view for people shares: the order of things, their words, and how many of them are listed.

Nothing here weighs evidence. Findings are sorted, never judged; the words for an action only say what it means.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from gatekeeper.attestation import Attestation, Subject
from gatekeeper.decision import (
    Action,
    Approval,
    ApprovalState,
    Decision,
    RowOutcome,
    RowState,
    WaiverState,
    WaiverUse,
)
from gatekeeper.endings import is_weights
from gatekeeper.evidence import (
    CheckResult,
    FactValue,
    Finding,
    Hazard,
    Location,
    Readers,
    Severity,
    Status,
    Strength,
    files_of,
    unread_files,
)
from gatekeeper.limits import GIB, KIB, MIB
from gatekeeper.text import plural

_APPROVED = "approved:"
"""What the row of a decision begins with that a person signed off."""

GLOSSES: Mapping[Action, str] = {
    Action.ALLOW: "May be deployed under this policy.",
    Action.AUDIT: "Verify before deployment.",
    Action.PATCH: "Repair in place, then inspect again.",
    Action.ESCALATE: "A person must decide.",
    Action.DISCARD: "Do not deploy.",
}
"""What each action means, in one short sentence."""

UNDECIDED = "Evidence was gathered; no policy was asked."
"""What a scan's missing decision means."""

STATUS_WORDS: Mapping[Status, str] = {
    Status.PASS: "found nothing",
    Status.FAIL: "found something",
    Status.UNKNOWN: "unknown",
    Status.NOT_APPLICABLE: "not applicable",
}
"""How a check's end is told: never as praise of the artifact."""

STRENGTH_WORDS: Mapping[Strength, str] = {
    Strength.CRYPTOGRAPHIC: "cryptographic: a digest or signature that we computed",
    Strength.PLATFORM: "platform: the Hub's word",
    Strength.SELF_DECLARED: "self-declared: the publisher's word",
    Strength.MEASURED: "measured: read off the bytes",
}
"""What kind of evidence a finding rests on."""

BLOCKING = frozenset({Hazard.TAMPERED, Hazard.PAYLOAD, Hazard.IMPLANT, Hazard.DENIED, Hazard.SUSPICIOUS})
"""Hazards that the built-in policies answer with discard or escalate."""

_LIES_IN_FILES = frozenset({Hazard.PAYLOAD, Hazard.IMPLANT, Hazard.SUSPICIOUS})
"""Those that a file left out takes with it; what tampers with one file may have touched all."""

MAX_READERS = 6
"""Loaders named for one file."""

MAX_EXCLUDED = 5
"""Files named that were left out, or could be."""

_ROOMS = {
    "provenance": "Provenance",
    "files": "Files",
    "onnx": "Computational graph",
    "adapter": "Adapter weights",
    "behaviour": "Behaviour",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The checks of one room with what they found."""

    title: str
    results: tuple[CheckResult, ...]
    """In the order of the registry."""

    findings: tuple[Finding, ...]
    """Worst first, waived ones last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Findings of one rule that differ only in what was found and where."""

    first: Finding
    places: tuple[Finding, ...]
    """All of them, `first` among them."""


def rooms(attestation: Attestation) -> tuple[Room, ...]:
    """Group the evidence by room; rooms with the worst open finding first, else in the order of the registry."""
    names = dict.fromkeys(_room(result) for result in attestation.results)
    waived = waivers_in_use(attestation)
    grouped = []
    for name in names:
        results = tuple(result for result in attestation.results if _room(result) == name)
        found = (finding for result in results for finding in result.findings)
        grouped.append(Room(title=_ROOMS.get(name, name), results=results, findings=worst_first(found, waived)))
    return tuple(sorted(grouped, key=lambda room: -_worst(room.findings, waived)))


def _room(result: CheckResult) -> str:
    return result.check.id.split("/", 1)[0]


def _worst(findings: Iterable[Finding], waived: Mapping[str, WaiverUse]) -> int:
    return max((finding.severity for finding in findings if finding.id not in waived), default=0)


def worst_first(findings: Iterable[Finding], waived: Container[str]) -> tuple[Finding, ...]:
    """Sort findings: open before waived, then by severity, confidence, id and place."""
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                finding.id in waived,
                -finding.severity,
                -finding.confidence,
                finding.id,
                finding.location.path,
                finding.location.offset or 0,
            ),
        )
    )


def groups(findings: Iterable[Finding]) -> tuple[Group, ...]:
    """Put neighbouring findings of one rule and one weight together, so that its advice is read once."""
    grouped = []
    for _, same in groupby(findings, lambda found: (found.id, found.title, found.mend, _weight(found))):
        places = tuple(same)
        grouped.append(Group(first=places[0], places=places))
    return tuple(grouped)


def _weight(finding: Finding) -> tuple[object, ...]:
    return finding.severity, finding.confidence, finding.strength, finding.hazard


def waivers_in_use(attestation: Attestation) -> dict[str, WaiverUse]:
    """Give the waivers that the decision used, by the id of the finding that each waives."""
    waivers = attestation.decision.waivers if attestation.decision else ()
    return {waiver.finding: waiver for waiver in waivers if waiver.state is WaiverState.USED}


def approvals_in_use(decision: Decision) -> tuple[Approval, ...]:
    """Give the approvals that the decision rests on."""
    return tuple(use.approval for use in decision.approvals if use.state is ApprovalState.USED)


def read_by(location: Location, readers: Readers) -> str:
    """Say which loaders would read the file that a place lies in; empty when no check told."""
    files = files_of(location, readers)
    loaders = dict.fromkeys(loader for path in files for loader in readers[path])
    return _read_by(tuple(loaders)) if files else ""


def read_by_file(path: str, readers: Readers) -> str:
    """Say which loaders would read a file; empty when no check told."""
    return _read_by(readers[path]) if path in readers else ""


def _read_by(loaders: tuple[str, ...]) -> str:
    more = f" and {len(loaders) - MAX_READERS} more" if len(loaders) > MAX_READERS else ""
    return f"read by {', '.join(loaders[:MAX_READERS])}{more}" if loaders else "no known loader reads it"


def spare(attestation: Attestation) -> tuple[str, ...]:
    """Give the files in which every open finding that blocks lies, when no known loader reads any of them.

    Empty when leaving files out would not be enough: something blocks elsewhere, or nothing would be left to load.
    """
    if attestation.decision is None or attestation.decision.action is Action.ALLOW:
        return ()
    waived, readers = waivers_in_use(attestation), attestation.readers
    blocking = [found for found in attestation.findings if found.hazard in BLOCKING and found.id not in waived]
    if not all(found.hazard in _LIES_IN_FILES for found in blocking):
        return ()
    files = unread_files(blocking, readers)
    left = any(loaders and is_weights(path) for path, loaders in readers.items())
    return files if left else ()


def spare_note(attestation: Attestation) -> str:
    """Say that leaving files out is worth a try; empty when it is not."""
    files = spare(attestation)
    if not files:
        return ""
    told = f"No known loader reads {_few(files)}, and nothing that blocks lies elsewhere."
    patterns = [f"--exclude {shlex.quote(pattern)}" for pattern in exclusions(files, attestation)]
    more = " and so on" if len(patterns) > MAX_EXCLUDED else ""
    return f"{told} Gate again with {' '.join(patterns[:MAX_EXCLUDED])}{more}, and deploy without {_it(files)}."


def exclusions(files: Sequence[str], attestation: Attestation) -> tuple[str, ...]:
    """Give the patterns that leave these files out, after those by which others were left out already."""
    names = Counter(path.rsplit("/", 1)[-1] for path in (file.path for file in attestation.subject.files))
    patterns = [_pattern(path, names[path.rsplit("/", 1)[-1]] > 1) for path in files]
    return (*attestation.subject.exclude, *patterns)


def _pattern(path: str, is_common: bool) -> str:
    plain = "".join(f"[{each}]" if each in "*?[" else each for each in path)
    return f"/{plain}" if is_common else plain


def subset_note(subject: Subject) -> str:
    """Say that the decision is about a subset; empty when it is about all that was named."""
    if not subject.exclude:
        return ""
    out = subject.excluded
    return f"For a subset: {plural(len(out), 'file')} left out: {_few([file.path for file in out])}"


def _few(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - MAX_EXCLUDED:,} more" if len(paths) > MAX_EXCLUDED else ""
    return f"{', '.join(paths[:MAX_EXCLUDED])}{more}"


def _it(files: Sequence[str]) -> str:
    return "it" if len(files) == 1 else "them"


def severity_tally(attestation: Attestation) -> str:
    """Count findings by severity in words: `2 critical, 1 low (1 waived)`, or `none`."""
    counts = Counter(finding.severity for finding in attestation.findings)
    told = ", ".join(f"{counts[severity]:,} {severity.label}" for severity in reversed(Severity) if counts[severity])
    waived = sum(finding.id in waivers_in_use(attestation) for finding in attestation.findings)
    return (told or "none") + (f" ({waived:,} waived)" if waived else "")


def status_counts(results: Iterable[CheckResult]) -> tuple[str, ...]:
    """Count how checks ended in words, those to look at first: `1 unknown`, `3 found nothing`."""
    counts = Counter(result.status for result in results)
    order = (Status.FAIL, Status.UNKNOWN, Status.PASS, Status.NOT_APPLICABLE)
    return tuple(f"{counts[status]:,} {STATUS_WORDS[status]}" for status in order if counts[status])


def status_tally(results: Iterable[CheckResult]) -> str:
    """Give `status_counts` in one line."""
    return ", ".join(status_counts(results)) or "none ran"


def unanswered(attestation: Attestation) -> tuple[CheckResult, ...]:
    """Give the checks that ended unknown or left gaps."""
    return tuple(result for result in attestation.results if result.status is Status.UNKNOWN or result.gaps)


def allowance(attestation: Attestation) -> str:
    """Say what an `allow` rests on, without calling anything free of fault; empty for other actions."""
    if attestation.decision is None or attestation.decision.action is not Action.ALLOW:
        return ""
    count = len(attestation.findings)
    if not count:
        return "Nothing found, by these checks, within these limits."
    signed_off = attestation.decision.row.startswith(_APPROVED)
    answered = "which somebody answers for" if signed_off else "which this policy does not hold against it"
    told = f"{plural(count, 'finding')}, {answered}"
    return f"{told}; nothing else found, by these checks, within these limits."


def authority(decision: Decision) -> str:
    """Say what asked for the action: a row of the policy, a law above it, or somebody who signed a row off."""
    kind, colon, law = decision.row.partition(":")
    if kind == "approved" and colon:
        policy = decision.policy_name or "(unnamed)"
        by = ", ".join(dict.fromkeys(approval.by for approval in approvals_in_use(decision)))
        return f"Row {law} of the policy {policy} left it to a person, and {by or 'somebody'} signed it off."
    if kind == "law" and colon:
        return f'Asked for by the law "{law}", above every row of the policy.'
    return f"Asked for by row {decision.row} of the policy {decision.policy_name or '(unnamed)'}."


def signature_words(approval: Approval) -> str:
    """Say whose signature an approval has."""
    return f"signed with the key of {approval.signer}" if approval.signer else "unsigned"


def covered(approval: Approval) -> str:
    """Say what an approval signed off: the row, the findings that were open and the checks that could not look."""
    told = f"row {approval.row} said {approval.action.value}"
    found = f"open: {_few(approval.findings)}" if approval.findings else "nothing open"
    return f"{told}; {found}" + (f"; unknown: {_few(approval.unknown)}" if approval.unknown else "")


def fired(row: RowOutcome, decision: Decision) -> bool:
    """Whether it is the row that decided, also where a person then signed it off."""
    return row.row == decision.row.removeprefix(_APPROVED)


def rows(decision: Decision, *, holding: bool) -> tuple[tuple[int, RowOutcome], ...]:
    """Give rows of the table with their place in it, from 1: those that may hold, or those that do not."""
    numbered = enumerate(decision.rows, 1)
    return tuple((place, row) for place, row in numbered if (row.state is not RowState.FAILS) == holding)


def row_word(row: RowOutcome, decision: Decision) -> str:
    """Say how a row of the table came out."""
    if fired(row, decision):
        return "fired, signed off" if decision.row.startswith(_APPROVED) else "fired"
    if row.state is RowState.HOLDS:
        return "holds, not first"
    return "does not hold" if row.state is RowState.FAILS else "could not be told"


def facts(attestation: Attestation) -> dict[str, FactValue]:
    """Give the facts that the table was tried on, or for a scan those that the checks set, sorted by name."""
    known: dict[str, FactValue] = {}
    for source in (attestation.decision,) if attestation.decision else attestation.results:
        known.update(source.facts)
    return {name: known[name] for name in sorted(known)}


def fact_text(value: FactValue) -> str:
    """Write a fact's value as policies do."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value) or "[]"
    return str(value) if value != "" else '""'


def size_text(size: int) -> str:
    """Write a number of bytes in binary units: `1.5 MiB`."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if abs(size) >= unit:
            return f"{size / unit:,.1f} {name}"
    return "1 byte" if size == 1 else f"{size} bytes"


def time_text(moment: datetime) -> str:
    """Write a time for people, in UTC where the calendar allows it."""
    try:
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment.tzinfo else f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:  # a date set by whoever pushed the commit, at the end of the calendar
        return moment.isoformat(sep=" ")


def short(digest: str) -> str:
    """Cut a digest or commit to what the eye compares: twelve digits, after `sha256:` where it has that."""
    head, colon, digits = digest.rpartition(":")
    return f"{head}{colon}{digits[:12]}…" if len(digits) > 12 else digest
