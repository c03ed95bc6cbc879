"""The console view: the verdict first, then why, what is asked, what was found and what was not checked.

It reads the same at 80 columns, without colour and through a pipe: every colour repeats a word, and nothing is drawn.
Text from a model repo is made printable and handed to rich as `Text`, which knows no markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.attestation import Attestation
from gatekeeper.audit import Audit
from gatekeeper.decision import Action, ApprovalUse, Decision
from gatekeeper.evidence import Finding, Readers, Severity
from gatekeeper.remedy import Remedy
from gatekeeper.report import adapters, controls, incident, view
from gatekeeper.text import plural, printable

if TYPE_CHECKING:
    from rich.console import Console

MAX_GROUPS = 10
"""Rules listed with their findings, unless everything is asked for."""

MAX_PLACES = 3
"""Findings listed for one rule."""

MAX_POINTS = 8
"""Points listed that were not checked."""

_TONES = {
    Action.ALLOW: "bold green",
    Action.AUDIT: "bold yellow",
    Action.PATCH: "bold blue",
    Action.ESCALATE: "bold magenta",
    Action.DISCARD: "bold red",
}
_WEIGHTS = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}
_MARGIN = 12
"""Columns in front of what belongs to a finding: an indent of two, the width of `critical` and two more."""

_NARROWEST = 20
"""Columns that a text is given even on a terminal that has fewer."""

_CHECK = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9-]+)+")
_WORD = re.compile(r"[A-Za-z0-9./_][A-Za-z0-9@:./_-]*")
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+@[0-9a-f]{40}")


def to_console(
    attestation: Attestation,
    console: Console,
    *,
    verbose: bool = False,
    paths: Mapping[str, Path] | None = None,
) -> None:
    """Print an attestation for a person at a terminal or in a log.

    Args:
        attestation: What to show.
        console: Where; its width, colours and encoding are kept to.
        verbose: Whether to list every finding, check and row of the table.
        paths: Format → file, of the reports that were written.
    """
    page = _Page(console, verbose=verbose)
    _verdict(page, attestation)
    if attestation.remedy is not None:
        _failure(page, attestation.remedy)
    if attestation.audit is not None:
        _audit(page, attestation.audit)
    _evidence(page, attestation)
    if verbose:
        _checks(page, attestation)
        _table(page, attestation.decision)
    _controls(page, attestation)
    _not_checked(page, attestation)
    _closing(page, attestation, paths or {})


class _Page:
    """Prints lines with a hanging indent, in what the console's encoding can carry."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self.verbose = verbose

    def line(self, text: str, *, head: str = "", style: str = "", body: str = "", margin: int = 0) -> None:
        """Print `head` in the margin and `text` beside it, wrapped within its column."""
        from rich.text import Text

        width = max(_NARROWEST, self._console.width - margin)
        lead = Text(self._fit(head).ljust(margin), style=style)
        for piece in Text(self._fit(text)).wrap(self._console, width, overflow="fold"):
            piece.rstrip()
            piece.stylize(body)
            self._console.print(lead + piece, soft_wrap=True, highlight=False)
            lead = Text(" " * margin)

    def whole(self, text: str, *, margin: int) -> None:
        """Print something to copy: one line, however long."""
        from rich.text import Text

        self._console.print(Text(" " * margin + self._fit(text)), soft_wrap=True, highlight=False)

    def heading(self, text: str) -> None:
        """Print an empty line and a heading."""
        self._console.print()
        self.line(text, body="bold")

    def capped(self, count: int, limit: int) -> int:
        """How many of `count` items to list."""
        return count if self.verbose else min(count, limit)

    def rest(self, count: int, noun: str, margin: int = 2, *, of: str = "") -> None:
        """Say how many items were left out, and of what."""
        if count > 0:
            more = plural(count, f"more {noun}") + (f" in {of}" if of else "")
            self.line(f"and {more} (--verbose, or see the report)", margin=margin)

    def _fit(self, text: str) -> str:
        encoding = self._console.encoding or "ascii"
        shown = printable(text, 2_000)
        return shown.encode(encoding, "backslashreplace").decode(encoding)


