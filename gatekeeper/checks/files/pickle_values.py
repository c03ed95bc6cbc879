"""What a pickle's stack can hold, as far as a reader needs to know: names, calls, constants, shapes of containers.

Text of up to a hundred characters or so, integers, booleans and `None` stand for themselves. Everything else is one
of the classes here. Nothing is ever built, however large the file says that it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gatekeeper.text import printable

UNBOUNDED = 2**62
"""Where estimates of size stop growing; no bound is as large."""

_SHOWN_ITEMS = 6
_SHOWN_DEPTH = 3


class Opaque:
    """A value of which only its place on the stack matters."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "…"


OPAQUE: Final = Opaque()
"""Floats, long numbers, results that nobody asks about."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes or a long text in the file."""

    start: int
    """Offset of the first byte."""

    end: int
    text: bool
    """Whether they are text, in UTF-8."""


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle imports."""

    module: str
    attribute: str

    @property
    def name(self) -> str:
        """`module.attribute`, as the stream has it."""
        return f"{self.module}.{self.attribute}"


class Tree:
    """A value that holds others: what it would unfold to, and how deep."""

    __slots__ = ("depth", "size")

    def __init__(self, items: Sequence[Value] = ()) -> None:
        self.size = 1
        self.depth = 1
        if items:
            self.take(items)

    def take(self, items: Sequence[Value]) -> None:
        """Count items in; one that stands in many places counts in each of them."""
        self.size += len(items)
        if len(items) > _FEW and _LEAVES.issuperset(map(type, items)):
            return
        for item in items:
            if type(item) not in _LEAVES and isinstance(item, Tree) and item is not self:
                self.size += item.size
                if item.depth >= self.depth:
                    self.depth = item.depth + 1
        self.size = min(self.size, UNBOUNDED)


class Box(Tree):
    """A list, dictionary or set, which grows after it was made."""

    __slots__ = ("kind", "pairs")

    def __init__(self, kind: str, items: Sequence[Value] = ()) -> None:
        super().__init__(items)
        self.kind = kind
        self.pairs: tuple[Value, ...] | None = ()
        """Keys and values in turn of a small dictionary; None for a large one."""

    def put(self, pairs: list[Value]) -> None:
        """Take keys and values in turn."""
        self.take(pairs)
        if self.pairs is not None:
            self.pairs = (*self.pairs, *pairs) if len(self.pairs) + len(pairs) <= _SMALL else None

    def known(self) -> dict[str, Value] | None:
        """Give a small dictionary's entries with textual keys; None when it is no small dictionary."""
        if self.kind != "dict" or self.pairs is None:
            return None
        return {key: value for key, value in zip(self.pairs[::2], self.pairs[1::2], strict=True) if type(key) is str}


class Row(Tree):
    """A tuple."""

    __slots__ = ("items",)

    def __init__(self, items: list[Value]) -> None:
        super().__init__(items)
        self.items = tuple(items) if len(items) <= _SMALL else None
        """None when there are too many to keep."""


class Made(Tree):
    """The result of a call, or an instance."""

    __slots__ = ("arguments", "callee")

    def __init__(self, callee: Global | None, arguments: Value, *, keep: bool) -> None:
        super().__init__()
        if isinstance(arguments, Tree):
            self.size, self.depth = arguments.size, arguments.depth
        self.callee = callee
        """None when what was called is no name."""

        self.arguments = arguments if keep else OPAQUE


Value = str | int | None | Opaque | Span | Global | Tree
_LEAVES = frozenset({str, int, bool, type(None), Opaque, Span, Global})
_FEW = 4
"""Items up to which looking at each is quicker than asking for all of their types."""

_SMALL = 32
"""Entries of a container whose contents are kept."""


def rows(value: Value) -> tuple[Value, ...]:
    """Give a small tuple's items; nothing for any other value."""
    return value.items or () if isinstance(value, Row) else ()


def globals_in(value: Value, depth: int = _SHOWN_DEPTH) -> Iterator[Global]:
    """Find the names in a value's small tuples."""
    if isinstance(value, Global):
        yield value
    elif depth:
        for item in rows(value):
            yield from globals_in(item, depth - 1)


def shown(value: Value, depth: int = _SHOWN_DEPTH) -> str:
    """Say what a value is, in a few printable words."""
    if isinstance(value, Global):
        return printable(value.name, 120)
    if isinstance(value, Made):
        return f"{shown(value.callee)}(…)" if value.callee else "…"
    if isinstance(value, Row) and depth:
        parts = [shown(item, depth - 1) for item in rows(value)[:_SHOWN_ITEMS]]
        return f"({', '.join(parts)}{', …' if len(rows(value)) > _SHOWN_ITEMS else ''})"
    if isinstance(value, str):
        return repr(printable(value, 80))
    return repr(value) if value is None or isinstance(value, int) else "…"
