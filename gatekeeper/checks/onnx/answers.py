"""Frozen dataclasses ↔ JSON, read strictly: what answers had a hostile file in its hands."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

_PLAIN = frozenset({str, int, float, bool, type(None)})


def to_data(value: Any) -> Any:
    """Give a noun as what JSON has; `from_data` makes the same noun of it."""
    if is_dataclass(value):
        return {field.name: to_data(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [to_data(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def from_data(kind: type[T], data: Any, *, texts: int, items: int) -> T:
    """Read a noun.

    Args:
        kind: A frozen dataclass of texts, numbers, words of an enum, tuples and other such dataclasses.
        data: What JSON gave.
        texts: Most characters of a text.
        items: Most items of a tuple.

    Raises:
        ValueError: When it has another shape, or exceeds a bound.
    """
    found: T = _Reading(texts, items).value(kind, data)
    return found


class _Reading:
    def __init__(self, texts: int, items: int) -> None:
        self._texts = texts
        self._items = items

    def value(self, kind: Any, data: Any) -> Any:
        if kind in _PLAIN:
            return self._plain(kind, data)
        origin = get_origin(kind)
        if origin is tuple:
            return self._tuple(get_args(kind), data)
        if origin in (Union, UnionType):
            return self._either(get_args(kind), data)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(self._plain(str, data))
        return self._noun(kind, data)

    def _plain(self, kind: type, data: Any) -> Any:
        if type(data) is not kind or (isinstance(data, str) and len(data) > self._texts):
            raise ValueError(f"no {kind.__name__}, or a long one")
        return data

    def _tuple(self, kinds: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
        if type(data) is not list or len(data) > self._items:
            raise ValueError("no list, or a long one")
        if len(kinds) == 2 and kinds[1] is ...:
            return tuple(self.value(kinds[0], item) for item in data)
        return tuple(self.value(kind, item) for kind, item in zip(kinds, data, strict=True))

    def _either(self, kinds: tuple[Any, ...], data: Any) -> Any:
        for kind in kinds:
            if type(data) is kind:
                return self._plain(kind, data)
        others = [kind for kind in kinds if kind not in _PLAIN]
        if len(others) != 1:
            raise ValueError("none of the types that it may have")
        return self.value(others[0], data)

    def _noun(self, kind: Any, data: Any) -> Any:
        hints = _hints(kind)
        if type(data) is not dict or data.keys() != hints.keys():
            raise ValueError(f"no {kind.__name__}")
        return kind(**{name: self.value(hint, data[name]) for name, hint in hints.items()})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