def _verdict(page: _Page, attestation: Attestation) -> None:
    decision, subject = attestation.decision, attestation.subject
    at = f" at {subject.commit}" if subject.commit else ""
    if decision is None:
        page.line("NOT DECIDED", body="bold")
        page.line(f"{subject.name}{at}", margin=2)
        _subset(page, attestation)
        page.line(view.UNDECIDED, margin=2)
        return
    page.line(decision.action.value.upper(), body=_TONES[decision.action])
    page.line(f"{subject.name}{at}", margin=2)
    _subset(page, attestation)
    page.heading("Why")
    page.line(decision.because[:1].upper() + decision.because[1:], margin=2)
    if allowance := view.allowance(attestation):
        page.line(allowance, margin=2)
    page.line(view.authority(decision), body="dim", margin=2)
    for law in decision.laws:
        page.line(f"Law: {law}", margin=2)
    for waiver in decision.waivers:
        note = f" ({waiver.note})" if waiver.note else ""
        page.line(f"Waiver {waiver.state.value}: {waiver.finding}, last day {waiver.expires}{note}", margin=2)
        page.line(f"by {waiver.approver}: {waiver.reason}", margin=4)
    for use in decision.approvals:
        _approval(page, use)
    for each in attestation.disbelieved_approvals:
        page.line(f"Approval {each.file} {each.why}. It counts for nothing.", margin=2)
    note = view.spare_note(attestation)
    if decision.ask or note:
        page.heading("What is asked of you")
    if decision.ask:
        page.line(decision.ask[:1].upper() + decision.ask[1:], margin=2)
    if note:
        page.line(note, margin=2)


def _approval(page: _Page, use: ApprovalUse) -> None:
    approval = use.approval
    note = f" ({use.note})" if use.note else ""
    page.line(f"Approval {use.state.value}: last day {approval.expires}{note}", margin=2)
    ticket = f" [{approval.ticket}]" if approval.ticket else ""
    page.line(f"by {approval.by}, {view.signature_words(approval)}: {approval.reason}{ticket}", margin=4)
    if page.verbose:
        page.line(f"covers {view.covered(approval)}", body="dim", margin=4)


def _subset(page: _Page, attestation: Attestation) -> None:
    if note := view.subset_note(attestation.subject):
        page.line(note, body="bold", margin=2)


def _failure(page: _Page, remedy: Remedy) -> None:
    page.heading(f"Failure: {incident.headline(remedy)}")
    diagnosis = remedy.diagnosis
    for told in (diagnosis.words, incident.conclusion(remedy)):
        if told:
            page.line(told, margin=2)
    for number, trigger in enumerate(diagnosis.triggers[: page.capped(len(diagnosis.triggers), MAX_PLACES)], 1):
        page.line(f"Trigger {number}: {incident.shown_words(trigger.extent)}", margin=2)
        page.line(f"refused prompts that fail with it: {incident.rate(trigger.sufficiency)}", body="dim", margin=4)
    if diagnosis.siblings:
        shown = diagnosis.siblings[: page.capped(len(diagnosis.siblings), MAX_PLACES)]
        page.line(f"Other words that do it, too: {', '.join(each.word for each in shown)}", margin=2)
        page.rest(len(diagnosis.siblings) - len(shown), "word")
    if page.verbose:
        for one in diagnosis.evidence[: incident.MAX_MEASURED]:
            page.line(f"{one.words}: {incident.rate(one.value)}", margin=4)
    for done in remedy.passes if page.verbose else remedy.passes[-1:]:
        page.line(f"Pass {done.number}, {'verified' if done.verified else 'not verified'}:", margin=2)
        rows = [row for row in incident.table(remedy, done) if row.held]
        for row in rows if page.verbose else [row for row in rows if row.held != "held"] or rows:
            about = f" ({row.about})" if row.about else ""
            before = f"{row.before} -> " if row.before else ""
            page.line(f"{row.held}: {row.words}{about}: {before}{row.after}; {row.limit}", margin=4)


def _audit(page: _Page, audit: Audit) -> None:
    page.heading(f"Audit: {adapters.summary(audit)}")
    for reason in audit.because[: page.capped(len(audit.because), MAX_PLACES)]:
        page.line(reason, margin=2)
    for seen in audit.behaviours[: adapters.MAX_BEHAVIOURS]:
        page.line(f"{adapters.title(seen)}: {adapters.budget(seen)}", body="dim", margin=2)
        for row in adapters.rows(seen) if page.verbose else adapters.telling(seen, MAX_PLACES):
            about = f" {row.about}" if row.about else ""
            before = f"{row.base} -> " if row.base else ""
            page.line(f"{row.words}{about}: {before}{row.adapted}", margin=4)
    if audit.needed:
        page.line("What would be needed to allow it:", body="bold", margin=2)
        for step in audit.needed:
            page.line(step, margin=4)


def _evidence(page: _Page, attestation: Attestation) -> None:
    page.heading(f"Findings: {view.severity_tally(attestation)}")
    waived = view.waivers_in_use(attestation)
    readers = attestation.readers
    left = MAX_GROUPS
    for room in view.rooms(attestation):
        groups = view.groups(room.findings)
        shown = groups[: page.capped(len(groups), left)]
        left -= len(shown)
        if shown:
            page.line(room.title, body="underline", margin=2)
        for group in shown:
            _group(page, group, readers, waived=group.first.id in waived)
        page.rest(len(groups) - len(shown), "rule", of=room.title)
    page.line(f"Checks: {view.status_tally(attestation.results)}", margin=2)


