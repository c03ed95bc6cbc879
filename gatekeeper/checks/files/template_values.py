"""What is known of one expression of a template: where it comes from, which constants it carries, on what it hangs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

MOST_PIECES = 1_000
"""Constants that one value carries; a template with more is called too involved."""


class TooInvolvedError(ValueError):
    """A template is too involved for its text to be traced."""


class Origin(StrEnum):
    """Where a value comes from."""

    MESSAGES = "messages"
    """The conversation, or a message of it."""

    SAID = "said"
    """What somebody said: a message's content or text."""

    RULED = "ruled"
    """What a system message holds: the deployer's word, and no user's."""

    PART = "part"
    """One part of a message's content."""

    NAMED = "named"
    """A name or mark that whoever takes part in the conversation, or offers a tool, gives himself."""

    CUT = "cut"
    """Pieces that something said was cut into."""

    COUNT = "count"
    """How many messages there are, or the place of one."""

    LENGTH = "length"
    """How long something said is."""

    DATE = "date"
    """The clock."""

    OUTSIDE = "outside"
    """A variable that the application hands over: tools, documents, switches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """A comparison that decides what happens next."""

    kind: Origin
    """SAID, RULED, NAMED, LENGTH, COUNT or DATE."""

    literal: str
    """What the value is held against, as text."""

    positive: bool = True
    """Whether the branch is taken when the comparison holds."""

    line: int = 0

    def flipped(self) -> Trigger:
        """Give the same for the other branch."""
        return replace(self, positive=not self.positive)


Triggers = frozenset[Trigger]
NO_TRIGGERS: Triggers = frozenset()


@dataclass(frozen=True, slots=True)
class Piece:
    """A constant text and what decides whether it is there."""

    text: str
    line: int
    triggers: Triggers = NO_TRIGGERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """What is known of one expression."""

    origins: frozenset[Origin] = frozenset()
    pieces: frozenset[Piece] = frozenset()
    triggers: Triggers = NO_TRIGGERS
    """Comparisons that decide what the value is."""

    latent: Triggers = NO_TRIGGERS
    """Comparisons that its length would betray: what it was split at."""

    def has(self, *origins: Origin) -> bool:
        """Whether it comes from one of these."""
        return not self.origins.isdisjoint(origins)

    def under(self, triggers: Triggers) -> Value:
        """Give the value as it is when these comparisons decide whether it is used."""
        if not triggers:
            return self
        pieces = frozenset(Piece(piece.text, piece.line, piece.triggers | triggers) for piece in self.pieces)
        return replace(self, pieces=pieces, triggers=self.triggers | triggers)

    def only(self, *origins: Origin) -> Value:
        """Give the value as coming from these alone."""
        return replace(self, origins=frozenset(origins))


@dataclass(frozen=True, kw_only=True, slots=True)
class Touch:
    """A filter or method applied to what was said."""

    name: str
    node: Any
    subject: Value
    arguments: tuple[Value, ...]


NOTHING = Value()


def join(*values: Value) -> Value:
    """Give what is known when it may be any of these."""
    return Value(
        origins=frozenset().union(*(value.origins for value in values)),
        pieces=frozenset().union(*(value.pieces for value in values)),
        triggers=frozenset().union(*(value.triggers for value in values)),
        latent=frozenset().union(*(value.latent for value in values)),
    )


def combine(*values: Value) -> Value:
    """Give what is known of a value that is made of all of these: what decides one decides the whole."""
    whole = join(*values)
    return replace(whole, triggers=NO_TRIGGERS).under(whole.triggers) if whole.triggers else whole
