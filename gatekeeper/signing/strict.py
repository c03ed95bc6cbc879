"""Reading what is signed so that nothing in it can be read in two ways.

Whoever signs a document signs its bytes; whoever verifies it acts on what a parser made of them. So there is one
spelling for everything here: no key twice, no unknown field, no base64 that decodes as another one does.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.text import plural, printable


def malformed(message: str) -> SignatureError:
    """Make the error for something that is not what its name promises."""
    return SignatureError(message, refusal=Refusal.MALFORMED)


def load(data: bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object from bytes of any size.

    Args:
        data: UTF-8 text.
        what: For messages, with its article: `the envelope`.

    Raises:
        SignatureError: When it is larger than `Limits.signed_bytes`, or no JSON object in one reading alone.
    """
    if len(data) > DEFAULT_LIMITS.signed_bytes:
        raise SignatureError(
            f"{what} has more than {plural(DEFAULT_LIMITS.signed_bytes, 'byte')} (signed_bytes)",
            refusal=Refusal.TOO_LARGE,
        )
    try:
        return load_json_object(data, depth=DEFAULT_LIMITS.signed_depth)
    except ParseError as error:
        raise malformed(f"{what} can't be read: {error}") from error


def fields(
    value: object, what: str, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> Mapping[str, Any]:
    """Give an object that has just these fields.

    Raises:
        SignatureError: When it is no object, lacks a field or has one more.
    """
    if not isinstance(value, Mapping):
        raise malformed(f"{what} is no JSON object")
    if missing := sorted(required - value.keys()):
        raise malformed(f"{what} lacks {missing[0]!r}")
    if unknown := sorted(value.keys() - required - optional):
        raise malformed(f"{what} has an unknown field {printable(unknown[0], 80)!r}")
    return value


def text(value: object, what: str, limit: int = 1024) -> str:
    """Give a text of at most `limit` characters.

    Raises:
        SignatureError: When it is something else, or longer.
    """
    if not isinstance(value, str):
        raise malformed(f"{what} is no text")
    if len(value) > limit:
        raise malformed(f"{what} has more than {limit} characters")
    return value


def items(value: object, what: str) -> list[Any]:
    """Give a list.

    Raises:
        SignatureError: When it is something else.
    """
    if not isinstance(value, list):
        raise malformed(f"{what} is no list")
    return value


def decoded(value: object, what: str) -> bytes:
    """Decode base64 of the standard alphabet, padded, in its only canonical spelling (RFC 4648, 3.5).

    Raises:
        SignatureError: When it is no text, or another spelling.
    """
    if not isinstance(value, str):
        raise malformed(f"{what} is no text")
    try:
        data = binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
    except ValueError as error:  # binascii.Error and UnicodeEncodeError are both
        raise malformed(f"{what} is not in standard base64") from error
    if encoded(data) != value:
        raise malformed(f"{what} is base64 in a spelling that is not canonical")
    return data


def encoded(data: bytes) -> str:
    """Encode as `decoded` reads."""
    return base64.b64encode(data).decode("ascii")
