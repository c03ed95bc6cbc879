"""The JSON document: an attestation written out whole, and read back strictly.

The document has the shape of the nouns, field by field. Names of enumerations stand as words (`"medium"`), times as
RFC 3339, lists of facts as arrays. A fact that is no finite number is written as `{"non_finite": "nan"}`, since JSON
has no word for it. The text is ASCII: showing it in a terminal can neither move the cursor nor reorder a line, and a
path that was no valid Unicode on disk survives as the escape of its surrogates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeVar

from gatekeeper.attestation import SCHEMA_VERSION, Attestation
from gatekeeper.codec import DOCUMENT, Fault, ShapeError, decode, encode
from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.parsing import ParseError, load_json_object

Noun = TypeVar("Noun")


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
    body = encode(noun, DOCUMENT)
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
    dialect = replace(DOCUMENT, is_open=_is_later(raw.get("schema_version"), version, hint))
    try:
        return decode(noun, {**raw, "schema_version": version}, dialect)
    except ShapeError as error:
        raise _wrong(error) from error


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


def _wrong(error: ShapeError) -> InputError:
    place = error.place.removeprefix(".")
    words = _WORDS[error.fault](error)
    return InputError(f"not a gatekeeper report: {place}: {words}" if place else f"not a gatekeeper report: {words}")


_KINDS = {
    str: "a string",
    int: "an integer",
    float: "a fraction",
    bool: "true or false",
    list: "an array",
    dict: "an object",
    type(None): "null",
    Enum: "a word",
    date: "a day",
    datetime: "a time with its offset",
}
_WORDS: dict[Fault, Callable[[ShapeError], str]] = {
    Fault.TYPE: lambda error: f"{_KINDS[error.kind]} was expected, not {_KINDS[type(error.value)]}",
    Fault.MISSING: lambda error: f"{error.value} is missing",
    Fault.UNKNOWN: lambda error: f"no such key: {error.quoted}",
    Fault.WORD: lambda error: f"{error.quoted} is none of {', '.join(error.expected)}",
    Fault.FORM: lambda error: f"{error.quoted} is not {_KINDS[error.kind]}",
    Fault.CALENDAR: lambda error: f"{error.quoted} is not {_KINDS[error.kind]}",
    Fault.EITHER: lambda _: "it has none of the types that may stand here",
    Fault.LENGTH: lambda error: f"{error.expected[0]} items were expected, not {error.value}",
    Fault.REFUSED: lambda error: error.told,
    Fault.FACT: lambda _: "a fact is true, false, a number, a string or an array of strings",
}
