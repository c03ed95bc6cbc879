"""The dialect of predicates: nouns as in-toto writes its own, and read as it asks of every consumer.

Keys are lowerCamelCase. A reader passes over keys that it does not know, so a later minor version may add fields; it
must never add one that makes a verdict milder.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, TypeVar

from gatekeeper import codec
from gatekeeper.codec import WHOLE_SECONDS, Dialect, Fault, ShapeError, lower_camel
from gatekeeper.errors import SignatureError
from gatekeeper.signing import strict

Noun = TypeVar("Noun")

Sha256 = Annotated[str, "[0-9a-f]{64}"]
"""A digest, hexadecimal, lower case."""

MaybeSha256 = Annotated[str, "([0-9a-f]{64})?"]
"""A digest, or empty."""

PolicyDigest = Annotated[str, "sha256:[0-9a-f]{64}"]
CommitId = Annotated[str, "([0-9a-f]{40})?"]
"""A commit, or empty."""

PREDICATE = Dialect(key=lower_camel, moment=WHOLE_SECONDS, has_defaults=True, is_open=True)


def encode(noun: Any) -> Any:
    """Give the plain JSON of a noun. Times are cut to whole seconds of UTC."""
    return codec.encode(noun, PREDICATE)


def decode(noun: type[Noun], value: object, what: str) -> Noun:
    """Read a noun from JSON that a strict parser read. A field that has a default may be missing.

    Args:
        noun: A dataclass.
        value: What stands for it.
        what: For messages, with its article: `the decision`.

    Raises:
        SignatureError: When it is of another shape (`malformed`); the message says where.
    """
    try:
        return codec.decode(noun, value, PREDICATE)
    except ShapeError as error:
        raise _refusal(error, what) from error


def _refusal(error: ShapeError, what: str) -> SignatureError:
    return strict.malformed(f"{what}{error.place} {_WORDS[error.fault](error)}")


_KINDS = {
    str: "text", int: "whole number", float: "number", bool: "true or false", list: "list", dict: "JSON object",
    Enum: "text", date: "text", datetime: "text",
}  # fmt: skip
_WORDS: dict[Fault, Callable[[ShapeError], str]] = {
    Fault.TYPE: lambda error: f"is no {_KINDS[error.kind]}",
    Fault.MISSING: lambda error: f"lacks {error.value!r}",
    Fault.UNKNOWN: lambda error: f"has an unknown field {error.quoted}",
    Fault.WORD: lambda error: f"reads {error.quoted}, which is none of {', '.join(error.expected)}",
    Fault.FORM: lambda error: f"reads {error.quoted}, and {error.expected[0]} was expected",
    Fault.CALENDAR: lambda error: f"reads {error.value}, and there is no such time",
    Fault.EITHER: lambda _: "has none of the types that may stand there",
    Fault.LENGTH: lambda error: f"has {error.value} items, and {error.expected[0]} were expected",
    Fault.REFUSED: lambda error: f"is refused: {error.told}",
    Fault.FACT: lambda _: "is no fact: true, false, a number, a text or a list of texts",
}
