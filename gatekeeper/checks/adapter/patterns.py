"""Patterns of module names, matched in bounded time.

PEFT gives `target_modules`, `rank_pattern` and their like to Python's `re`, whose work can grow exponentially with the
name; whoever writes an adapter chooses both. Here a pattern is parsed into a tree and matched by sets of positions
(Thompson, "Regular expression search algorithm", CACM 1968), so the work is bounded by pattern times name, and it is
counted on top. What needs more than that (back references, looking behind, flags) is refused, not guessed.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gatekeeper.checks.adapter.pattern_tree import (
    Ahead,
    Choice,
    Edge,
    Node,
    One,
    PatternError,
    Repeat,
    Row,
    parse_tree,
)

_CHARACTERS = 20_000
"""Characters of one pattern: PEFT itself writes none, people write a few dozen, lists of modules a few thousand."""

_COSTLY = 25.0
"""Bits of backtracking from which on a pattern is costly: 2**25 steps take seconds, and a model has hundreds of names.
That is what five repeats without end take on a name of 70 characters; people write three or four."""

_ENDLESS = 5.0
"""Bits of a repeat without end."""

_PLAIN = frozenset(string.ascii_letters + string.digits + "_-.")


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


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern."""

    text: str
    _node: Node | None
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


def is_plain(text: str) -> bool:
    """Whether a pattern is a name, in which a dot alone is special.

    Args:
        text: Anything.
    """
    return _PLAIN.issuperset(text)


def is_costly(text: str) -> bool:
    """Whether Python's `re` may need time that grows steeply with the name it is given.

    `re` goes back to every choice that it made, so its work is bounded by the product of what there is to choose from:
    how often a repeat goes round, and which of several parts is taken where more than one may fit.

    Args:
        text: A pattern that `parse` accepts.

    Raises:
        PatternError: As `parse`.
    """
    return not is_plain(text) and _choices(parse_tree(text)) > _COSTLY


def _choices(node: Node) -> float:
    """Bound the ways in which one match may go, as a power of two."""
    match node:
        case One() | Edge():
            return 0.0
        case Ahead():
            return _choices(node.part)
        case Row():
            return sum(map(_choices, node.parts))
        case Choice():
            own = 0.0 if _is_clear(node.parts) else math.log2(len(node.parts))
            return own + max(map(_choices, node.parts))
        case Repeat():
            inside = _choices(node.part)
            if node.most is None:
                return math.inf if inside else _ENDLESS
            return node.most * inside + math.log2(node.most - node.least + 1)


def _is_clear(parts: Sequence[Node]) -> bool:
    """Whether at most one of several parts can fit at any place: texts, none of which begins as another does."""
    texts = sorted(text if (text := _literal(part)) else "" for part in parts)
    return bool(texts[0]) and not any(after.startswith(one) for one, after in pairwise(texts))


def _literal(part: Node) -> str:
    """Give the text that a part stands for; empty when it is more than that."""
    ones = part.parts if isinstance(part, Row) else (part,)
    texts = [one.literal if isinstance(one, One) else "" for one in ones]
    return "".join(texts) if all(texts) else ""


def parse(text: str) -> Pattern:
    """Parse a pattern.

    Args:
        text: A regular expression as Python's `re` has them: characters, classes, groups, choices, repeats.

    Raises:
        PatternError: When it is malformed, too long or nested too deeply, or uses anything else.
    """
    if len(text) > _CHARACTERS:
        raise PatternError(f"it has {len(text)} characters")
    return Pattern(text, None if is_plain(text) else parse_tree(text))


def _like(pattern: str, name: str) -> bool:
    """Match text of the same length where dots are the only special characters: each stands for any character."""
    return name == pattern or all(
        wanted == got or (wanted == "." and got != "\n") for wanted, got in zip(pattern, name, strict=True)
    )


def _bits(positions: int) -> Iterator[int]:
    while positions:
        lowest = positions & -positions
        yield lowest.bit_length() - 1
        positions ^= lowest


class _Match:
    """Matches against one name. Sets of positions are whole numbers: bit i stands for position i."""

    def __init__(self, name: str, budget: Budget) -> None:
        self._name = name
        self._budget = budget
        self._masks: dict[int, int] = {}

    def ends(self, node: Node, starts: int) -> int:
        """Give the positions where a match that begins at one of `starts` can end."""
        self._budget.spend(1)
        match node:
            case One():
                return (starts & self._mask(node)) << 1
            case Edge():
                return starts & self._edge(node.kind)
            case Ahead():
                return sum(1 << at for at in _bits(starts) if bool(self.ends(node.part, 1 << at)) is not node.negated)
            case Row():
                for part in node.parts:
                    starts = self.ends(part, starts) if starts else 0
                return starts
            case Choice():
                found = 0
                for part in node.parts:
                    found |= self.ends(part, starts)
                return found
            case Repeat():
                return self._repeat(node, starts)

    def _edge(self, kind: str) -> int:
        name = self._name
        if kind in "^$":
            return 1 if kind == "^" else 1 << len(name)
        in_word = [False, *(character.isalnum() or character == "_" for character in name), False]
        return sum(1 << at for at in range(len(name) + 1) if in_word[at] is not in_word[at + 1])

    def _repeat(self, node: Repeat, starts: int) -> int:
        for _ in range(node.least):
            starts = self.ends(node.part, starts) if starts else 0
        found, fresh, left = starts, starts, -1 if node.most is None else node.most - node.least
        while fresh and left:
            fresh = self.ends(node.part, fresh) & ~found
            found |= fresh
            left -= 1
        return found

    def _mask(self, node: One) -> int:
        known = self._masks.get(id(node))
        if known is None:
            self._budget.spend(1 + len(self._name) // 8)
            known = sum(1 << at for at, character in enumerate(self._name) if node.test(character))
            self._masks[id(node)] = known
        return known
