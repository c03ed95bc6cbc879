"""What can be wrong with a JSON value that should have been a noun, and where."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from gatekeeper.text import printable

Where = tuple[str | int, ...]
"""Keys and indexes that lead to a value; told only when something is wrong there, since that costs."""


class Fault(StrEnum):
    """What is wrong with a value."""

    TYPE = "type"
    """JSON has another type there."""

    MISSING = "missing"
    """The object lacks the key that `value` names."""

    UNKNOWN = "unknown"
    """The object has the key that `value` names, and may not."""

    WORD = "word"
    """It is none of the words that are `expected`."""

    FORM = "form"
    """It does not match the pattern that is `expected`."""

    CALENDAR = "calendar"
    """It has the form of a day or a time, and there is none such."""

    EITHER = "either"
    """It has none of the types that may stand there."""

    LENGTH = "length"
    """The array has another number of items than is `expected`."""

    REFUSED = "refused"
    """The noun itself refuses its fields, in the words of `value`."""

    FACT = "fact"
    """It is nothing that a fact may hold."""


class ShapeError(ValueError):
    """A value has another shape than its noun.

    Args:
        fault: What is wrong.
        where: Keys and indexes that lead to it, or to the object whose key is wrong; hostile text.
        value: What stands there, or the key; hostile.
        kind: What was asked for: `str`, `int`, `float`, `bool`, `list`, `dict`, `date`, `datetime`, or `Enum` for a
            word.
        expected: The words, the pattern or the number of items that it should have had.
    """

    def __init__(
        self, fault: Fault, where: Where, value: Any, *, kind: Any = None, expected: tuple[str, ...] = ()
    ) -> None:
        """Keep the parts, of which each document makes its own words."""
        super().__init__(f"{fault} at {where!a}")
        self.fault = fault
        self.where = where
        self.value = value
        self.kind = kind
        self.expected = expected

    @property
    def place(self) -> str:
        """Give `where` as `.files[3].size`, printable; empty for the whole."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{printable(step, 80)}" for step in self.where)

    @property
    def quoted(self) -> str:
        """Give the value, a text or a key, in quotes and printable."""
        return repr(printable(self.value, 80))

    @property
    def told(self) -> str:
        """Give the value, a text that was made by us and may quote it, printable."""
        return printable(self.value)
