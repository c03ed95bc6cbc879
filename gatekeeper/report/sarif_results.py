"""Results of a SARIF log: what was found, and the line of the pull request that names the model it was found in."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gatekeeper.attestation import Attestation
from gatekeeper.bump import BumpKind
from gatekeeper.comparison import Attention
from gatekeeper.decision import Action
from gatekeeper.evidence import Confidence, Finding, Severity
from gatekeeper.mention import Mention, Role
from gatekeeper.report import review_words as words
from gatekeeper.report import sarif_rules as rules
from gatekeeper.report.markdown import path_address
from gatekeeper.report.sarif_rules import LEVELS, plain
from gatekeeper.report.view import BLOCKING, short
from gatekeeper.review import Judged, Review

SOURCE_ROOT = "%SRCROOT%"
"""The checkout, as platforms call it."""

MODEL_ROOT = "MODELROOT"
"""Where models lie by their names: for what is about a model that no file of a pull request names."""

MAX_PLACES = 100
"""Places told of one result: more are accepted and not shown."""

_VERDICT_SEVERITY = {
    Action.DISCARD: Severity.CRITICAL,
    Action.ESCALATE: Severity.HIGH,
    Action.PATCH: Severity.HIGH,
    Action.AUDIT: Severity.MEDIUM,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One result before it is written."""

    rule: str
    severity: Severity
    confidence: Confidence = Confidence.HIGH
    message: str
    """Plain text, made fit for SARIF already."""

    model: str = ""
    """Reference, or whatever the model is called."""

    path: str = ""
    """File inside the model; empty when the whole is meant."""

    detail: str = ""
    """What in that file."""

    offset: int | None = None
    """Byte offset in that file: it orders results."""

    bound: str = ""
    """Digest, or at least the commit, of the bytes that it is about: the same told of other bytes is another alert,
    whatever was said of this one. Empty where the statement is not about bytes."""

    settled: str = ""
    """Why nobody needs to act on it any more; empty when somebody does."""

    places: tuple[Mention, ...] = ()
    """Lines of the pull request that name the model, the one to point at first."""

    @property
    def order(self) -> tuple[object, ...]:
        """Worst first, and always the same."""
        where = [(each.path, each.cell, each.line) for each in self.places]
        told = (self.model, self.path, self.detail, self.offset or 0, self.bound, self.message, self.settled)
        return (bool(self.settled), -self.severity, -self.confidence, self.rule, where, *told)


def of_review(review: Review) -> Iterator[Result]:
    """Give every result of a review, in no order."""
    for group in _by_subject(review):
        places = tuple(place for judged in group for place in words.places(judged))
        first = group[0]
        # A line must not get into a fingerprint, so what has no name is called by its file.
        model = first.bump.name or next((place.path for place in places), "")
        about = Result(rule="", severity=Severity.INFO, message="", model=model, places=places)
        if first.attestation:
            yield from of_attestation(first.attestation, places, model=first.bump.name)
            yield from _changes(group, first.attestation, about)
        else:
            yield _without_verdict(first, about)


def _by_subject(review: Review) -> Iterable[Sequence[Judged]]:
    """Put together what was gated once: a model and its tokenizer are two names of the same bytes, and one alert."""
    groups: dict[object, list[Judged]] = {}
    for number, judged in enumerate(review.judged):
        if judged.bump.kind is not BumpKind.REMOVED:
            key = (id(judged.attestation), judged.bump.name) if judged.attestation else number
            groups.setdefault(key, []).append(judged)
    return [sorted(group, key=_main_first) for group in groups.values()]


def _main_first(judged: Judged) -> tuple[object, ...]:
    place = judged.bump.place
    return (list(Role).index(judged.bump.role), *((place.path, place.cell, place.line) if place else ()))


def of_attestation(attestation: Attestation, places: tuple[Mention, ...] = (), *, model: str = "") -> Iterator[Result]:
    """Give the verdict where it is not allow, and every finding once."""
    subject = attestation.subject
    called = _called(attestation)
    about = Result(
        rule="",
        severity=Severity.INFO,
        message="",
        model=model or subject.name,
        bound=subject.digest or subject.commit,
        places=places,
    )
    decision = attestation.decision
    if decision and decision.action is not Action.ALLOW:
        told = f"{called}: {decision.action.value}, by row {decision.row}. {words.sentence(decision.because)}"
        yield replace(
            about,
            rule=f"{rules.VERDICT}-{decision.action.value}",
            severity=_VERDICT_SEVERITY[decision.action],
            message=_message(told, decision.ask, places),
            detail=decision.row,
        )
    settled = words.settled(attestation)
    for finding in attestation.findings:
        yield _finding(finding, about, called, settled.get(finding.id, ""))


def _finding(finding: Finding, about: Result, called: str, settled: str) -> Result:
    where = words.place_in(finding)
    told = f"{called}: {finding.message}" + (f", in {where}" if where else "")
    return replace(
        about,
        rule=rules.rule_id(finding),
        severity=finding.severity,
        confidence=finding.confidence,
        message=_message(words.sentence(told), finding.mend, about.places),
        path=finding.location.path,
        detail=finding.location.detail,
        offset=finding.location.offset,
        bound=about.bound if finding.hazard in BLOCKING else "",
        settled=settled,
    )


