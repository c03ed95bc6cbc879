"""Nouns and JSON values: there and back in every dialect, and nothing of another shape gets through."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gatekeeper.codec import (
    ANY_OFFSET,
    WHOLE_SECONDS,
    Dialect,
    Fault,
    ShapeError,
    decode,
    encode,
    lower_camel,
)
from gatekeeper.codec.schema import described_schema, inline_schema
from gatekeeper.evidence import FactValue


class Weather(StrEnum):
    """What the sky does."""

    CALM = "calm"
    """No wind."""

    STORM = "dead-storm"


class Force(IntEnum):
    """How much."""

    LIGHT = 1
    HARD = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Crew:
    """Who is aboard."""

    name: str
    age: int = 0
    """In years."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Voyage:
    """One of every kind of field.

    A second paragraph stays here.
    """

    home_port: str
    log_sha256: Annotated[str, "[0-9a-f]{4}"]
    weather: Weather
    force: Force
    ended: bool
    sailed_at: datetime
    paid_on: date
    captain: Crew
    mate: Crew | None
    crew: tuple[Crew, ...]
    """In order of rank."""

    words: Mapping[str, str]
    facts: Mapping[str, FactValue] = field(default_factory=dict)
    note: str = ""


STRICT = Dialect(moment=ANY_OFFSET, has_non_finite=True)
LENIENT = Dialect(key=lower_camel, moment=WHOLE_SECONDS, has_defaults=True, is_open=True)
DIALECTS = {"strict": STRICT, "lenient": LENIENT}
VOYAGE = Voyage(
    home_port="Bergen",
    log_sha256="00ff",
    weather=Weather.STORM,
    force=Force.HARD,
    ended=True,
    sailed_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    paid_on=date(2026, 12, 1),
    captain=Crew(name="Ada", age=40),
    mate=None,
    crew=(Crew(name="Bo"),),
    words={"b": "2", "a": "1"},
    facts={"text": "x", "list": ("y",), "share": 0.5, "on": True, "count": 3},
)


def written(dialect: Dialect, **changes: Any) -> dict[str, Any]:
    """Give the voyage as it was parsed; three dots take a key away."""
    value = {**json.loads(json.dumps(encode(VOYAGE, dialect))), **changes}
    return {key: each for key, each in value.items() if each is not ...}


def refusal(dialect: Dialect, **changes: Any) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        decode(Voyage, written(dialect, **changes), dialect)
    return caught.value


def attempt(value: Any, dialect: Dialect) -> Voyage | ShapeError:
    try:
        return decode(Voyage, value, dialect)
    except ShapeError as error:
        return error


facts = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.lists(st.text()).map(tuple),
)
crew = st.builds(Crew, name=st.text(), age=st.integers())
voyages = st.builds(
    Voyage,
    home_port=st.text(),
    log_sha256=st.from_regex("[0-9a-f]{4}", fullmatch=True),
    weather=st.sampled_from(Weather),
    force=st.sampled_from(Force),
    ended=st.booleans(),
    sailed_at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    paid_on=st.dates(),
    captain=crew,
    mate=st.none() | crew,
    crew=st.lists(crew, max_size=3).map(tuple),
    words=st.dictionaries(st.text(), st.text(), max_size=3),
    facts=st.dictionaries(st.text(), facts, max_size=3),
    note=st.text(),
)


@given(voyage=voyages)
def test_every_noun_comes_back_from_every_dialect(voyage: Voyage) -> None:
    for dialect in DIALECTS.values():
        parsed = json.loads(json.dumps(encode(voyage, dialect)))
        assert decode(Voyage, parsed, dialect) == voyage


junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(written(STRICT))), value=junk)
def test_whatever_stands_in_a_field_is_taken_for_what_it_is_or_refused(key: str, value: Any) -> None:
    for dialect in DIALECTS.values():
        there = dialect.key(key)
        read = attempt(written(dialect, **{there: value}), dialect)
        if isinstance(read, ShapeError):
            assert read.where[0] == there
            assert read.place.isprintable()
        else:
            assert encode(read, dialect)[there] == value or key in ("sailed_at", "facts")


@given(key=st.sampled_from(sorted(written(STRICT))), value=junk)
def test_what_is_read_satisfies_the_schema(key: str, value: Any) -> None:
    for dialect, make in ((STRICT, described_schema), (LENIENT, inline_schema)):
        changed = written(dialect, **{dialect.key(key): value})
        if isinstance(attempt(changed, dialect), Voyage):
            Draft202012Validator(make(Voyage, dialect)).validate(changed)


def test_the_keys_are_the_dialect_s() -> None:
    assert list(encode(VOYAGE, STRICT))[:2] == ["home_port", "log_sha256"]
    assert list(encode(VOYAGE, LENIENT))[:2] == ["homePort", "logSha256"]
    assert list(encode(VOYAGE, STRICT)["words"]) == ["a", "b"]


