"""The JSON document: an attestation written out whole, and read back strictly.

The document has the shape of the nouns, field by field. Names of enumerations stand as words (`"medium"`), times as
RFC 3339, lists of facts as arrays. A fact that is no finite number is written as `{"non_finite": "nan"}`, since JSON
has no word for it. The text is ASCII: showing it in a terminal can neither move the cursor nor reorder a line, and a
path that was no valid Unicode on disk survives as the escape of its surrogates.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum, IntEnum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gatekeeper.attestation import SCHEMA_VERSION, Attestation
from gatekeeper.errors import InputError, LimitError
from gatekeeper.evidence import FactValue
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import printable

DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""Pattern of a day (RFC 3339, full-date)."""

TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
"""Pattern of a time with its offset (RFC 3339, date-time)."""

Noun = TypeVar("Noun")

Where = tuple[str | int, ...]
"""Keys and indexes that lead to a value; told only when something is wrong there, since that costs."""

NON_FINITE = "non_finite"
"""The one key of the object that stands for a number that JSON can't write."""


def to_json(attestation: Attestation) -> str:
    """Write the document.

    Law: `from_json(to_json(a)) == a`, but for times without an offset, which are written as UTC, and for strings in
    which a lone high surrogate stands right before a lone low one, which read back as the character that they spell.

    Returns:
        ASCII text, indented by two, fields in the order of the nouns with `schema_version` first, maps sorted by
        key, with a newline at the end. The same attestation always gives the same text.
    """
    return dump(attestation)


