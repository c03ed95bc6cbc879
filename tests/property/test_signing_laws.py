"""Whatever is done to something signed: it is refused, or it still says the same, signed by the same key."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gatekeeper.errors import InputError, SignatureError
from gatekeeper.signing import (
    VSA,
    Statement,
    StatementSubject,
    envelope_json,
    load_public_key,
    load_signer,
    parse_bundle,
    parse_envelope,
    parse_statement,
    sign,
    statement_json,
    verify_bundle,
    verify_envelope,
    wrap,
)
from tests.support.signing import key_pair

ALICE, MALLORY = key_pair("alice"), key_pair("mallory")
KEYS = (ALICE.public_key, MALLORY.public_key)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(texts, below, max_size=4),
    max_leaves=15,
)
subjects = st.builds(
    lambda name, number: StatementSubject(name=name, digest={"sha256": f"{number:064x}"}),
    texts,
    st.integers(0, 2**256 - 1),
)
statements = st.builds(
    lambda about, kind, predicate: Statement(subjects=tuple(about), predicate_type=kind, predicate=predicate),
    st.lists(subjects, min_size=1, max_size=5, unique_by=lambda each: each.name),
    texts,
    st.dictionaries(texts, json_values, max_size=5),
)

STATEMENT = Statement(
    subjects=(StatementSubject(name="model.safetensors", digest={"sha256": "0" * 64}),),
    predicate_type=VSA,
    predicate={"verificationResult": "PASSED", "verifier": {"id": "é"}},
)
ENVELOPE = sign(statement_json(STATEMENT), ALICE.signer)
SIGNED = {
    "envelope": envelope_json(ENVELOPE).encode(),
    "bundle": wrap(ENVELOPE, ALICE.public_key.key_id).encode(),
    "indented": json.dumps(json.loads(envelope_json(ENVELOPE)), indent=1).encode(),
}


def believed(kind: str, data: bytes) -> tuple[Statement, str] | None:
    """What is said and by whom, or None when it is refused."""
    try:
        if kind == "bundle":
            bundle = parse_bundle(data)
            key = verify_bundle(bundle, KEYS)
            return parse_statement(bundle.envelope.payload), key.key_id
        envelope = parse_envelope(data)
        return parse_statement(envelope.payload), verify_envelope(envelope, KEYS).key_id
    except SignatureError:
        return None


@given(statements)
def test_statements_round_trip(statement: Statement) -> None:
    data = statement_json(statement)
    assert parse_statement(data) == statement
    assert statement_json(parse_statement(data)) == data


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
@settings(max_examples=50)
def test_envelopes_round_trip(payload: bytes, kind: str) -> None:
    envelope = sign(payload, ALICE.signer, kind)
    assert parse_envelope(envelope_json(envelope).encode()) == envelope
    assert verify_envelope(envelope, KEYS, payload_type=kind) == ALICE.public_key
    bundle = parse_bundle(wrap(envelope, ALICE.public_key.key_id).encode())
    assert (bundle.envelope, bundle.key_hint) == (envelope, ALICE.public_key.key_id)


@pytest.mark.parametrize("kind", SIGNED)
def test_no_changed_byte_is_believed_unless_it_says_the_same(kind: str) -> None:
    """Every place of the file, each with some bytes that parsers care about."""
    honest = STATEMENT, ALICE.public_key.key_id
    data = SIGNED[kind]
    assert believed(kind, data) == honest
    for place, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0x80, 0, *b' "\\{}[],:=A'} - {byte}:
            changed = data[:place] + bytes([other]) + data[place + 1 :]
            assert believed(kind, changed) in (None, honest)


@given(st.sampled_from(sorted(SIGNED)), st.data())
@settings(max_examples=400)
def test_no_edit_is_believed_unless_it_says_the_same(kind: str, draw: st.DataObject) -> None:
    data = SIGNED[kind]
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, min(len(data), start + 40)))
    insertion = draw.draw(st.binary(max_size=20) | st.just(data[start:end][::-1]) | st.just(data))
    changed = data[:start] + insertion + data[end:]
    assume(changed != data)
    assert believed(kind, changed) in (None, (STATEMENT, ALICE.public_key.key_id))


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, below in inside for each in paths(below, (*path, key)))]


@given(st.sampled_from(["envelope", "bundle"]), st.data(), json_values)
@settings(max_examples=400)
def test_no_other_value_is_believed_unless_it_says_the_same(kind: str, draw: st.DataObject, value: Any) -> None:
    document = json.loads(SIGNED[kind])
    *above, last = draw.draw(st.sampled_from(paths(document)[1:]))
    holder = document
    for step in above:
        holder = holder[step]
    if draw.draw(st.booleans()):
        holder[last] = value
    elif isinstance(holder, dict):
        holder[draw.draw(texts)] = holder.pop(last)
    else:
        holder.append(value)
    assert believed(kind, json.dumps(document).encode()) in (None, (STATEMENT, ALICE.public_key.key_id))


@given(st.binary(max_size=300) | json_values.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_refused_without_a_traceback(data: bytes) -> None:
    for parse in (parse_envelope, parse_bundle, parse_statement):
        with pytest.raises(SignatureError):
            parse(data)


def damaged(draw: st.DataObject, pem: bytes) -> str:
    """PEM of a key with an edit in its DER."""
    first, *body, last = pem.decode().splitlines()
    der = base64.b64decode("".join(body))
    start = draw.draw(st.integers(0, len(der)))
    end = draw.draw(st.integers(start, min(len(der), start + 3)))
    changed = der[:start] + draw.draw(st.binary(max_size=3)) + der[end:]
    return f"{first}\n{base64.encodebytes(changed).decode()}{last}\n"


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_public_key_is_refused_or_is_another_key(draw: st.DataObject) -> None:
    pem = damaged(draw, ALICE.public)
    try:
        key = load_public_key(pem)
    except InputError:
        return
    assert key.verify(b"message", ALICE.signer.sign(b"message")) is (key == ALICE.public_key)


@given(data=st.data())
@settings(max_examples=200)
def test_a_damaged_private_key_is_refused_or_signs_for_its_public_half(data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAMAGED_KEY", damaged(data, ALICE.private))
        try:
            signer = load_signer("env:DAMAGED_KEY")
        except InputError:
            return
    assert signer.public_key.verify(b"message", signer.sign(b"message"))
