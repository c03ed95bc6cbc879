"""Nouns ↔ JSON of a predicate, led by the nouns' type hints, and the JSON Schema of the same.

Keys are lowerCamelCase, as everywhere in in-toto. A reader passes over keys that it does not know, as in-toto asks of
every consumer, so a later minor version may add fields; it must never add one that makes a verdict milder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.evidence import FactValue
from gatekeeper.text import printable

Noun = TypeVar("Noun")

Sha256 = Annotated[str, "[0-9a-f]{64}"]
"""A digest, hexadecimal, lower case."""

PolicyDigest = Annotated[str, "sha256:[0-9a-f]{64}"]
CommitId = Annotated[str, "([0-9a-f]{40})?"]
"""A commit, or empty."""

_TIME = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


def key_of(name: str) -> str:
    """Give the key of a field: `policy_digest` is written `policyDigest`."""
    return re.sub("_([a-z0-9])", lambda found: found[1].upper(), name)


def encode(value: Any) -> Any:
    """Give the plain JSON of a noun. Times are cut to whole seconds of UTC."""
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if is_dataclass(value):
        return {key_of(each.name): encode(getattr(value, each.name)) for each in fields(value)}
    return value


def decode(noun: type[Noun], value: object, what: str) -> Noun:
    """Read a noun from JSON that a strict parser read.

    A field that has a default may be missing.

    Args:
        noun: A dataclass.
        value: What stands for it.
        what: For messages, with its article: `the decision`.

    Raises:
        SignatureError: When it is of another shape (`malformed`); the message says where.
    """
    result: Noun = _read(noun, value, what)
    return result


def schema(noun: type) -> dict[str, Any]:
    """Give the JSON Schema (draft 2020-12) of what `encode` writes of a noun, without definitions of its own."""
    return _shape(noun)


@cache
def _hints(noun: type) -> dict[str, tuple[Field[Any], Any]]:
    resolved = get_type_hints(noun, include_extras=True)
    return {key_of(each.name): (each, resolved[each.name]) for each in fields(noun)}


def _read(hint: Any, value: Any, what: str) -> Any:
    if get_origin(hint) is Annotated:
        return _text(value, what, get_args(hint)[1])
    if hint == FactValue:
        return _fact(value, what)
    if get_origin(hint) is tuple:
        _expect(list, value, what)
        return tuple(_read(get_args(hint)[0], item, what) for item in value)
    if get_origin(hint) is Mapping:
        _expect(dict, value, what)
        return {key: _read(get_args(hint)[1], item, f"{what}.{printable(key, 80)}") for key, item in value.items()}
    if is_dataclass(hint):
        _expect(dict, value, what)
        return _noun(hint, value, what)
    if issubclass(hint, IntEnum | StrEnum):
        words = {encode(member): member for member in hint}
        return words[_one_of(words, value, what)]
    if hint in (date, datetime):
        return _moment(hint, value, what)
    _expect(hint, value, what)
    return value


def _noun(noun: Any, value: dict[str, Any], what: str) -> Any:
    given = {}
    for key, (field, hint) in _hints(noun).items():
        if key in value:
            given[field.name] = _read(hint, value[key], f"{what}.{key}")
        elif not _has_default(field):
            raise _wrong(what, f"lacks {key!r}")
    return noun(**given)


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _text(value: Any, what: str, pattern: str) -> str:
    _expect(str, value, what)
    if not re.fullmatch(pattern, value):
        raise _wrong(what, f"reads {printable(value, 80)!r}, and {pattern} was expected")
    return str(value)


def _one_of(words: Mapping[str, Any], value: Any, what: str) -> str:
    _expect(str, value, what)
    if value not in words:
        raise _wrong(what, f"reads {printable(value, 80)!r}, which is none of {', '.join(words)}")
    return str(value)


def _moment(hint: type[date], value: Any, what: str) -> date:
    text = _text(value, what, _TIME if hint is datetime else _DAY)
    try:
        return hint.fromisoformat(text)
    except ValueError as error:
        raise _wrong(what, f"reads {text}, and there is no such time") from error


def _fact(value: Any, what: str) -> FactValue:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(value, bool | int | float | str):
        return value
    raise _wrong(what, "is no fact: true, false, a number, a text or a list of texts")


def _expect(kind: type, value: Any, what: str) -> None:
    if type(value) is not kind:  # exactly: true is no integer here
        raise _wrong(what, f"is no {_NAMES[kind]}")


def _wrong(what: str, why: str) -> SignatureError:
    return SignatureError(f"{what} {why}", refusal=Refusal.MALFORMED)


_NAMES = {str: "text", int: "whole number", bool: "true or false", list: "list", dict: "JSON object", float: "fraction"}
_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time", "pattern": f"^{_TIME}$"},
    date: {"type": "string", "format": "date", "pattern": f"^{_DAY}$"},
}


def _shape(hint: Any) -> dict[str, Any]:
    if get_origin(hint) is Annotated:
        return {"type": "string", "pattern": f"^{get_args(hint)[1]}$"}
    if hint == FactValue:
        return {
            "anyOf": [{"type": ["boolean", "number", "string"]}, {"type": "array", "items": {"type": "string"}}],
        }
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _shape(get_args(hint)[0])}
    if get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": _shape(get_args(hint)[1])}
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if is_dataclass(hint):
        known = _hints(hint)  # type: ignore[arg-type]
        return {
            "type": "object",
            "description": " ".join((hint.__doc__ or "").split("\n\n")[0].split()),
            "properties": {key: _shape(each) for key, (_, each) in known.items()},
            "required": [key for key, (field, _) in known.items() if not _has_default(field)],
        }
    return {"type": "string", "enum": [encode(member) for member in hint]}