def dump(noun: Any) -> str:
    """Write a noun that has a `schema_version`, as `to_json` writes an attestation."""
    body = _encode(noun)
    ordered = {"schema_version": body.pop("schema_version"), **body}
    return json.dumps(ordered, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def from_json(text: str | bytes) -> Attestation:
    """Read a document that `to_json` wrote, or one of a later minor version.

    Every field must be there with its type and no key may be unknown. In a document of a later minor version,
    unknown keys are passed over: such a version only adds fields that a reader can do without. What comes back is
    then of our version.

    Args:
        text: The document, of at most `Limits.report_bytes` bytes.

    Raises:
        InputError: When it is not such a document; the message says what is wrong and where.
        LimitError: When it is too large.
    """
    return load(Attestation, text, SCHEMA_VERSION, _HINT)


_HINT = "give the report.json that gatekeeper wrote"


def load(noun: type[Noun], text: str | bytes, version: str, hint: str) -> Noun:
    """Read a noun that `dump` wrote.

    Args:
        noun: What to read.
        text: The document, of at most `Limits.report_bytes` bytes.
        version: The `schema_version` that this gatekeeper writes.
        hint: What to give instead when it is no such document.

    Raises:
        InputError: As for `from_json`.
        LimitError: When it is too large.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > DEFAULT_LIMITS.report_bytes:
        raise LimitError(f"the report has {len(data)} bytes; at most {DEFAULT_LIMITS.report_bytes} are read")
    try:
        raw = load_json_object(data, depth=DEFAULT_LIMITS.json_depth, half_pairs=True)
    except ParseError as error:
        raise InputError(f"not a gatekeeper report: {error}", hint=hint) from error
    lenient = _is_later(raw.get("schema_version"), version, hint)
    result = _Reader(lenient=lenient).read(noun, {**raw, "schema_version": version}, ())
    assert isinstance(result, noun)  # noqa: S101 - tells the type checker what `read` was asked for
    return result


def _is_later(version: object, ours: str, hint: str) -> bool:
    """Whether a document is of a later minor version than ours.

    Raises:
        InputError: When it is no version of ours at all.
    """
    match = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", version, re.ASCII) if isinstance(version, str) else None
    if not match:
        raise InputError("not a gatekeeper report: schema_version is missing or is no version", hint=hint)
    major, minor = (int(part) for part in ours.split("."))
    if int(match[1]) != major:
        raise InputError(
            f"the report has schema version {match[0]}, this gatekeeper reads {major}.x",
            hint="read it with the gatekeeper that wrote it, or gate again",
        )
    return int(match[2]) > minor


def _encode(value: Any) -> Any:
    if isinstance(value, Enum):
        return label(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {NON_FINITE: str(value)}
    if isinstance(value, datetime):
        return (value.isoformat() if value.tzinfo else f"{value.isoformat()}Z").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _encode(value[key]) for key in sorted(value)}
    if is_dataclass(value):
        return {field.name: _encode(getattr(value, field.name)) for field in fields(value)}
    return value


def label(member: Enum) -> str:
    """Give the word that stands for a member in the document: its value, or the name of a numbered one."""
    return member.name.lower() if isinstance(member, IntEnum) else str(member.value)


@cache
def hints(noun: type) -> dict[str, Any]:
    """Give the resolved types of a noun's fields, in order."""
    resolved = get_type_hints(noun)
    return {field.name: resolved[field.name] for field in fields(noun)}


def optional(hint: Any) -> Any:
    """Give `X` for a field of type `X | None`, else None. A fact's value is a union of another kind."""
    if get_origin(hint) not in (UnionType, Union) or type(None) not in get_args(hint):
        return None
    (inner,) = (part for part in get_args(hint) if part is not type(None))
    return inner


class _Reader:
    """Turns parsed JSON into nouns, led by their type hints."""

    def __init__(self, *, lenient: bool) -> None:
        self._lenient = lenient

    def read(self, hint: Any, value: Any, where: Where) -> Any:
        """Read one value.

        Raises:
            InputError: When it is not of that type.
        """
        if hint in _WORDS:
            return _expect(hint, _WORDS[hint], value, where)
        inner = optional(hint)
        if inner is not None:
            return None if value is None else self.read(inner, value, where)
        if hint == FactValue:
            return _fact(value, where)
        if get_origin(hint) is tuple:
            items = _expect(list, "an array", value, where)
            return tuple(self.read(get_args(hint)[0], item, (*where, index)) for index, item in enumerate(items))
        if get_origin(hint) is Mapping:
            entries = _expect(dict, "an object", value, where)
            return {key: self.read(get_args(hint)[1], entries[key], (*where, key)) for key in entries}
        if is_dataclass(hint):
            return self._noun(hint, _expect(dict, "an object", value, where), where)
        return _moment(hint, value, where) if hint in _PARSERS else _word(hint, value, where)

    def _noun(self, noun: Any, value: dict[str, Any], where: Where) -> Any:
        known = hints(noun)
        missing = [name for name in known if name not in value]
        unknown = [] if self._lenient else [name for name in value if name not in known]
        if missing:
            raise _wrong(where, f"{missing[0]} is missing")
        if unknown:
            raise _wrong(where, f"no such key: {printable(unknown[0], 80)!r}")
        return noun(**{name: self.read(hint, value[name], (*where, name)) for name, hint in known.items()})


def _word(hint: type[Enum], value: Any, where: Where) -> Enum:
    words = _members(hint)
    text = _expect(str, "a word", value, where)
    if text not in words:
        raise _wrong(where, f"{printable(text, 80)!r} is none of {', '.join(words)}")
    return words[text]


def _moment(hint: type, value: Any, where: Where) -> object:
    parse, pattern, what = _PARSERS[hint]
    text = _expect(str, what, value, where)
    try:
        if re.fullmatch(pattern, text):
            return parse(text)
    except ValueError:
        pass  # it has the form, but there is no such day or hour
    raise _wrong(where, f"{printable(text, 80)!r} is not {what}")


def _fact(value: Any, where: Where) -> FactValue:
    if isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(value, dict) and list(value) == [NON_FINITE] and value[NON_FINITE] in ("nan", "inf", "-inf"):
        return float(value[NON_FINITE])
    raise _wrong(where, "a fact is true, false, a number, a string or an array of strings")


def _expect(kind: type, what: str, value: Any, where: Where) -> Any:
    if type(value) is not kind:  # exactly: true is no integer here
        raise _wrong(where, f"{what} was expected, not {_JSON_NAMES.get(type(value), 'something else')}")
    return value


@cache
def _members(hint: type[Enum]) -> dict[str, Enum]:
    return {label(member): member for member in hint}


def _wrong(where: Where, what: str) -> InputError:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{printable(step, 80)}" for step in where)
    told = f"{path.removeprefix('.')}: {what}" if path else what
    return InputError(f"not a gatekeeper report: {told}")


_PARSERS: dict[type, tuple[Callable[[str], object], str, str]] = {
    datetime: (datetime.fromisoformat, TIME, "a time with its offset"),
    date: (date.fromisoformat, DATE, "a day"),
}
_WORDS = {str: "a string", int: "an integer", bool: "true or false"}
_JSON_NAMES = {
    str: "a string",
    int: "an integer",
    float: "a fraction",
    bool: "true or false",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
