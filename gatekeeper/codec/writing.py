"""Noun → JSON value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import Enum, IntEnum
from typing import Any

from gatekeeper.codec.dialect import NON_FINITE, Dialect, entries


def encode(value: Any, dialect: Dialect) -> Any:
    """Give the JSON value of a noun, fields in the order of the noun and maps sorted by key.

    Law: `decode(type(noun), encode(noun, dialect), dialect) == noun`, as far as the dialect writes times whole.
    """
    if isinstance(value, Enum):
        return label(value)
    if isinstance(value, float) and dialect.has_non_finite and not math.isfinite(value):
        return {NON_FINITE: str(value)}
    if isinstance(value, datetime):
        return dialect.moment.write(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [encode(item, dialect) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(value[key], dialect) for key in sorted(value)}
    if is_dataclass(value):
        known = entries(value.__class__, dialect.key)
        return {entry.key: encode(getattr(value, entry.name), dialect) for entry in known}
    return value


def label(member: Enum) -> str:
    """Give the word that stands for a member: its value, or the name of a numbered one."""
    return member.name.lower() if isinstance(member, IntEnum) else str(member.value)
