"""The JSON document: what is written, and what is refused when it is read."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gatekeeper.attestation import Attestation, SubjectFile
from gatekeeper.errors import InputError
from gatekeeper.report import from_json, json_schema, to_json
from gatekeeper.report import schema as schemas
from tests.support.attestations import CASES, discarded, large, scanned


@pytest.fixture
def document() -> dict[str, Any]:
    loaded = json.loads(to_json(discarded()))
    assert isinstance(loaded, dict)
    return loaded


def _with_facts(**facts: Any) -> Attestation:
    attestation = discarded()
    assert attestation.decision
    return replace(attestation, decision=replace(attestation.decision, facts=facts))


def _facts(attestation: Attestation) -> dict[str, Any]:
    assert attestation.decision
    return dict(attestation.decision.facts)


def test_published_schema_is_the_one_that_the_nouns_give() -> None:
    published = schemas.file_of("attestation").read_text("utf-8")
    assert published == schemas.render(), "python -m gatekeeper.report.schema > the published file"
    assert json_schema() == schemas.generate()


def test_published_schema_is_a_schema_that_explains_itself() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith("attestation-1.0")
    assert "Bytes." in json.dumps(schema["$defs"]["SubjectFile"])
    assert all(definition.get("description") for definition in schema["$defs"].values())


@pytest.mark.parametrize("case", CASES)
def test_documents_satisfy_the_schema_and_round_trip(case: str) -> None:
    attestation = CASES[case]()
    text = to_json(attestation)
    Draft202012Validator(json_schema()).validate(json.loads(text))
    assert from_json(text) == attestation


def test_large_documents_round_trip() -> None:
    attestation = large(files=2_000, findings=500)
    assert from_json(to_json(attestation)) == attestation


def test_document_reads_well(document: dict[str, Any]) -> None:
    text = to_json(discarded())
    assert next(iter(document)) == "schema_version"
    assert text.isascii()
    assert text.endswith("}\n")
    assert document["created_at"] == "2026-11-23T09:30:00Z"
    assert document["results"][6]["findings"][0]["severity"] == "critical"
    assert document["results"][6]["findings"][0]["confidence"] == "high"
    assert document["decision"]["waivers"][0]["expires"] == "2027-01-31"


def test_maps_are_written_in_one_order() -> None:
    one, other = _with_facts(a=1, b=2), _with_facts(b=2, a=1)
    assert to_json(one) == to_json(other)


def test_paths_that_are_no_unicode_survive() -> None:
    subject = replace(scanned().subject, files=(SubjectFile(path="caf\udce9.bin", size=1, sha256=""),))
    attestation = replace(scanned(), subject=subject)
    text = to_json(attestation)
    text.encode("utf-8")
    assert from_json(text) == attestation


@pytest.mark.parametrize("number", [math.inf, -math.inf])
def test_infinite_facts_survive(number: float) -> None:
    assert _facts(from_json(to_json(_with_facts(score=number)))) == {"score": number}


def test_a_fact_that_is_no_number_survives() -> None:
    assert math.isnan(_facts(from_json(to_json(_with_facts(score=math.nan))))["score"])


def test_types_of_facts_survive() -> None:
    facts = {"bool": True, "int": 1, "double": 1.0, "string": "1", "list": ("1",), "none": ()}
    back = _facts(from_json(to_json(_with_facts(**facts))))
    assert [(name, type(value)) for name, value in back.items()] == sorted(
        (name, type(value)) for name, value in facts.items()
    )


def test_a_time_without_an_offset_is_written_as_utc() -> None:
    naive = replace(scanned(), created_at=datetime(2026, 1, 2, 3, 4, 5))
    assert json.loads(to_json(naive))["created_at"] == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["decision"].update(action="approve"), "decision.action: 'approve' is none of allow, audit"),
        (lambda d: d.update(extra=1), "no such key: 'extra'"),
        (lambda d: d["subject"].update({"\x1b[2J": 1}), r"subject: no such key: '\\u001b[2J'"),
        (lambda d: d["subject"].pop("digest"), "subject: digest is missing"),
        (lambda d: d["subject"]["files"][1].update(size=True), "subject.files[1].size: an integer was expected"),
        (lambda d: d["subject"]["files"][1].update(size=1.0), "not a fraction"),
        (lambda d: d["subject"].update(files={}), "subject.files: an array was expected, not an object"),
        (lambda d: d["results"][0].update(findings=[None]), "results[0].findings[0]: an object was expected, not null"),
        (lambda d: d.update(created_at="2026-11-23"), "created_at: '2026-11-23' is not a time with its offset"),
        (lambda d: d.update(created_at="2026-13-23T00:00:00Z"), "is not a time"),
        (lambda d: d.update(created_at="2026-11-23T00:00:00Z\n"), "is not a time"),
        (lambda d: d["decision"]["waivers"][0].update(expires="20270131"), "is not a day"),
        (lambda d: d["decision"]["facts"].update(x={"non_finite": "1"}), "decision.facts.x: a fact is"),
        (lambda d: d["decision"]["facts"].update(x=[["y"]]), "decision.facts.x: a fact is"),
        (lambda d: d["decision"]["facts"].update(x=None), "decision.facts.x: a fact is"),
        (lambda d: d.update(schema_version="2.0"), "schema version 2.0, this gatekeeper reads 1.x"),
        (lambda d: d.update(schema_version=1.0), "schema_version is missing or is no version"),
        (lambda d: d.pop("schema_version"), "schema_version is missing or is no version"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: dict[str, Any], change: Any, message: str) -> None:
    change(document)
    with pytest.raises(InputError) as caught:
        from_json(json.dumps(document))
    assert message in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[]", "an object was expected"),
        (b"\xff", "not UTF-8"),
        ("\ud800", "not UTF-8"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"schema_version": "1.0"' + ', "a": [' * 500, "nested deeper"),
        ('{"schema_version": ' + "9" * 5000 + "}", "not a gatekeeper report"),
    ],
)
def test_what_is_no_document_is_refused(text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_json(text)


def test_a_number_out_of_range_is_no_fact(document: dict[str, Any]) -> None:
    document["decision"]["facts"]["score"] = 12345.5
    with pytest.raises(InputError, match="too large for a double"):
        from_json(json.dumps(document).replace("12345.5", "1e999"))


def test_a_later_minor_version_is_read_without_its_new_fields(document: dict[str, Any]) -> None:
    document["schema_version"] = "1.7"
    document["subject"]["colour"] = "blue"
    assert from_json(json.dumps(document)) == discarded()


def test_a_later_minor_version_may_not_change_what_we_know(document: dict[str, Any]) -> None:
    document["schema_version"] = "1.7"
    document["decision"]["action"] = "approve"
    with pytest.raises(InputError, match="is none of"):
        from_json(json.dumps(document))
