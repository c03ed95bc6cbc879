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
    DOCUMENT,
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
from gatekeeper.proportion import Proportion
from gatekeeper.remedy import (
    CaseRecord,
    Cause,
    Diagnosis,
    Measurement,
    Pass,
    Place,
    Region,
    Remedy,
    Saliency,
    Trigger,
    Words,
)


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
class Share:
    """Some of all."""

    of: int
    part: int

    def __post_init__(self) -> None:
        if self.part > self.of:
            raise ValueError(f"{self.part} of {self.of}\x1b is no share")


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
    speed: float
    reading: Share | float
    loose: Mapping[str, float | int | str]
    track: tuple[tuple[int, float], ...]
    ended_at: datetime | None = None
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
    speed=7.5,
    reading=Share(of=3, part=1),
    loose={"a": 1, "b": 1.0, "c": "1"},
    track=((1, 0.5), (2, 1.0)),
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
numbers = st.floats(allow_nan=False, allow_infinity=False)
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
    speed=numbers,
    reading=numbers | st.builds(lambda of, part: Share(of=of, part=min(of, part)), st.integers(), st.integers()),
    loose=st.dictionaries(st.text(), numbers | st.integers() | st.text(), max_size=3),
    track=st.lists(st.tuples(st.integers(), numbers), max_size=2).map(tuple),
    ended_at=st.none(),
    facts=st.dictionaries(st.text(), facts, max_size=3),
    note=st.text(),
)


@given(voyage=voyages)
def test_every_noun_comes_back_from_every_dialect(voyage: Voyage) -> None:
    for dialect in DIALECTS.values():
        parsed = json.loads(json.dumps(encode(voyage, dialect)))
        assert decode(Voyage, parsed, dialect) == voyage


TOLERANT = {"sailed_at", "facts", "speed", "reading", "loose", "track"}
"""Where one value is written in more ways than one: times, and numbers without a fraction."""

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
            assert encode(read, dialect)[there] == value or key in TOLERANT


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
    odd = replace(VOYAGE, facts={"n": number}, speed=number, reading=number)
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
        ({"speed": "7"}, Fault.TYPE, ".speed"),
        ({"speed": True}, Fault.TYPE, ".speed"),
        ({"speed": 10**400}, Fault.TYPE, ".speed"),
        ({"speed": {"non_finite": "1"}}, Fault.TYPE, ".speed"),
        ({"reading": None}, Fault.EITHER, ".reading"),
        ({"reading": True}, Fault.EITHER, ".reading"),
        ({"reading": {}}, Fault.MISSING, ".reading"),
        ({"reading": {"of": 1, "part": 2}}, Fault.REFUSED, ".reading"),
        ({"loose": {"a": []}}, Fault.EITHER, ".loose.a"),
        ({"track": [[1]]}, Fault.LENGTH, ".track[0]"),
        ({"track": [[1, 2.0, 3]]}, Fault.LENGTH, ".track[0]"),
        ({"track": [[1.5, 2.0]]}, Fault.TYPE, ".track[0][0]"),
        ({"ended_at": 0}, Fault.TYPE, ".ended_at"),
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


def test_a_number_keeps_its_type_where_several_may_stand() -> None:
    for dialect in DIALECTS.values():
        read = decode(Voyage, written(dialect), dialect)
        assert [type(value) for value in read.loose.values()] == [int, float, str]


def test_what_a_noun_says_of_its_fields_is_told_printable() -> None:
    assert refusal(STRICT, reading={"of": 1, "part": 2}).told == "2 of 1\\u001b is no share"


def test_a_remedy_comes_back_and_satisfies_its_schema() -> None:
    words = Words(count=2, sha256="0" * 64)
    rate = Proportion(successes=9, trials=10)
    trigger = Trigger(
        case=0, core=words, extent=words, core_positions=(1,), extent_positions=(1, 2), place=Place.START,
        sufficiency=rate, necessity=True, sham=Proportion(successes=0, trials=10),
    )  # fmt: skip
    measured = (
        Measurement(name="attack-success", words="complied", value=rate, limit=0.1, bound="at-most"),
        Measurement(name="kl-benign", words="drift", value=math.inf),
    )
    remedy = Remedy(
        diagnosis=Diagnosis(
            cause=Cause.CONTENT_TRIGGER,
            words="It is so.",
            cases=(CaseRecord(sha256="0" * 64, prompt=words, response=words),),
            triggers=(trigger,),
            saliencies=(Saliency(case=0, method="gradient", scores=(0.0, 1.0)),),
        ),
        parent_digest="0" * 64,
        before=measured,
        passes=(
            Pass(
                number=1, settings={"rate": 1e-4, "steps": 3, "kind": "lora"}, seed=1,
                regions=(Region(module="layers.1", parameters=8, score=0.5),), losses=((1, 0.5, 0.25),),
                measurements=measured, verified=True, words="Nothing failed.", seconds={"training": 1.5},
            ),
        ),
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
    )  # fmt: skip
    value = json.loads(json.dumps(encode(remedy, DOCUMENT), allow_nan=False))
    assert decode(Remedy, value, DOCUMENT) == remedy
    Draft202012Validator(described_schema(Remedy, DOCUMENT)).validate(value)
