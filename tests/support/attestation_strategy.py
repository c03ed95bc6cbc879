"""Any attestation that the nouns allow, for property tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from gatekeeper.attestation import SCHEMA_VERSION, Attestation
from gatekeeper.proportion import Proportion

# Lone surrogates are what `os.fsdecode` makes of a name that is no UTF-8. A high one before a low one is no such
# name: JSON can't tell the two from the character that they spell.
TEXT = st.text(st.characters(exclude_categories=[]), max_size=12).map(
    lambda text: re.sub("[\ud800-\udbff](?=[\udc00-\udfff])", "", text)
)
_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**70), 2**70),
    bool: st.booleans(),
    float: st.floats(allow_nan=False),
    date: st.dates(),
    datetime: st.datetimes(
        min_value=datetime(2, 1, 1),
        max_value=datetime(9998, 1, 1),
        timezones=st.one_of(st.just(UTC), _OFFSETS),
    ),
    type(None): st.none(),
}


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Give any value of a type that the nouns use."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if get_origin(hint) in (UnionType, Union):
        return st.one_of([of(part) for part in get_args(hint)])
    if hint is Proportion:
        trials = st.integers(0, 2**40)
        return trials.flatmap(
            lambda most: st.integers(0, most).map(lambda some: Proportion(successes=some, trials=most))
        )
    if get_origin(hint) is tuple and get_args(hint)[-1] is not Ellipsis:
        return st.tuples(*map(of, get_args(hint)))
    if get_origin(hint) is tuple:
        return st.lists(of(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is Mapping:
        return st.dictionaries(TEXT, of(get_args(hint)[1]), max_size=2)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    assert is_dataclass(hint), hint
    known = get_type_hints(hint)
    parts = {field.name: of(known[field.name]) for field in fields(hint)}
    if hint is Attestation:
        parts["schema_version"] = st.just(SCHEMA_VERSION)
    return st.builds(hint, **parts)


ATTESTATIONS: st.SearchStrategy[Attestation] = of(Attestation)
