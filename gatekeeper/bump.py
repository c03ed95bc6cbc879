"""Bump: one model that a change adds, changes or removes, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.mention import Mention, Role


class BumpKind(StrEnum):
    """How the files of the newer commit differ from those of the older one, for one model."""

    ADDED = "added"
    CHANGED = "changed"
    """The same place, or the same model, with another name, revision or setting."""

    REMOVED = "removed"
    NAMED = "named"
    """It was asked for by name, or stands in the lock: nothing changed."""

    UNRESOLVED = "unresolved"
    """Something is named there that can't be told: nobody judged it, so it never counts as allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bump:
    """One model that a change is about."""

    kind: BumpKind
    name: str
    """`org/name`, or the path of a model file in the repository itself; empty when it can't be told."""

    revision: str = ""
    """As the newer commit writes it; empty when none is written."""

    role: Role = Role.MODEL
    old: tuple[Mention, ...] = ()
    """Where the older commit names it, or what the same place named; paths are relative to the repository's root."""

    new: tuple[Mention, ...] = ()
    """Where the newer commit names it."""

    local: bool = False
    """Whether it is a file of the repository itself."""

    @property
    def place(self) -> Mention | None:
        """The place that views point at: the first of the newer commit, else of the older one."""
        return next(iter((*self.new, *self.old)), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Bumps:
    """All that a change does to models, and what could not be read of it."""

    base: str
    """Forty hexadecimal digits: the commit that both sides have in common, so that work on the other branch is none."""

    head: str
    bumps: tuple[Bump, ...]
    """Sorted by path and line of their places."""

    files: int = 0
    """Changed files that were looked at."""

    unread: tuple[str, ...] = ()
    """What could not be read, one sentence each, printable; never empty when something was skipped."""