def _changes(group: Sequence[Judged], attestation: Attestation, about: Result) -> Iterator[Result]:
    told = (change for judged in group if judged.comparison for change in judged.comparison.changes)
    # Its names may have moved from several revisions; what differs from two of them alike is told once.
    for change in dict.fromkeys(each for each in told if each.attention is Attention.FIRST):
        message = f"{about.model}: {change.topic.value}: {words.sentence(change.words)}"
        yield replace(
            about,
            rule=rules.CHANGED,
            severity=Severity.MEDIUM,
            message=_message(message, "look at this first", about.places),
            path=change.subject,
            detail=f"{change.topic.value} {change.kind.value}",
            bound=attestation.subject.digest or attestation.subject.commit,
        )


def _without_verdict(judged: Judged, about: Result) -> Result:
    told = f"{words.name(judged)}: {words.sentence(words.why(judged))}"
    unresolved = judged.bump.kind is BumpKind.UNRESOLVED
    rule, severity = (rules.UNRESOLVED, Severity.MEDIUM) if unresolved else (rules.NOT_JUDGED, Severity.HIGH)
    call = next((place.call for place in about.places if place.call), "")
    return replace(
        about,
        rule=rule,
        severity=severity,
        message=_message(told, words.ask(judged), about.places),
        detail=f"{judged.bump.role.value} {call}".strip(),
        bound=judged.bump.revision,
    )


def _called(attestation: Attestation) -> str:
    subject = attestation.subject
    return f"{subject.name}@{short(subject.commit)}" if subject.commit else subject.name


def _message(told: str, ask: str, places: Sequence[Mention]) -> str:
    cell = places[0].cell if places else 0
    parts = [told]
    if ask:
        parts.append(f"What to do: {words.sentence(ask)}")
    if cell:
        parts.append(f"Named in cell {cell}, line {places[0].line}, of the notebook.")
    return " ".join(plain(part) for part in parts)


def write_results(results: Iterable[Result], indices: Mapping[str, int]) -> list[dict[str, Any]]:
    """Write results (3.27).

    Args:
        results: In the order in which they are written.
        indices: Rule → its place in the list of rules.
    """
    seen: Counter[str] = Counter()
    written = []
    for result in results:
        mark = _fingerprint(result)
        seen[mark] += 1
        written.append(_written(result, indices[result.rule], mark, seen[mark]))
    return written


def _fingerprint(result: Result) -> str:
    """Tell a result from others by what it says and not by where it is said: a moved line keeps its alert."""
    parts = [result.rule, result.model, result.path, result.detail, result.bound]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode("ascii")).hexdigest()[:32]


def _written(result: Result, index: int, mark: str, nth: int) -> dict[str, Any]:
    # GitHub refuses a whole log for one result without a file and a line.
    physical = [_place(each) for each in result.places[:MAX_PLACES]] or [_inside(result)]
    inner = result.model + (f"/{result.path}" if result.path else "")
    logical = {
        "name": plain(result.detail or result.path or result.model, 200),
        "fullyQualifiedName": plain(f"{inner}#{result.detail}" if result.detail else inner, 600),
        "kind": "resource",
    }
    # Two findings of one rule at one spot are told apart by their count.
    own = f"{mark}:{nth}"
    written: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": index,
        "level": LEVELS[result.severity],
        "rank": float(20 * (result.severity - 1) + 5 * result.confidence),
        "message": {"text": result.message},
        "locations": [{**physical[0], "logicalLocations": [logical]}],
        # The first is the only one that GitHub reads. Without it the upload takes the text of the line, which is the
        # same for all that is found in one model, and for other bytes behind the same branch.
        "partialFingerprints": {"primaryLocationLineHash": own, "gatekeeper/v1": own},
    }
    if physical[1:]:
        written["relatedLocations"] = [
            {"id": number, **each, "message": {"text": "The same model is named here too."}}
            for number, each in enumerate(physical[1:], 1)
        ]
    if result.settled:
        written["suppressions"] = [{"kind": "external", "status": "accepted", "justification": plain(result.settled)}]
    return written


def _place(mention: Mention) -> dict[str, Any]:
    """Write a line of the pull request; a line of a notebook's cell is no line of its file."""
    return _physical(mention.path, SOURCE_ROOT, mention.line if mention.line > 0 and not mention.cell else 1)


def _inside(result: Result) -> dict[str, Any]:
    """Write a place in the model itself, for what no file of a pull request names."""
    file, _, _ = result.path.partition("!")
    # Names can be anything, and nobody who follows an address is to be led out of the model.
    steps = [step for step in f"{result.model}/{file}".split("/") if step not in {"", ".", ".."}]
    # Files of a model have no lines; the message has the offset, which may be one in a member of an archive.
    return _physical("/".join(steps), MODEL_ROOT, 1)


def _physical(path: str, root: str, line: int) -> dict[str, Any]:
    place = {"uri": path_address(path) or "unnamed", "uriBaseId": root}
    return {"physicalLocation": {"artifactLocation": place, "region": {"startLine": line}}}
