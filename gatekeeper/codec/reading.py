"""JSON value → noun, strictly: what has another shape than the noun's type hints say is refused with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from gatekeeper.codec.dialect import DAY, NON_FINITE, Dialect, entries
from gatekeeper.codec.faults import Fault, ShapeError, Where
from gatekeeper.codec.writing import label
from gatekeeper.evidence import FactValue

Noun = TypeVar("Noun")

_SCALARS = frozenset({str, int, bool})


def decode(noun: type[Noun], value: object, dialect: Dialect) -> Noun:
    """Read a noun from a JSON value.

    Args:
        noun: A dataclass.
        value: What stands for it, as a strict and bounded parser gave it.
        dialect: Of the document.

    Raises:
        ShapeError: When it is of another shape.
    """
    result: Noun = _reader(dialect).of(noun)(value, ())
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


Read = Callable[[Any, Where], Any]
"""Reads one value that stands at a place."""


@cache
def _reader(dialect: Dialect) -> _Reader:
    return _Reader(dialect)


class _Reader:
    """Makes what reads values of a type, once for each type: documents hold thousands of the same."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._patterns = {datetime: dialect.moment.pattern, date: DAY}
        self._made: dict[Any, Read] = {}

    def of(self, hint: Any) -> Read:
        """Give what reads values of a type, or raises a `ShapeError`."""
        if hint not in self._made:
            self._made[hint] = self._make(hint)
        return self._made[hint]

    def _make(self, hint: Any) -> Read:
        if hint in _SCALARS:
            return partial(_expect, hint)
        if get_origin(hint) is Annotated:
            pattern = get_args(hint)[1]
            return lambda value, where: _matching(_expect(str, value, where), pattern, str, where)
        if hint == FactValue:
            return self._fact
        if parts := alternatives(hint):
            return self._either(parts)
        if hint is float:
            return self._number
        if get_origin(hint) is tuple:
            return self._tuple(hint)
        if get_origin(hint) is Mapping:
            return self._mapping(self.of(get_args(hint)[1]))
        if is_dataclass(hint):
            return self._noun(hint)
        return partial(self._moment, hint) if hint in self._patterns else partial(_word, hint)

    def _either(self, parts: tuple[Any, ...]) -> Read:
        rest = [(_json_type(part), self.of(part)) for part in parts if part is not type(None)]

        def read(value: Any, where: Where) -> Any:
            if value is None and parts[-1] is type(None):
                return None
            if len(rest) == 1:
                return rest[0][1](value, where)
            kinds = [float] if self._is_non_finite(value) else [type(value), float if type(value) is int else None]
            for kind in kinds:
                for stands_as, chosen in rest:
                    if stands_as is kind:
                        return chosen(value, where)
            raise ShapeError(Fault.EITHER, where, value)

        return read

    def _tuple(self, hint: Any) -> Read:
        if parts := [self.of(part) for part in lengths(hint)]:

            def read_each(value: Any, where: Where) -> tuple[Any, ...]:
                items = _expect(list, value, where)
                if len(items) != len(parts):
                    raise ShapeError(Fault.LENGTH, where, len(items), expected=(str(len(parts)),))
                return tuple(part(items[index], (*where, index)) for index, part in enumerate(parts))

            return read_each
        item = self.of(get_args(hint)[0])

        def read(value: Any, where: Where) -> tuple[Any, ...]:
            return tuple(item(each, (*where, index)) for index, each in enumerate(_expect(list, value, where)))

        return read

    def _mapping(self, item: Read) -> Read:
        def read(value: Any, where: Where) -> dict[str, Any]:
            return {key: item(each, (*where, key)) for key, each in _expect(dict, value, where).items()}

        return read

    def _noun(self, noun: Any) -> Read:
        known = entries(noun, self._dialect.key)
        keys = frozenset(entry.key for entry in known)
        needed = [entry.key for entry in known if not (entry.has_default and self._dialect.has_defaults)]
        plan: list[tuple[str, str, Read]] = []

        def read(value: Any, where: Where) -> Any:
            _expect(dict, value, where)
            for key in needed:
                if key not in value:
                    raise ShapeError(Fault.MISSING, where, key)
            if not self._dialect.is_open:
                for key in value:
                    if key not in keys:
                        raise ShapeError(Fault.UNKNOWN, where, key)
            if not plan:  # not before, should a noun ever hold itself
                plan[:] = [(entry.name, entry.key, self.of(entry.hint)) for entry in known]
            given = {name: part(value[key], (*where, key)) for name, key, part in plan if key in value}
            try:
                return noun(**given)
            except ValueError as error:
                raise ShapeError(Fault.REFUSED, where, str(error)) from error

        return read

    def _moment(self, hint: type[date], value: Any, where: Where) -> date:
        text = _matching(_expect(str, value, where, told=hint), self._patterns[hint], hint, where)
        try:
            return hint.fromisoformat(text)
        except ValueError:
            raise ShapeError(Fault.CALENDAR, where, text, kind=hint) from None

    def _number(self, value: Any, where: Where) -> float:
        if self._is_non_finite(value):
            return float(value[NON_FINITE])
        try:
            if type(value) in (int, float) and math.isfinite(value):
                return float(value)
        except OverflowError:
            pass  # a whole number that no double can hold
        raise ShapeError(Fault.TYPE, where, value, kind=float)

    def _fact(self, value: Any, where: Where) -> FactValue:
        if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if self._is_non_finite(value):
            return float(value[NON_FINITE])
        raise ShapeError(Fault.FACT, where, value)

    def _is_non_finite(self, value: Any) -> bool:
        if not (self._dialect.has_non_finite and isinstance(value, dict) and list(value) == [NON_FINITE]):
            return False
        return value[NON_FINITE] in ("nan", "inf", "-inf")


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
