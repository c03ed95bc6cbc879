"""JSON value → noun, strictly: what has another shape than the noun's type hints say is refused with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import Enum, StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from gatekeeper.codec.dialect import DAY, NON_FINITE, Dialect, entries
from gatekeeper.codec.writing import label
from gatekeeper.evidence import FactValue
from gatekeeper.text import printable

Noun = TypeVar("Noun")

_SCALARS = frozenset({str, int, bool})

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


def decode(noun: type[Noun], value: object, dialect: Dialect) -> Noun:
    """Read a noun from a JSON value.

    Args:
        noun: A dataclass.
        value: What stands for it, as a strict and bounded parser gave it.
        dialect: Of the document.

    Raises:
        ShapeError: When it is of another shape.
    """
    result: Noun = _Reader(dialect).read(noun, value, ())
    return result


def alternatives(hint: Any) -> tuple[Any, ...]:
    """Give the types of a union, of which JSON writes each in another type, with None's last; nothing for others."""
    if get_origin(hint) not in (UnionType, Union):
        return ()
    return tuple(sorted(get_args(hint), key=lambda part: part is type(None)))


def lengths(hint: Any) -> tuple[Any, ...]:
    """Give the types of a tuple of fixed length; nothing for one of any length."""
    parts = get_args(hint)
    return () if parts[-1] is Ellipsis else parts


class _Reader:
    """Turns JSON values into nouns, led by their type hints."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._patterns = {datetime: dialect.moment.pattern, date: DAY}

    def read(self, hint: Any, value: Any, where: Where) -> Any:
        """Read one value.

        Raises:
            ShapeError: When it is not of that type.
        """
        if hint in _SCALARS:
            return _expect(hint, value, where)
        if get_origin(hint) is Annotated:
            return _matching(_expect(str, value, where), get_args(hint)[1], str, where)
        if hint == FactValue:
            return self._fact(value, where)
        if parts := alternatives(hint):
            return self._either(parts, value, where)
        if hint is float:
            return self._number(value, where)
        if get_origin(hint) is tuple:
            return self._tuple(hint, _expect(list, value, where), where)
        if get_origin(hint) is Mapping:
            given = _expect(dict, value, where)
            return {key: self.read(get_args(hint)[1], given[key], (*where, key)) for key in given}
        if is_dataclass(hint):
            return self._noun(hint, _expect(dict, value, where), where)
        return self._moment(hint, value, where) if hint in self._patterns else _word(hint, value, where)

    def _either(self, parts: tuple[Any, ...], value: Any, where: Where) -> Any:
        if value is None and parts[-1] is type(None):
            return None
        rest = [part for part in parts if part is not type(None)]
        if len(rest) == 1:
            return self.read(rest[0], value, where)
        exact = [] if self._is_non_finite(value) else [part for part in rest if _json_type(part) is type(value)]
        fitting = exact or [part for part in rest if part is float and type(value) in (int, dict)]
        if not fitting:
            raise ShapeError(Fault.EITHER, where, value)
        return self.read(fitting[0], value, where)

    def _tuple(self, hint: Any, items: list[Any], where: Where) -> tuple[Any, ...]:
        parts = lengths(hint) or (get_args(hint)[0],) * len(items)
        if len(parts) != len(items):
            raise ShapeError(Fault.LENGTH, where, len(items), expected=(str(len(parts)),))
        return tuple(self.read(part, items[index], (*where, index)) for index, part in enumerate(parts))

    def _number(self, value: Any, where: Where) -> float:
        if self._is_non_finite(value):
            return float(value[NON_FINITE])
        try:
            if type(value) in (int, float) and math.isfinite(value):
                return float(value)
        except OverflowError:
            pass  # a whole number that no double can hold
        raise ShapeError(Fault.TYPE, where, value, kind=float)

    def _is_non_finite(self, value: Any) -> bool:
        if not (self._dialect.has_non_finite and isinstance(value, dict) and list(value) == [NON_FINITE]):
            return False
        return value[NON_FINITE] in ("nan", "inf", "-inf")

    def _noun(self, noun: Any, value: dict[str, Any], where: Where) -> Any:
        known = entries(noun, self._dialect.key)
        for entry in known:
            if entry.key not in value and not (entry.has_default and self._dialect.has_defaults):
                raise ShapeError(Fault.MISSING, where, entry.key)
        if not self._dialect.is_open:
            keys = {entry.key for entry in known}
            for key in value:
                if key not in keys:
                    raise ShapeError(Fault.UNKNOWN, where, key)
        given = [entry for entry in known if entry.key in value]
        fields = {each.name: self.read(each.hint, value[each.key], (*where, each.key)) for each in given}
        try:
            return noun(**fields)
        except ValueError as error:
            raise ShapeError(Fault.REFUSED, where, str(error)) from error

    def _moment(self, hint: type[date], value: Any, where: Where) -> date:
        text = _matching(_expect(str, value, where, told=hint), self._patterns[hint], hint, where)
        try:
            return hint.fromisoformat(text)
        except ValueError:
            raise ShapeError(Fault.CALENDAR, where, text, kind=hint) from None

    def _fact(self, value: Any, where: Where) -> FactValue:
        if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if self._is_non_finite(value):
            return float(value[NON_FINITE])
        raise ShapeError(Fault.FACT, where, value)


def _json_type(hint: Any) -> type:
    """Say as what JSON has the values of a type."""
    if hint in _SCALARS or hint is float:
        return cast("type", hint)
    if get_origin(hint) is tuple:
        return list
    return dict if get_origin(hint) is Mapping or is_dataclass(hint) else str


def _word(hint: type[Enum], value: Any, where: Where) -> Enum:
    words = _members(hint)
    text = _expect(str, value, where, told=Enum)
    if text not in words:
        raise ShapeError(Fault.WORD, where, text, kind=Enum, expected=tuple(words))
    return words[text]


@cache
def _members(hint: type[Enum]) -> dict[str, Enum]:
    return {label(member): member for member in hint}


def _matching(text: str, pattern: str, kind: type, where: Where) -> str:
    if not re.fullmatch(pattern, text):
        raise ShapeError(Fault.FORM, where, text, kind=kind, expected=(pattern,))
    return text


def _expect(kind: type, value: Any, where: Where, *, told: Any = None) -> Any:
    if type(value) is not kind:  # exactly: true is no integer here
        raise ShapeError(Fault.TYPE, where, value, kind=told or kind)
    return value
