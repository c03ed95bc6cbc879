"""A statement says who it is about in one way; what it could leave open is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.errors import InputError, Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import VSA, Statement, StatementSubject, parse_statement, statement_json

STATEMENT = Statement(
    subjects=(
        StatementSubject(name="b", digest={"sha256": "1" * 64}),
        StatementSubject(name="a", digest={"sha256": "0" * 64, "gitCommit": "2" * 40, "other": "h1:x="}),
    ),
    predicate_type=VSA,
    predicate={"z": [1, True, None, "é"], "a": {}},
)


def changed(**fields: Any) -> bytes:
    document = json.loads(statement_json(STATEMENT))
    document |= fields
    return json.dumps({key: value for key, value in document.items() if value is not ...}).encode()


def refusal(payload: bytes) -> Refusal:
    with pytest.raises(SignatureError) as caught:
        parse_statement(payload)
    assert caught.value.message.isprintable()
    return caught.value.refusal


def test_a_statement_round_trips_and_is_written_in_one_way() -> None:
    data = statement_json(STATEMENT)
    assert parse_statement(data) == STATEMENT
    assert statement_json(parse_statement(data)) == data
    assert data.startswith(
        b'{"_type":"https://in-toto.io/Statement/v1","predicate":{"a":{},"z":[1,true,null,"\xc3\xa9"]}'
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        changed(_type=...),
        changed(_type=7),
        changed(subject=...),
        changed(subject=[]),
        changed(subject={}),
        changed(subject=[7]),
        changed(subject=[{"name": "a"}]),
        changed(subject=[{"digest": {"sha256": "0" * 64}}]),
        changed(subject=[{"name": 7, "digest": {"sha256": "0" * 64}}]),
        changed(subject=[{"name": "a" * 2000, "digest": {"sha256": "0" * 64}}]),
        changed(subject=[{"name": "a", "digest": {}}]),
        changed(subject=[{"name": "a", "digest": []}]),
        changed(subject=[{"name": "a", "digest": {"sha256": "0" * 63}}]),
        changed(subject=[{"name": "a", "digest": {"sha256": "A" * 64}}]),
        changed(subject=[{"name": "a", "digest": {"sha256": "0" * 63 + "\n"}}]),
        changed(subject=[{"name": "a", "digest": {"sha256": "٣" * 64}}]),
        changed(subject=[{"name": "a", "digest": {"sha256": 7}}]),
        changed(subject=[{"name": "a", "digest": {"new": "0" * 1000}}]),
        changed(subject=[{"name": "a", "digest": {"sha256": "0" * 64}, "uri": "x"}]),
        changed(subject=[{"name": "a", "digest": {"sha256": "0" * 64}}, {"name": "a", "digest": {"sha256": "1" * 64}}]),
        changed(predicateType=...),
        changed(predicateType=7),
        changed(predicate=...),
        changed(predicate=[]),
        changed(more=1),
        statement_json(STATEMENT).replace(b'{"_type"', b'{"predicateType":"x","_type"'),
        statement_json(STATEMENT) + b"x",
        statement_json(STATEMENT).replace(b"[1,", b"[NaN,"),
        statement_json(STATEMENT).replace(b"[1,", b"[" * 100 + b"]" * 100 + b","),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(payload: bytes) -> None:
    assert refusal(payload) is Refusal.MALFORMED


def test_another_version_is_told_apart_from_a_damaged_one() -> None:
    assert refusal(changed(_type="https://in-toto.io/Statement/v0.1")) is Refusal.OTHER_TYPE


def test_too_many_subjects_are_refused() -> None:
    one = {"digest": {"sha256": "0" * 64}}
    many = [{"name": str(number), **one} for number in range(DEFAULT_LIMITS.statement_subjects + 1)]
    assert refusal(changed(subject=many)) is Refusal.TOO_LARGE
    assert len(parse_statement(changed(subject=many[:-1])).subjects) == DEFAULT_LIMITS.statement_subjects


@pytest.mark.parametrize("wrong", ["\udcff", float("nan"), float("inf")])
def test_what_json_cannot_say_is_never_signed(wrong: object) -> None:
    with pytest.raises(InputError, match="can't be said"):
        statement_json(Statement(subjects=STATEMENT.subjects, predicate_type=VSA, predicate={"it": wrong}))
