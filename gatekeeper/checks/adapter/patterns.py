"""Patterns of module names, matched in bounded time.

PEFT gives `target_modules`, `rank_pattern` and their like to Python's `re`, whose work can grow exponentially with the
name; whoever writes an adapter chooses both. Here a pattern is parsed into a tree and matched by sets of positions
(Thompson, "Regular expression search algorithm", CACM 1968), so the work is bounded by pattern times name, and it is
counted on top. What has an effect beyond that (look-around, back references, flags) is refused, not guessed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from dataclasses import dataclass

_CHARACTERS = 20_000
"""Characters of one pattern: PEFT itself writes none, people write a few dozen, lists of modules a few thousand."""

_DEPTH = 20
_REPEATS = 1_000
_PLAIN = frozenset(string.ascii_letters + string.digits + "_-.")
_SPECIAL = frozenset(".^$*+?{}[]\\|()")
_WORD = frozenset(string.ascii_letters + string.digits + "_")


class PatternError(ValueError):
    """The pattern is not one that can be matched here; the message says why."""


class Budget:
    """Work that the patterns of one adapter may cost together.

    Args:
        steps: Sets of positions to compute; matching an honest pattern against one name takes a few hundred.
    """

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Count.

        Raises:
            PatternError: When nothing is left.
        """
        self._left -= steps
        if self._left < 0:
            raise PatternError("matching the patterns takes too long")


_Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _One:
    """One character."""

    test: _Test


@dataclass(frozen=True, slots=True)
class _Edge:
    """The beginning or the end of the name."""

    end: bool


@dataclass(frozen=True, slots=True)
class _Row:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    part: _Node
    least: int
    most: int | None


_Node = _One | _Edge | _Row | _Choice | _Repeat


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern."""

    text: str
    _node: _Node | None
    """None for a plain name."""

    def is_whole(self, name: str, budget: Budget) -> bool:
        """Whether all of a name matches, as `re.fullmatch` says.

        Raises:
            PatternError: When the budget is spent.
        """
        if self._node is None:
            budget.spend(1)
            return len(name) == len(self.text) and _like(self.text, name)
        return bool(_Match(name, budget).ends(self._node, 1) >> len(name) & 1)

    def is_tail(self, name: str, budget: Budget) -> bool:
        r"""Whether a name ends in a match, at its beginning or after a dot: `(.*\.)?(PATTERN)$` as PEFT asks it.

        Raises:
            PatternError: When the budget is spent.
        """
        if self._node is None:
            budget.spend(1)
            start = len(name) - len(self.text)
            return start >= 0 and (start == 0 or name[start - 1] == ".") and _like(self.text, name[start:])
        starts = 1 | sum(1 << at + 1 for at, character in enumerate(name) if character == ".")
        return bool(_Match(name, budget).ends(self._node, starts) >> len(name) & 1)


def parse(text: str) -> Pattern:
    """Parse a pattern.

    Args:
        text: A regular expression as Python's `re` has them: characters, classes, groups, choices, repeats.

    Raises:
        PatternError: When it is malformed, too long or nested too deeply, or uses anything else.
    """
    if len(text) > _CHARACTERS:
        raise PatternError(f"it has {len(text)} characters")
    return Pattern(text, None if _PLAIN.issuperset(text) else _parse(text))


def _like(pattern: str, name: str) -> bool:
    """Match text of the same length where dots are the only special characters: each stands for any character."""
    return name == pattern or all(
        wanted == got or (wanted == "." and got != "\n") for wanted, got in zip(pattern, name, strict=True)
    )


def _parse(text: str) -> _Node:
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

    def choice(self, depth: int) -> _Node:
        if depth > _DEPTH:
            raise PatternError("it is nested too deeply")
        parts = [self._row(depth)]
        while self._take("|"):
            parts.append(self._row(depth))
        return parts[0] if len(parts) == 1 else _Choice(tuple(parts))

    def _row(self, depth: int) -> _Node:
        parts: list[_Node] = []
        while not self.done and not self._peek("|") and not self._peek(")"):
            parts.append(self._repeated(self._atom(depth)))
        return _Row(tuple(parts))

    def _atom(self, depth: int) -> _Node:
        character = self._next()
        if character == "(":
            if self._peek("?") and not self._take("?:"):
                raise PatternError("it looks around, refers back or sets flags")
            node = self.choice(depth + 1)
            if not self._take(")"):
                raise PatternError("a bracket is not closed")
            return node
        if character == "[":
            return _One(self._class())
        if character in "^$":
            return _Edge(character == "$")
        if character == ".":
            return _One(lambda got: got != "\n")
        if character == "\\":
            return _One(self._escape())
        if character in "*+?{":
            raise PatternError("a repeat has nothing to repeat")
        return _One(character.__eq__)

    def _repeated(self, node: _Node) -> _Node:
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
        if isinstance(node, _Edge):
            raise PatternError("an edge is repeated")
        if least > _REPEATS or (most or 0) > _REPEATS or (most is not None and most < least):
            raise PatternError("a repeat counts too far, or backwards")
        self._take("?")
        if any(self._peek(mark) for mark in "*+?{"):
            raise PatternError("a repeat is repeated")
        return _Repeat(node, least, most)

    def _class(self) -> _Test:
        negated = self._take("^")
        tests: list[_Test] = []
        while not tests or not self._peek("]"):
            tests.append(self._range())
        self._next()
        return lambda got: any(test(got) for test in tests) is not negated

    def _range(self) -> _Test:
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

    def _escape(self) -> _Test:
        character = self._next()
        if character in "dD":
            return lambda got: got.isdecimal() is (character == "d")
        if character in "wW":
            return lambda got: (got.isalnum() or got == "_") is (character == "w")
        if character in _WORD or not character.isascii():
            raise PatternError(f"the escape \\{character} is not known")
        return character.__eq__


class _Match:
    """Matches against one name. Sets of positions are whole numbers: bit i stands for position i."""

    def __init__(self, name: str, budget: Budget) -> None:
        self._name = name
        self._budget = budget
        self._masks: dict[int, int] = {}

    def ends(self, node: _Node, starts: int) -> int:
        """Give the positions where a match that begins at one of `starts` can end."""
        self._budget.spend(1)
        match node:
            case _One():
                return (starts & self._mask(node)) << 1
            case _Edge():
                return starts & (1 << len(self._name) if node.end else 1)
            case _Row():
                for part in node.parts:
                    starts = self.ends(part, starts) if starts else 0
                return starts
            case _Choice():
                found = 0
                for part in node.parts:
                    found |= self.ends(part, starts)
                return found
            case _Repeat():
                return self._repeat(node, starts)

    def _repeat(self, node: _Repeat, starts: int) -> int:
        for _ in range(node.least):
            starts = self.ends(node.part, starts) if starts else 0
        found, fresh, left = starts, starts, -1 if node.most is None else node.most - node.least
        while fresh and left:
            fresh = self.ends(node.part, fresh) & ~found
            found |= fresh
            left -= 1
        return found

    def _mask(self, node: _One) -> int:
        known = self._masks.get(id(node))
        if known is None:
            self._budget.spend(1 + len(self._name) // 8)
            known = sum(1 << at for at, character in enumerate(self._name) if node.test(character))
            self._masks[id(node)] = known
        return known
