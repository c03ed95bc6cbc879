"""The SARIF view (OASIS SARIF 2.1.0 with errata 01): one run, in the shape that GitHub's code scanning reads.

Section numbers in this room's comments are those of that document. GitHub's limits are those of its page on SARIF
support: 25,000 results of a run are accepted and the 5,000 worst kept, and the file has at most 10 MB when zipped.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gatekeeper.attestation import Attestation
from gatekeeper.bump import BumpKind
from gatekeeper.decision import Action
from gatekeeper.evidence import Confidence, Severity
from gatekeeper.report import review_words as words
from gatekeeper.report import sarif_rules as rules
from gatekeeper.report.markdown import is_web
from gatekeeper.report.sarif_results import (
    MODEL_ROOT,
    SOURCE_ROOT,
    Result,
    of_attestation,
    of_review,
    write_results,
)
from gatekeeper.report.sarif_rules import plain
from gatekeeper.review import Review
from gatekeeper.text import plural

MAX_RESULTS = 5_000
"""Results of a run that a platform keeps."""

MAX_ZIPPED = 10_000_000
"""Bytes of the zipped file that a platform takes."""

MAX_NOTES = 1_000
"""Notifications of a run."""

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SEMANTIC = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?")

_Note = tuple[str, str]
"""Level and text."""


def review_sarif(review: Review, *, version: str = "", home: str = "", upload: bool = False) -> str:
    """Write what a pull request does to models, each result at the line that names the model.

    Args:
        review: What to show.
        version: The tool's; that of the first attestation when empty.
        home: Address of the tool's repository, for links to its page on checks; empty when nobody knows it.
        upload: Write it for GitHub's code scanning, which opens alerts for suppressed results too and lets a log
            replace the last one of its id: what somebody answers for is left out, and so is the id, which whoever
            uploads it gives.

    Returns:
        JSON in ASCII, indented, always the same for the same review. When there are more results than a platform
        keeps, the least of them are left out and a notification says how many.
    """
    attestations = [judged.attestation for judged in review.judged if judged.attestation]
    told = rules.rules_of(attestations)
    failed = bool(review.bumps.unread) or any(judged.trouble for judged in review.judged)
    invocation = {"executionSuccessful": not failed, "exitCode": review.exit_code}
    results, notes = list(of_review(review)), list(_notes(review))
    if upload:
        still = [result for result in results if not result.settled]
        if len(still) < len(results):
            left = plural(len(results) - len(still), "result")
            notes.insert(0, ("note", f"{left} left out: somebody answers for them"))
        results = still
    return _log(
        results,
        told,
        notes,
        invocation,
        id="" if upload else "gatekeeper/review/",
        version=version or next(iter(words.versions(review)), ""),
        home=home,
        properties={
            "mode": review.mode.value,
            "outcome": words.outcome(review).value,
            "base": plain(review.bumps.base),
            "head": plain(review.bumps.head),
            "policies": [plain(policy) for policy in words.policies(review)],
        },
    )


def to_sarif(attestation: Attestation, *, version: str = "", home: str = "") -> str:
    """Write one attestation, each result at the file of the model that it is about.

    Args:
        attestation: What to show.
        version: As for `review_sarif`.
        home: As for `review_sarif`.

    Returns:
        As for `review_sarif`.
    """
    subject, decision = attestation.subject, attestation.decision
    notes = [("note", each) for each in words.unchecked(attestation)]
    return _log(
        of_attestation(attestation),
        rules.rules_of([attestation]),
        [*notes, *_disbelieved(attestation)],
        {"executionSuccessful": True},
        id=f"gatekeeper/model/{re.sub(r'[^A-Za-z0-9._/-]+', '-', subject.name)[:200]}/",
        version=version or attestation.tool_versions.get(words.DISTRIBUTION, ""),
        home=home,
        properties={
            "subject": plain(subject.reference),
            "commit": plain(subject.commit),
            "digest": plain(subject.digest),
            "action": decision.action.value if decision else "",
            "row": plain(decision.row) if decision else "",
            "policyDigest": plain(decision.policy_digest) if decision else "",
        },
    )


def _notes(review: Review) -> Iterator[_Note]:
    for judged in review.judged:
        if judged.trouble:
            yield "error", f"{words.name(judged)}: {judged.trouble.message}; {judged.trouble.hint}"
    for each in review.bumps.unread:
        yield "error", each
    for disbelieved in review.disbelieved_approvals:
        yield "warning", f"{disbelieved.file} {disbelieved.why}"
    for judged in review.judged:
        if judged.bump.kind is BumpKind.REMOVED:
            # What is gone has no line to point at: that of the older commit says something else by now.
            yield (
                "note",
                f"{words.name(judged)} is no longer named in {', '.join(each.path for each in judged.bump.old)}",
            )
        if judged.attestation and judged.action is Action.ALLOW:
            yield "note", f"{words.name(judged)}: allow, by row {words.row(judged)}: {words.why(judged)}"
    for judged in review.judged:
        yield from (("note", f"{words.name(judged)}: {each}") for each in words.not_looked_at(judged))


def _disbelieved(attestation: Attestation) -> Iterator[_Note]:
    return (("warning", f"{each.file} {each.why}") for each in attestation.disbelieved_approvals)


def _log(
    results: Iterable[Result],
    told: dict[str, rules.Rule],
    notes: Sequence[_Note],
    invocation: dict[str, Any],
    **run: Any,
) -> str:
    ordered = sorted(results, key=lambda result: result.order)
    kept = MAX_RESULTS
    while True:
        text = _text(ordered, kept, told, notes, invocation, **run)
        # Only text that nobody could read compresses so badly.
        if not kept or len(text) <= MAX_ZIPPED or len(gzip.compress(text.encode("ascii"), 6)) <= MAX_ZIPPED:
            return text
        kept //= 2


def _text(
    ordered: Sequence[Result],
    kept: int,
    told: dict[str, rules.Rule],
    notes: Sequence[_Note],
    invocation: dict[str, Any],
    *,
    id: str,
    version: str,
    home: str,
    properties: dict[str, Any],
) -> str:
    shown = ordered[:kept]
    if len(ordered) > kept:
        notes = [("warning", f"{plural(len(ordered) - kept, 'result')} left out, the least of them"), *notes]
    home = home.rstrip("/") if is_web(home) else ""
    described = list(_described(shown, told, home))
    indices = {rule: index for index, (rule, _) in enumerate(described)}
    driver: dict[str, Any] = {"name": "gatekeeper", "rules": [rule for _, rule in described]}
    if home:
        driver["informationUri"] = home
    if version:
        driver["version"] = plain(version, 60)
    if _SEMANTIC.fullmatch(version):
        driver["semanticVersion"] = version
    roots = {SOURCE_ROOT: "The checkout that the change is about.", MODEL_ROOT: "The models, each below its name."}
    run = {
        "tool": {"driver": driver},
        **({"automationDetails": {"id": id}} if id else {}),
        "invocations": [{**invocation, "toolExecutionNotifications": [_note(each) for each in _cut(notes)]}],
        "originalUriBaseIds": {root: {"description": {"text": text}} for root, text in roots.items()},
        "columnKind": "unicodeCodePoints",
        "results": write_results(shown, indices),
        "properties": properties,
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _described(
    results: Sequence[Result], told: dict[str, rules.Rule], home: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    worst: dict[str, Severity] = {}
    surest: dict[str, Confidence] = {}
    for result in results:
        worst[result.rule] = max(worst.get(result.rule, Severity.INFO), result.severity)
        surest[result.rule] = max(surest.get(result.rule, Confidence.LOW), result.confidence)
    for id in sorted(worst):
        yield id, rules.describe(told[id], worst[id], surest[id], home)


def _cut(notes: Sequence[_Note]) -> Sequence[_Note]:
    if len(notes) <= MAX_NOTES:
        return notes
    more = plural(len(notes) - MAX_NOTES + 1, "further notification")
    return [*notes[: MAX_NOTES - 1], ("note", f"{more} left out")]


def _note(note: _Note) -> dict[str, Any]:
    level, text = note
    return {"level": level, "message": {"text": plain(text)}}
