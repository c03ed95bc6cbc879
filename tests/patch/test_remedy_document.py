"""Laws of `remedy.json`: it reads back as it was, fits its schema, and tells no unsafe text unless that was kept."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.errors import InputError
from gatekeeper.patch import remedy_from_json, remedy_schema, remedy_to_json, without_text
from gatekeeper.patch.schemas import schemas
from gatekeeper.remedy import Remedy
from tests.support import remedies
from tests.support.attestation_strategy import of

VALIDATOR = jsonschema.Draft202012Validator(remedy_schema())


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(of(Remedy))
def test_what_is_written_reads_back_and_fits_the_schema(remedy: Remedy) -> None:
    text = remedy_to_json(remedy)
    assert remedy_from_json(text.encode()) == remedy
    VALIDATOR.validate(json.loads(text))


def test_the_published_schemas_are_what_the_nouns_say() -> None:
    for path, text in schemas().items():
        assert path.read_text("utf-8") == text, path.name


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema_version": "2.0"}', b'{"schema_version": "1.0"}'])
def test_what_is_no_remedy_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not a remedy"):
        remedy_from_json(data)


@given(st.sampled_from(["diagnosis", "passes", "verified", "parent_digest"]), st.sampled_from([None, 7, "x", [], {}]))
def test_a_field_of_another_type_is_refused_with_its_place(field: str, value: object) -> None:
    raw = json.loads(remedy_to_json(remedies.verified()))
    if type(raw[field]) is type(value):
        return
    with pytest.raises(InputError, match=field):
        remedy_from_json(json.dumps({**raw, field: value}).encode())


def test_texts_are_taken_out_and_digests_stay() -> None:
    shown, hidden = remedies.verified(show=True), remedies.verified()
    assert "2024" in remedy_to_json(shown)
    assert without_text(shown) == hidden
    told = remedy_to_json(hidden)
    assert not [word for word in ("2024", "forge", "sure ,") if word in told]
