"""Comparison: what changed between two artifacts, and the lines that people read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import groupby


class Attention(IntEnum):
    """How soon somebody should look at a change."""

    NOTE = 0
    LOOK = 1
    FIRST = 2
    """It can make a loader run code, change every answer, or change what may be done with the model."""


class Topic(StrEnum):
    """What a change is about, in the order in which changes are told."""

    REPO = "repo"
    CODE = "code"
    TEMPLATE = "template"
    LICENCE = "licence"
    LINEAGE = "lineage"
    CONFIGURATION = "configuration"
    TENSORS = "tensors"
    FILES = "files"
    AUTHORS = "authors"


class ChangeKind(StrEnum):
    """How the new differs from the old."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNREAD = "unread"
    """It could not be compared, so that nothing can be said."""

    MORE = "more"
    """Stands for changes that are counted and not told one by one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One difference."""

    topic: Topic
    kind: ChangeKind
    attention: Attention
    subject: str
    """Path, tensor, key or name that it is about, as found, not trusted."""

    words: str
    """One sentence for a person, printable."""

    detail: tuple[str, ...] = ()
    """Lines of a difference between texts, printable."""


_HEADINGS = {
    Attention.FIRST: "look at these first",
    Attention.LOOK: "also changed",
    Attention.NOTE: "of little consequence",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Everything that changed, as far as it was compared."""

    old: str
    """Reference of the older artifact, with its commit when it has one."""

    new: str
    old_bytes: int
    """Bytes of all files, as hashed or listed."""

    new_bytes: int
    changes: tuple[Change, ...]
    """What deserves attention first comes first."""

    not_compared: tuple[str, ...]
    """What no comparison of this kind sees, one sentence each, printable."""

    @property
    def attention(self) -> Attention:
        """The most attention that any change asks for; NOTE when there is none."""
        return max((change.attention for change in self.changes), default=Attention.NOTE)

    def about(self, topic: Topic) -> tuple[Change, ...]:
        """Give the changes of one topic."""
        return tuple(change for change in self.changes if change.topic is topic)

    def words(self) -> tuple[str, ...]:
        """Give the lines that a person reads: headings, changes below them, differences of texts below those."""
        lines = []
        for attention, changes in groupby(self.changes, key=lambda change: change.attention):
            lines.append(f"{_HEADINGS[attention]}:")
            for change in changes:
                lines.append(f"  {change.topic}: {change.words}")
                lines += [f"      {line}" for line in change.detail]
        lines.append("" if self.changes else "no difference was found")
        if self.old_bytes != self.new_bytes:
            lines.append(f"size: {self.old_bytes:,} → {self.new_bytes:,} bytes")
        lines += [f"not compared: {what}" for what in self.not_compared]
        return tuple(line for line in lines if line)