def test_times_are_written_as_the_dialect_has_them() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2)))
    voyage = replace(VOYAGE, sailed_at=moment)
    assert encode(voyage, STRICT)["sailed_at"] == "2026-01-02T03:04:05.000006+02:00"
    assert encode(voyage, LENIENT)["sailedAt"] == "2026-01-02T01:04:05Z"


def test_a_field_with_a_default_may_be_missing_where_the_dialect_says_so() -> None:
    assert decode(Voyage, written(LENIENT, facts=..., note=...), LENIENT) == replace(VOYAGE, facts={})
    assert refusal(STRICT, note=...).fault is Fault.MISSING
    assert refusal(LENIENT, homePort=...).value == "homePort"


def test_an_unknown_key_is_passed_over_where_the_dialect_says_so() -> None:
    assert decode(Voyage, written(LENIENT, more=1), LENIENT) == VOYAGE
    error = refusal(STRICT, **{"\x1b[2J": 1})
    assert (error.fault, error.quoted) == (Fault.UNKNOWN, repr("\\u001b[2J"))
    assert decode(Voyage, written(STRICT, more=1), replace(STRICT, is_open=True)) == VOYAGE


@pytest.mark.parametrize("number", [math.inf, -math.inf])
def test_a_number_without_a_word_in_json_is_a_fact_where_the_dialect_says_so(number: float) -> None:
    odd = replace(VOYAGE, facts={"n": number})
    assert decode(Voyage, encode(odd, STRICT), STRICT) == odd
    assert refusal(LENIENT, facts={"n": {"non_finite": "inf"}}).fault is Fault.FACT
    assert refusal(LENIENT, facts={"n": number}).fault is Fault.FACT


@pytest.mark.parametrize(
    ("changes", "fault", "place"),
    [
        ({"home_port": None}, Fault.TYPE, ".home_port"),
        ({"ended": 1}, Fault.TYPE, ".ended"),
        ({"captain": {"name": "Ada", "age": True}}, Fault.TYPE, ".captain.age"),
        ({"captain": {"name": "Ada", "age": 1.0}}, Fault.TYPE, ".captain.age"),
        ({"crew": {}}, Fault.TYPE, ".crew"),
        ({"crew": [{"name": "Bo", "age": 1}, []]}, Fault.TYPE, ".crew[1]"),
        ({"words": []}, Fault.TYPE, ".words"),
        ({"words": {"\x1b": 1}}, Fault.TYPE, ".words.\\u001b"),
        ({"mate": {"name": "Cy"}}, Fault.MISSING, ".mate"),
        ({"weather": "STORM"}, Fault.WORD, ".weather"),
        ({"force": "3"}, Fault.WORD, ".force"),
        ({"force": 2}, Fault.TYPE, ".force"),
        ({"log_sha256": "00FF"}, Fault.FORM, ".log_sha256"),
        ({"log_sha256": "00ff\n"}, Fault.FORM, ".log_sha256"),
        ({"sailed_at": "2026-11-23T09:30:00"}, Fault.FORM, ".sailed_at"),
        ({"sailed_at": "2026-11-23T25:30:00Z"}, Fault.CALENDAR, ".sailed_at"),
        ({"paid_on": "2026-02-30"}, Fault.CALENDAR, ".paid_on"),
        ({"paid_on": "2026-W01-1"}, Fault.FORM, ".paid_on"),
        ({"facts": {"x": None}}, Fault.FACT, ".facts.x"),
        ({"facts": {"x": [["y"]]}}, Fault.FACT, ".facts.x"),
        ({"facts": {"x": {"non_finite": []}}}, Fault.FACT, ".facts.x"),
    ],
)
def test_each_fault_is_told_with_its_place(changes: dict[str, Any], fault: Fault, place: str) -> None:
    error = refusal(STRICT, **changes)
    assert (error.fault, error.place) == (fault, place)


def test_a_described_schema_says_what_the_docstrings_say() -> None:
    schema = described_schema(Voyage, STRICT)
    definitions = schema["$defs"]
    assert definitions["Voyage"]["description"] == "One of every kind of field."
    assert definitions["Voyage"]["properties"]["crew"]["description"] == "In order of rank."
    assert definitions["Weather"]["description"] == "What the sky does.\ncalm: No wind."
    assert definitions["Voyage"]["additionalProperties"] is False
    assert set(definitions["Crew"]["required"]) == {"name", "age"}


def test_an_inline_schema_stands_in_one_piece() -> None:
    schema = inline_schema(Voyage, LENIENT)
    assert "$ref" not in json.dumps(schema)
    assert "additionalProperties" not in schema
    assert schema["properties"]["captain"]["required"] == ["name"]
    assert not {"facts", "note"} & set(schema["required"])
