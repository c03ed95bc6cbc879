"""The Markdown views of a review: the summary of a job and the comment on a pull request.

The verdict comes first, then a table of the models, then each model with what changed, what was found and what to do.
What doesn't fit is left out section by section from the end, and a line says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, takewhile

from gatekeeper.attestation import Attestation
from gatekeeper.bump import BumpKind
from gatekeeper.comparison import Attention, Change, Comparison
from gatekeeper.decision import Action
from gatekeeper.report import review_words as words
from gatekeeper.report import view
from gatekeeper.report.markdown import code, fenced, link, path_address, prose
from gatekeeper.report.review_words import Outcome, ReviewLinks
from gatekeeper.review import Judged, Review
from gatekeeper.text import plural

MARKER = "<!-- gatekeeper: review -->"
"""By which the comment is found again; nobody sees it."""

MIB = 2**20
MAX_FINDINGS = 20
MAX_CHANGES = 20
"""Changes of one weight told of one model."""

MAX_DETAIL = 40
"""Lines of one difference between texts."""

MAX_PLACES = 10
MAX_OPEN = 50
"""Sentences of what was not looked at."""

MAX_NOTES = 5
MAX_ROWS = 300
"""Models of the table."""

_NO_LINKS = ReviewLinks()


def review_markdown(
    review: Review, *, links: ReviewLinks = _NO_LINKS, notes: Sequence[str] = (), limit_bytes: int = MIB
) -> str:
    """Write the summary of a job.

    Args:
        review: What to show.
        links: Where the rest can be read.
        notes: What is to be known of the run itself, a sentence each; `MAX_NOTES` of them are shown.
        limit_bytes: Most bytes in UTF-8; GitHub takes a mebibyte of one step. At least 32,768.
    """
    return _fitted(review, links, notes, "", limit_bytes, lambda text: len(text.encode("utf-8")))


def review_comment(
    review: Review,
    *,
    links: ReviewLinks = _NO_LINKS,
    notes: Sequence[str] = (),
    marker: str = MARKER,
    limit_chars: int = 65_536,
) -> str:
    """Write the comment on a pull request.

    Args:
        review: What to show.
        links: Where the rest can be read.
        notes: As for `review_markdown`.
        marker: First line, an HTML comment of ours by which the comment is found again; nothing else in the text
            begins an HTML comment.
        limit_chars: Most characters; GitHub takes 65,536. At least 32,768.
    """
    return _fitted(review, links, notes, f"{marker}\n", limit_chars, len)


def _fitted(
    review: Review,
    links: ReviewLinks,
    notes: Sequence[str],
    before: str,
    limit: int,
    measure: Callable[[str], int],
) -> str:
    """Put together as much as fits: all rows of the table come before the first section of a model."""
    told = [f"**Note**: {prose(note)}" for note in notes[:MAX_NOTES]]
    head, foot = "\n\n".join([before + _head(review, links), *told]), _foot(review, links)
    rows = [_row(judged, links) for judged in review.judged[:MAX_ROWS]]
    sections = [section for section in _sections(review, links) if section]
    # Both lines that tell of a cut have their room, whether they are needed or not.
    least = _joined(head, *_TABLE, _MORE.format(len(review.judged)), _CUT.format(len(sections)), foot)
    left = limit - measure(least)
    shown = _fitting((measure(f"{row}\n") for row in rows), left)
    left -= sum(measure(f"{row}\n") for row in rows[:shown])
    kept = _fitting((measure(f"{section}\n\n") for section in sections), left) if shown == len(rows) else 0
    cut = _CUT.format(len(sections) - kept) if kept < len(sections) else ""
    return _joined(head, _table(rows[:shown], review), *sections[:kept], cut, foot)


def _fitting(sizes: Iterable[int], left: int) -> int:
    """Give how many of the first pieces fit."""
    return sum(1 for _ in takewhile(lambda total: total <= left, accumulate(sizes)))


_TABLE = ("| Model | Old → new | Verdict | Row | Named in |", "|---|---|---|---|---|")
_MORE = "*Further models, not shown: {:,}.*"
_CUT = "*Parts left out for their size: {:,}. The reports have them.*"


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(review: Review, links: ReviewLinks) -> str:
    ends = words.outcome(review)
    lines = ["## gatekeeper: models of this change", f"**{ends.value}**: {prose(words.headline(review))}"]
    worst = next(iter(review.judged), None)
    if worst and ends is not Outcome.NOTHING and words.why(worst) and worst.action is not Action.ALLOW:
        lines.append(f"First to look at: {code(words.name(worst))}, {words.word(worst)}: {_sentence(words.why(worst))}")
    where = [link(*each) for each in (("all reports", links.artifact), ("the job", links.run)) if each[1]]
    if where:
        lines.append(f"See {' and '.join(where)}.")
    return "\n\n".join(lines)


def _table(rows: Sequence[str], review: Review) -> str:
    if not review.judged:
        return ""
    more = len(review.judged) - len(rows)
    table = "\n".join([*_TABLE, *rows]) if rows else ""
    return "\n\n".join(part for part in (table, _MORE.format(more) if more else "") if part)


def _row(judged: Judged, links: ReviewLinks) -> str:
    role = words.role(judged)
    model = code(words.name(judged), 120) + (f" ({role})" if role else "")
    row = code(words.row(judged), 60) if words.row(judged) else ""
    return f"| {model} | {_move(judged)} | **{words.word(judged)}** | {row} | {_places(judged, links, 1)} |"


def _move(judged: Judged) -> str:
    older, newer = words.older(judged), words.newer(judged)
    old = _revision(older) if judged.bump.old else "new"
    if judged.bump.kind in {BumpKind.REMOVED, BumpKind.UNRESOLVED}:
        return f"{old} → {words.word(judged)}"
    return f"{old} → {_revision(newer)}{_at(judged, newer)}"


def _revision(revision: str) -> str:
    name, at, commit = revision.rpartition("@")
    return code(f"{name}{at}{view.short(commit)}", 120) if revision else "no revision"


def _at(judged: Judged, newer: str) -> str:
    """Say at which commit a moving revision was judged."""
    commit = judged.attestation.subject.commit if judged.attestation else ""
    return f" (today {code(view.short(commit))})" if commit and commit != newer else ""


def _places(judged: Judged, links: ReviewLinks, most: int) -> str:
    found = words.places(judged)
    told = []
    for each in found[:most]:
        line = f"#L{each.line}" if each.line > 0 and not each.cell else ""
        # The newer commit's files are what the address is of.
        address = f"{links.files}{path_address(each.path)}{line}" if links.files and judged.bump.new else ""
        told.append(link(code(each.place, 160), address) if address else code(each.place, 160))
    more = len(found) - len(told)
    return ", ".join(told) + (f" and {plural(more, 'more place')}" if more > 0 else "")


def _sections(review: Review, links: ReviewLinks) -> Iterator[str]:
    if review.bumps.unread:
        shown = [f"- {_sentence(each)}" for each in _most(review.bumps.unread, MAX_OPEN)]
        yield "\n".join(["### What could not be read", "", "Nobody judged what these name.", "", *shown])
    for place, judged in enumerate(review.judged):
        # What is removed has said all in the table.
        if judged.bump.kind is BumpKind.REMOVED:
            continue
        yield _model(judged, review, links, links.report(place))
    yield _not_looked_at(review)
    if review.disbelieved_approvals:
        told = [f"- {code(each.file)} {prose(each.why)}" for each in review.disbelieved_approvals[:MAX_OPEN]]
        yield "\n".join(["### Sign-offs that count for nothing", "", *told])


def _model(judged: Judged, review: Review, links: ReviewLinks, report: str) -> str:
    lines = [f"### {code(words.name(judged), 120)}: {words.word(judged)}{_effect(judged, review)}"]
    if said := words.why(judged):
        by = f" (row {code(words.row(judged))})" if words.row(judged) else ""
        lines.append(f"**Why**{by}: {_sentence(said)}")
    if asked := words.ask(judged):
        lines.append(f"**What to do**: {_sentence(asked)}")
    lines.append(f"**Named in** {_places(judged, links, MAX_PLACES)}. {_before(judged)}".rstrip())
    if judged.comparison:
        lines += _changes(judged.comparison)
    elif judged.not_compared:
        lines.append(f"**Changed since**: nothing can be said: {_sentence(judged.not_compared)}")
    if judged.attestation:
        lines += _findings(judged.attestation)
    if report:
        # An uploaded folder is one file to the platform: its pages have no addresses of their own.
        lines.append(f"**Whole report**: {code(report)} in {link('the reports', links.artifact)}.")
    return "\n\n".join(lines)


def _effect(judged: Judged, review: Review) -> str:
    if not review.blocks(judged):
        return ""
    return ", blocks" if words.outcome(review) is Outcome.BLOCKED else ", would block"


def _before(judged: Judged) -> str:
    pinned = judged.before
    if pinned is None:
        return ""
    return (
        f"The lock pinned {code(view.short(pinned.commit))} before, on the verdict {pinned.verdict.value} "
        f"of {pinned.decided_at:%Y-%m-%d}."
    )


def _changes(comparison: Comparison) -> list[str]:
    first = [change for change in comparison.changes if change.attention is Attention.FIRST]
    rest = [change for change in comparison.changes if change.attention is not Attention.FIRST]
    size = f" Size: {comparison.old_bytes:,} → {comparison.new_bytes:,} bytes."
    size = size if comparison.old_bytes != comparison.new_bytes else ""
    if not comparison.changes:
        return [f"**Changed since the older revision**: no difference was found.{size}"]
    lines = [f"**Changed since the older revision**: {plural(len(comparison.changes), 'difference')}.{size}"]
    if first:
        lines += ["Look at these first:", _told(first)]
    if rest:
        lines += [f"<details><summary>{plural(len(rest), 'other change')}</summary>", _told(rest), "</details>"]
    return lines


def _told(changes: Sequence[Change]) -> str:
    lines: list[str] = []
    for change in changes[:MAX_CHANGES]:
        lines.append(f"- {change.topic.value}: {_sentence(change.words)}")
        if change.detail:
            cut = [f"({len(change.detail) - MAX_DETAIL:,} further lines)"] if len(change.detail) > MAX_DETAIL else []
            lines += ["", fenced([*change.detail[:MAX_DETAIL], *cut], "diff"), ""]
    if len(changes) > MAX_CHANGES:
        lines.append(f"- and {len(changes) - MAX_CHANGES:,} more, in the report")
    return "\n".join(lines).strip("\n")


def _findings(attestation: Attestation) -> list[str]:
    settled = words.settled(attestation)
    found = view.worst_first(attestation.findings, settled)
    still = [finding for finding in found if finding.id not in settled]
    if not found:
        return ["**Findings**: none, by these checks, within these limits."]
    lines = [f"**Open findings**: {len(still):,}"] if still else []
    told = []
    for finding in still[:MAX_FINDINGS]:
        where = words.place_in(finding)
        told.append(
            f"- **{finding.severity.label}** {code(finding.id)}: {_sentence(finding.message)}"
            + (f" In {code(where)}." if where else "")
            + f" {_sentence(finding.mend)}"
        )
    if len(still) > MAX_FINDINGS:
        told.append(f"- and {len(still) - MAX_FINDINGS:,} more, in the report")
    if told:
        lines.append("\n".join(told))
    if answered := list(dict.fromkeys(finding.id for finding in found if finding.id in settled)):
        shown = [f"- {code(id)}: {_sentence(settled[id])}" for id in answered[:MAX_FINDINGS]]
        lines.append("\n".join([f"**Answered for by somebody**: {len(answered):,}", "", *shown]))
    return lines


def _not_looked_at(review: Review) -> str:
    about: dict[str, dict[str, None]] = {}
    for judged in review.judged:
        for each in words.not_looked_at(judged):
            about.setdefault(each, {})[words.name(judged)] = None
    if not about:
        return ""
    told = [f"- {_those(list(names))}: {_sentence(each)}" for each, names in about.items()]
    head = f"<details><summary>What was not looked at: {plural(len(told), 'thing')}</summary>"
    return "\n\n".join([head, "\n".join(_most(told, MAX_OPEN)), "</details>"])


def _those(names: Sequence[str]) -> str:
    return code(names[0], 120) if len(names) == 1 else plural(len(names), "model")


def _most(lines: Sequence[str], most: int) -> Iterable[str]:
    return lines if len(lines) <= most else [*lines[:most], f"- and {len(lines) - most:,} more, in the reports"]


def _foot(review: Review, links: ReviewLinks) -> str:
    tool = " ".join(["gatekeeper", *(code(version, 40) for version in words.versions(review)[:3])])
    asked = ", ".join(code(policy, 100) for policy in words.policies(review)[:3])
    span = f"{code(view.short(review.bumps.base))} to {code(view.short(review.bumps.head))}"
    files = f"{plural(review.bumps.files, 'changed file')} looked at"
    parts = [
        tool,
        f"policy {asked}" if asked else "",
        span if review.bumps.head else "",
        files,
        f"mode {review.mode.value}",
    ]
    return "---\n\n" + " · ".join(part for part in parts if part)


def _sentence(text: str) -> str:
    return prose(words.sentence(text))
