"""What the two say of themselves, and what the Hub tells of them: licence, base models, kind, name, commits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from gatekeeper.artifact import Artifact, CommitInfo, LineageClaim, PlatformRecord
from gatekeeper.compare.side import Side
from gatekeeper.comparison import Attention, Change, ChangeKind, Topic
from gatekeeper.text import plural, printable

_LICENCE_KEYS = ("license", "license_name", "license_link")
_LICENCE_FILES = ("license", "licence", "copying", "use_policy")


def compare_repos(old: Artifact, new: Artifact) -> Iterator[Change]:
    """Tell of another kind of artifact, and of another name by which the Hub answers."""
    if old.kind is not new.kind:
        words = f"it is loaded as {new.kind}, and was as {old.kind}"
        yield _change(Topic.REPO, ChangeKind.CHANGED, "kind", words)
    platform = new.platform
    if platform and platform.returned_id != platform.requested_id:
        asked, given = printable(platform.requested_id), printable(platform.returned_id)
        yield _change(Topic.REPO, ChangeKind.CHANGED, platform.returned_id, f"{asked} leads to {given} now")


def compare_licences(old: Side, new: Side, paths: set[str]) -> Iterator[Change]:
    """Tell of another licence in the card, and of other bytes in the file that has its text."""
    for key in _LICENCE_KEYS:
        before, after = old.artifact.card.get(key), new.artifact.card.get(key)
        if before != after:
            kind = ChangeKind.ADDED if before is None else ChangeKind.REMOVED if after is None else ChangeKind.CHANGED
            words = f"the card's {key}: {_told(before)} → {_told(after)}"
            yield _change(Topic.LICENCE, kind, key, words)
    for path in sorted(paths):
        if PurePosixPath(path).name.lower().startswith(_LICENCE_FILES):
            kind = ChangeKind.CHANGED
            if path not in old.files or path not in new.files:
                kind = ChangeKind.REMOVED if path in old.files else ChangeKind.ADDED
            yield _change(Topic.LICENCE, kind, path, f"the text in {printable(path)} is {kind}")


def compare_lineages(old: Artifact, new: Artifact) -> Iterator[Change]:
    """Tell of base models that are declared anew or no more."""
    before, after = set(old.lineage), set(new.lineage)
    for kind, claims, verb in (
        (ChangeKind.ADDED, after - before, "declares now"),
        (ChangeKind.REMOVED, before - after, "declares no more"),
    ):
        for claim in sorted(claims, key=str):
            words = f"{printable(claim.said_by)} {verb}: {_base(claim)}"
            yield _change(Topic.LINEAGE, kind, claim.base, words)


def compare_authors(old: Artifact, new: Artifact) -> Iterator[Change]:
    """Tell of the commits between the two, and first of those by somebody who has none before.

    Names and dates are set by whoever pushed; they are a hint and no proof.
    """
    if not (old.platform and new.platform) or old.commit == new.commit:
        return
    since = _since(old.platform, new.platform)
    back = _since(new.platform, old.platform)
    if since is None and back:
        words = f"it goes back behind {plural(len(back), 'commit')}"
        yield _change(Topic.AUTHORS, ChangeKind.REMOVED, new.commit, words)
        return
    if since is None:
        words = "the older commit is not among the newer one's that the Hub tells: was the history rewritten?"
        yield _change(Topic.AUTHORS, ChangeKind.UNREAD, old.commit, words)
        return
    known = {author for commit in old.platform.commits or () for author in commit.authors}
    for author in sorted({author for commit in since for author in commit.authors} - known):
        words = f"{printable(author, 60)} has commits now and had none before"
        yield _change(Topic.AUTHORS, ChangeKind.ADDED, author, words)
    for commit in since:
        yield _change(Topic.AUTHORS, ChangeKind.ADDED, commit.id, _commit(commit), Attention.NOTE)


def _since(old: PlatformRecord, new: PlatformRecord) -> tuple[CommitInfo, ...] | None:
    """Give the commits after the older one, newest first; None when the Hub does not tell where it is."""
    commits = new.commits or ()
    at = next((number for number, commit in enumerate(commits) if commit.id == old.commit), None)
    return None if at is None else commits[:at]


def _commit(commit: CommitInfo) -> str:
    day = f"{commit.date:%Y-%m-%d} " if commit.date else ""
    authors = ", ".join(printable(author, 60) for author in commit.authors[:5]) or plural(0, "author")
    return f"{day}{printable(commit.id[:12])} {authors}: {printable(commit.title, 120)}"


def _base(claim: LineageClaim) -> str:
    revision = f"@{printable(claim.revision, 60)}" if claim.revision else ""
    relation = f" ({printable(claim.relation, 20)})" if claim.relation else ""
    return f"{printable(claim.base, 120)}{revision}{relation}"


def _told(value: Any) -> str:
    return "none" if value is None else printable(str(value), 120)


def _change(topic: Topic, kind: ChangeKind, subject: str, words: str, attention: Attention = Attention.FIRST) -> Change:
    return Change(topic=topic, kind=kind, attention=attention, subject=subject, words=words)