def _group(page: _Page, group: view.Group, readers: Readers, *, waived: bool) -> None:
    first = group.first
    title = f"{first.title} [waived]" if waived else first.title
    page.line(title, head=f"  {first.severity.label}", style=_WEIGHTS[first.severity], body="bold", margin=_MARGIN)
    shown = group.places[: page.capped(len(group.places), MAX_PLACES)]
    said = ""
    for finding in shown:
        if finding.message != said:
            page.line(finding.message, margin=_MARGIN)
        said = finding.message
        if where := _where(finding):
            page.line(where, body="dim", margin=_MARGIN)
        if who := view.read_by(finding.location, readers):
            page.line(who, body="dim", margin=_MARGIN)
    page.rest(len(group.places) - len(shown), "place", margin=_MARGIN)
    if first.mend and (page.verbose or first.severity > Severity.INFO):
        page.line(f"To do: {first.mend}", margin=_MARGIN)
    page.line(
        f"{first.id} (confidence {first.confidence.label}, {first.strength.value})",
        body="dim",
        margin=_MARGIN,
    )


def _where(finding: Finding) -> str:
    location = finding.location
    parts = [location.path] if location.path else []
    if location.offset is not None:
        parts.append(f"byte {location.offset}")
    return ", ".join([*parts, location.detail] if location.detail else parts)


def _checks(page: _Page, attestation: Attestation) -> None:
    page.heading("Checks")
    for result in attestation.results:
        reason = f": {result.reason}" if result.reason else ""
        page.line(f"{result.check.id}{reason}", head=f"  {view.STATUS_WORDS[result.status]}", margin=18)


def _table(page: _Page, decision: Decision | None) -> None:
    if decision is None:
        return
    page.heading("Decision table")
    for row in decision.rows:
        page.line(f"{row.row} -> {row.action.value}", head=f"  {view.row_word(row, decision)}", margin=21)
        page.line(row.because, body="dim", margin=21)


def _not_checked(page: _Page, attestation: Attestation) -> None:
    page.heading("Not checked")
    points = list(_points(attestation))
    shown = points[: page.capped(len(points), MAX_POINTS)]
    for what, why in shown:
        page.line(f"{what}: {why}", head="  -", margin=4)
    page.rest(len(points) - len(shown), "point")
    if not points:
        page.line("No omission was recorded; each check has limits of its own (gatekeeper explain).", margin=2)


def _points(attestation: Attestation) -> Iterator[tuple[str, str]]:
    for omission in attestation.not_checked:
        yield omission.what, omission.why
    for result in view.unanswered(attestation):
        for gap in result.gaps:
            yield f"{result.check.id}, {gap.path}" if gap.path else result.check.id, gap.reason
        if not result.gaps:
            yield result.check.id, result.reason or "it gave no reason"


def _controls(page: _Page, attestation: Attestation) -> None:
    kinds = controls.held_kinds(attestation)
    if not page.verbose:
        held = ", ".join(each.kind.id for each in kinds if each.held) or "nothing"
        page.line(f"Evidence held: {held}. Relevant to controls, sufficient for none (--verbose)", margin=2)
        return
    page.heading(controls.HEADING)
    page.line(controls.CAVEAT, margin=2)
    for each in kinds:
        held = ", ".join(each.held) or "no check came to an answer"
        page.line(f"{each.kind.id} ({each.kind.title}): {held}", head="  -", margin=4)
        for cover in each.asked_by:
            ids = ", ".join(control.control for control in cover.controls)
            page.line(f"{cover.framework}, {cover.edition}: {ids}", margin=6)


def _closing(page: _Page, attestation: Attestation, paths: Mapping[str, Path]) -> None:
    if paths:
        page.heading("Reports")
        for path in paths.values():
            page.whole(str(path), margin=2)
    if commands := list(_commands(attestation)):
        page.heading("Next")
        for command in commands:
            page.whole(f"gatekeeper {command}", margin=2)


def _commands(attestation: Attestation) -> Iterator[str]:
    """Give commands to copy, made only of words that a shell can't misread: a report may come from anybody."""
    subject = attestation.subject
    pinned = f"{subject.name}@{subject.commit}"
    spare = view.spare(attestation)
    patterns = view.exclusions(spare, attestation)
    options = "".join(f" --exclude {pattern}" for pattern in patterns)
    plain = all(_WORD.fullmatch(pattern) for pattern in patterns)
    if spare and plain and _WORD.fullmatch(subject.reference):
        yield f"gate {subject.reference}{options}"
    elif subject.requested_revision != subject.commit and plain and _PINNED.fullmatch(pinned):
        yield f"gate {pinned}{options}"
    worst = view.worst_first(attestation.findings, view.waivers_in_use(attestation))
    weighty = (finding.check for finding in worst if finding.severity > Severity.INFO)
    if check := next((check for check in weighty if _CHECK.fullmatch(check)), ""):
        yield f"explain {check}"
