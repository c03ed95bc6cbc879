"""How nouns stand in the documents of one family: the keys, the times, and how strictly they are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, get_type_hints

DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
"""Pattern of a day (RFC 3339, full-date), as every dialect has it."""

_SECONDS = f"{DAY}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}"

NON_FINITE = "non_finite"
"""The one key of the object that stands for a number that JSON can't write."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """How a time is written (RFC 3339, date-time)."""

    pattern: str
    """Of the whole text."""

    write: Callable[[datetime], str]


def _as_it_is(moment: datetime) -> str:
    return (moment.isoformat() if moment.tzinfo else f"{moment.isoformat()}Z").replace("+00:00", "Z")


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ANY_OFFSET = Moment(pattern=rf"{_SECONDS}(\.[0-9]{{1,6}})?(Z|[+-][0-9]{{2}}:[0-9]{{2}})", write=_as_it_is)
"""To the microsecond, with its offset; a time without one is written as UTC."""

WHOLE_SECONDS = Moment(pattern=f"{_SECONDS}Z", write=_in_utc)
"""In UTC, cut to whole seconds."""


def _same(name: str) -> str:
    return name


def lower_camel(name: str) -> str:
    """Give the key of a field as in-toto writes keys: `policy_digest` is written `policyDigest`."""
    return re.sub("_([a-z0-9])", lambda found: found[1].upper(), name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What two families of documents do differently."""

    moment: Moment
    key: Callable[[str], str] = _same
    """Name of a field → its key."""

    has_defaults: bool = False
    """Whether a field that has a default may be missing."""

    is_open: bool = False
    """Whether keys that nobody knows are passed over, not refused."""

    has_non_finite: bool = False
    """Whether a fact may be a number that JSON has no word for, written as `{"non_finite": "nan"}`."""


DOCUMENT = Dialect(moment=ANY_OFFSET, has_non_finite=True)
"""Of gatekeeper's own documents: keys are the names of the fields; every one must be there, and no other may."""


class Entry(NamedTuple):
    """One field of a noun in a dialect."""

    name: str
    key: str
    hint: Any
    """Its resolved type, with what it is annotated with."""

    has_default: bool


@cache
def entries(noun: Any, key: Callable[[str], str]) -> tuple[Entry, ...]:
    """Give the fields of a noun, in order."""
    resolved = get_type_hints(noun, include_extras=True)
    return tuple(
        Entry(
            name=field.name,
            key=key(field.name),
            hint=resolved[field.name],
            has_default=field.default is not MISSING or field.default_factory is not MISSING,
        )
        for field in fields(noun)
    )
