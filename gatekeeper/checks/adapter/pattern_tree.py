"""Patterns of module names as trees: the part of Python's regular expressions that can be matched in bounded work.

Parsed by recursive descent; whatever is not understood is refused, so that no pattern means something else here than
to the loader that hands it to `re`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass

_DEPTH = 20
_REPEATS = 1_000
_WORD = frozenset(string.ascii_letters + string.digits + "_")


class PatternError(ValueError):
    """The pattern is not one that can be matched here; the message says why."""


Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class One:
    """One character."""

    test: Test
    literal: str = ""
    """The very character, where it is one; else empty."""


@dataclass(frozen=True, slots=True)
class Edge:
    """The beginning (`^`) or the end (`$`) of the name, or the edge of a word (`b`)."""

    kind: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """What must follow, or must not, without being part of the match."""

    part: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Parts one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part again and again."""

    part: Node
    least: int
    most: int | None


Node = One | Edge | Ahead | Row | Choice | Repeat


def parse_tree(text: str) -> Node:
    """Parse a pattern.

    Args:
        text: A regular expression as Python's `re` has them: characters, classes, groups, choices, repeats, edges,
            looking ahead.

    Raises:
        PatternError: When it is malformed, nested too deeply, or uses anything else.
    """
    parser = _Parser(text)
    node = parser.choice(0)
    if not parser.done:
        raise PatternError("a bracket closes that was not opened")
    return node


class _Parser:
    """Recursive descent; each method reads from where the last one stopped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether all of it was read."""
        return self._at >= len(self._text)

    def _peek(self, what: str) -> bool:
        return self._text.startswith(what, self._at)

    def _take(self, what: str) -> bool:
        taken = self._peek(what)
        self._at += len(what) if taken else 0
        return taken

    def _next(self) -> str:
        if self.done:
            raise PatternError("it ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def choice(self, depth: int) -> Node:
        """Read parts between bars, up to the end or a closing bracket."""
        if depth > _DEPTH:
            raise PatternError("it is nested too deeply")
        parts = [self._row(depth)]
        while self._take("|"):
            parts.append(self._row(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _row(self, depth: int) -> Node:
        parts: list[Node] = []
        while not self.done and not self._peek("|") and not self._peek(")"):
            parts.append(self._repeated(self._atom(depth)))
        return Row(tuple(parts))

    def _atom(self, depth: int) -> Node:
        character = self._next()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return One(self._class())
        if character in "^$":
            return Edge(character)
        if character == ".":
            return One(lambda got: got != "\n")
        if character == "\\":
            edge = next((mark for mark in "bAZ" if self._take(mark)), "")
            if edge:
                return Edge({"A": "^", "Z": "$"}.get(edge, edge))
            marked = self._text[self._at : self._at + 1]
            return One(self._escape(), "" if marked in _WORD else marked)
        if character in "*+?{":
            raise PatternError("a repeat has nothing to repeat")
        return One(character.__eq__, character)

    def _group(self, depth: int) -> Node:
        ahead = self._take("?=") or self._take("?!")
        negated = ahead and self._text[self._at - 1] == "!"
        if self._peek("?") and not self._take("?:"):
            raise PatternError("it looks behind, refers back, names a group or sets flags")
        node = self.choice(depth + 1)
        if not self._take(")"):
            raise PatternError("a bracket is not closed")
        return Ahead(node, negated) if ahead else node

    def _repeated(self, node: Node) -> Node:
        least: int = 1
        most: int | None = 1
        if self._take("*"):
            least, most = 0, None
        elif self._take("+"):
            least, most = 1, None
        elif self._take("?"):
            least, most = 0, 1
        elif counted := re.compile(r"\{(\d{0,4})(,?)(\d{0,4})\}").match(self._text, self._at):
            low, comma, high = counted.groups()
            if not (low or comma):
                raise PatternError("a repeat does not say how often")
            least = int(low or 0)
            most = (int(high) if high else None) if comma else least
            self._at = counted.end()
        elif self._peek("{"):
            raise PatternError("a repeat can't be read")
        else:
            return node
        if isinstance(node, Edge | Ahead):
            raise PatternError("a place is repeated")
        if least > _REPEATS or (most or 0) > _REPEATS or (most is not None and most < least):
            raise PatternError("a repeat counts too far, or backwards")
        self._take("?")
        if any(self._peek(mark) for mark in "*+?{"):
            raise PatternError("a repeat is repeated")
        return Repeat(node, least, most)

    def _class(self) -> Test:
        negated = self._take("^")
        tests: list[Test] = []
        while not tests or not self._peek("]"):
            tests.append(self._range())
        self._next()
        return lambda got: any(test(got) for test in tests) is not negated

    def _range(self) -> Test:
        low = self._next()
        if low == "\\":
            if self._text[self._at : self._at + 1] in _WORD:
                return self._escape()
            low = self._next()
        elif low == "[":
            raise PatternError("a bracket stands in a class")
        if not self._peek("-") or self._peek("-]"):
            return low.__eq__
        self._next()
        high = self._next()
        if high in "\\[]" or high < low:
            raise PatternError("a range can't be read")
        return lambda got: low <= got <= high

    def _escape(self) -> Test:
        character = self._next()
        if character in "dD":
            return lambda got: got.isdecimal() is (character == "d")
        if character in "wW":
            return lambda got: (got.isalnum() or got == "_") is (character == "w")
        if character in _WORD or not character.isascii():
            raise PatternError(f"the escape \\{character} is not known")
        return character.__eq__
