"""An envelope is believed only when a trusted key signed its very type and payload, and it can be read in one way."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import (
    PAYLOAD_TYPE,
    Envelope,
    Signature,
    envelope_json,
    pae,
    parse_envelope,
    sign,
    unsigned,
    verify_envelope,
)
from tests.support.signing import key_pair

PAYLOAD = b'{"hello":"world"}'
ALICE, MALLORY = key_pair("alice"), key_pair("mallory")
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Number of points on P-256."""


def document() -> dict[str, Any]:
    parsed = json.loads(envelope_json(sign(PAYLOAD, ALICE.signer)))
    assert isinstance(parsed, dict)
    return parsed


def refusal(data: dict[str, Any] | bytes) -> Refusal:
    """How the envelope is refused, by the parser or by verification."""
    with pytest.raises(SignatureError) as caught:
        verify_envelope(
            parse_envelope(data if isinstance(data, bytes) else json.dumps(data).encode()), [ALICE.public_key]
        )
    assert caught.value.message
    assert caught.value.exit_code == 1
    return caught.value.refusal


def test_the_encoding_that_is_signed_is_the_one_of_the_specification() -> None:
    assert (
        pae("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pae("é", b"") == b"DSSEv1 2 \xc3\xa9 0 "


def test_what_is_signed_is_verified_by_its_key() -> None:
    line = envelope_json(sign(PAYLOAD, ALICE.signer))
    assert "\n" not in line
    envelope = parse_envelope(line.encode())
    assert envelope.payload == PAYLOAD
    assert verify_envelope(envelope, [MALLORY.public_key, ALICE.public_key]) == ALICE.public_key


def test_a_signature_that_names_no_key_is_tried_with_each() -> None:
    unnamed = document()
    unnamed["signatures"][0]["keyid"] = ""
    assert verify_envelope(parse_envelope(unnamed), [MALLORY.public_key, ALICE.public_key]) == ALICE.public_key
    del unnamed["signatures"][0]["keyid"]
    assert verify_envelope(parse_envelope(unnamed), [ALICE.public_key]) == ALICE.public_key
    with pytest.raises(SignatureError, match="any trusted key"):
        verify_envelope(parse_envelope(unnamed), [MALLORY.public_key, key_pair("bob").public_key])


def test_what_nobody_signed_can_be_read_and_is_never_believed() -> None:
    data = envelope_json(unsigned(PAYLOAD)).encode()
    assert parse_envelope(data).payload == PAYLOAD
    assert refusal(data) is Refusal.NO_SIGNATURE


def test_a_key_that_is_not_trusted_is_refused_by_its_name() -> None:
    foreign = envelope_json(sign(PAYLOAD, MALLORY.signer)).encode()
    assert refusal(foreign) is Refusal.OTHER_KEY
    with pytest.raises(SignatureError, match=MALLORY.public_key.key_id):
        verify_envelope(parse_envelope(foreign), [ALICE.public_key])
    with pytest.raises(SignatureError, match="none"):
        verify_envelope(parse_envelope(foreign), [])


def test_a_foreign_signature_under_a_trusted_name_is_refused() -> None:
    forged = document()
    forged["signatures"] = json.loads(envelope_json(sign(PAYLOAD, MALLORY.signer)))["signatures"]
    forged["signatures"][0]["keyid"] = ALICE.public_key.key_id
    assert refusal(forged) is Refusal.BAD_SIGNATURE


def test_a_changed_payload_or_type_is_refused() -> None:
    changed = document()
    changed["payload"] = base64.b64encode(b'{"hello":"w0rld"}').decode()
    assert refusal(changed) is Refusal.BAD_SIGNATURE
    other = document()
    other["payloadType"] = "text/plain"
    assert refusal(other) is Refusal.OTHER_TYPE


def test_type_and_payload_cannot_trade_bytes() -> None:
    """The lengths keep one pair of type and payload from being read as another."""
    assert pae("a 1", b"b") != pae("a", b"1 b")


def test_a_signature_over_another_type_does_not_count_for_this_one() -> None:
    plain = sign(PAYLOAD, ALICE.signer, "text/plain")
    assert verify_envelope(plain, [ALICE.public_key], payload_type="text/plain") == ALICE.public_key
    moved = Envelope(payload_type=PAYLOAD_TYPE, payload=PAYLOAD, signatures=plain.signatures)
    with pytest.raises(SignatureError) as caught:
        verify_envelope(moved, [ALICE.public_key])
    assert caught.value.refusal is Refusal.BAD_SIGNATURE


def test_several_signatures_are_refused_even_when_all_hold() -> None:
    twice = document()
    twice["signatures"] *= 2
    assert refusal(twice) is Refusal.SEVERAL_SIGNATURES
    built = sign(PAYLOAD, ALICE.signer)
    with pytest.raises(SignatureError) as caught:
        verify_envelope(
            Envelope(payload_type=PAYLOAD_TYPE, payload=PAYLOAD, signatures=built.signatures * 2), [ALICE.public_key]
        )
    assert caught.value.refusal is Refusal.SEVERAL_SIGNATURES


@pytest.mark.parametrize("name", ["alg", "algorithm"])
def test_a_named_algorithm_is_refused(name: str) -> None:
    named = document()
    named["signatures"][0][name] = "none"
    assert refusal(named) is Refusal.UNKNOWN_ALGORITHM


def as_urlsafe(text: str) -> str:
    return text.replace("+", "-").replace("/", "_") if {"+", "/"} & set(text) else text.rstrip("=") + "-_=="


@pytest.mark.parametrize(
    "change",
    [
        as_urlsafe,
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:4] + "\n" + text[4:],
        lambda text: text + "=",
        lambda text: text[:-1],
        lambda text: text + "AAAA=AAA",
        lambda text: text[:-1] + "é",
        lambda text: 7,
        lambda text: None,
        lambda text: [text],
    ],
)
@pytest.mark.parametrize("place", ["payload", "sig"])
def test_base64_has_one_spelling(place: str, change: Any) -> None:
    spelt = document()
    holder = spelt if place == "payload" else spelt["signatures"][0]
    holder[place] = change(holder[place])
    assert refusal(spelt) is Refusal.MALFORMED


def test_bits_that_base64_throws_away_are_refused() -> None:
    spelt = document()
    spelt["payload"] = "eQ=="  # "y"; "eR==" decodes to the same byte
    assert refusal(spelt) is Refusal.BAD_SIGNATURE
    spelt["payload"] = "eR=="
    assert base64.b64decode("eR==") == b"y"
    assert refusal(spelt) is Refusal.MALFORMED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"\xef\xbb\xbf" + json.dumps(document()).encode(),
        json.dumps(document()).encode() + b"{}",
        json.dumps(document()).encode() * 2,
        json.dumps(document()).encode() + b"\0",
        b'{"payload":"","payload":"","payloadType":"a","signatures":[]}',
        b'{"payload":"","payloadType":"a","signatures":[{"sig":"","sig":""}]}',
        b'{"payload":"","payloadType":"a","signatures":{}}',
        b'{"payload":"","payloadType":"a","signatures":[7]}',
        b'{"payload":"","payloadType":7,"signatures":[]}',
        b'{"payload":"","payloadType":"a","signatures":[{"sig":"","keyid":1}]}',
        b'{"payload":"","payloadType":"a","signatures":[],"more":1}',
        b'{"payload":"","payloadType":"\\ud800","signatures":[]}',
        b'{"payload":"","payloadType":"' + b"a" * 1000 + b'","signatures":[]}',
        b'{"a":' * 10_000,
        b"[" * 1_000_000,
    ],
    ids=range(20),
)
def test_what_is_no_envelope_is_refused(data: bytes) -> None:
    assert refusal(data) is Refusal.MALFORMED


def test_a_huge_envelope_is_refused_before_it_is_parsed() -> None:
    assert refusal(b" " * (DEFAULT_LIMITS.signed_bytes + 1)) is Refusal.TOO_LARGE


def with_signature(value: bytes) -> dict[str, Any]:
    changed = document()
    changed["signatures"][0]["sig"] = base64.b64encode(value).decode()
    return changed


def test_der_has_one_spelling() -> None:
    value = sign(PAYLOAD, ALICE.signer).signatures[0].value
    r, s = decode_dss_signature(value)
    padded = b"\x02\x22\x00\x00" + r.to_bytes(32) + b"\x02\x22\x00\x00" + s.to_bytes(32)
    for wrong in (
        value + b"\0",
        value[:-1],
        b"",
        b"\x30\x81" + value[1:],  # the length in its long form
        b"\x30" + bytes([len(padded)]) + padded,  # numbers with zeros before them
        r.to_bytes(32) + s.to_bytes(32),  # as JWS has it
        b"\x05\x00",
    ):
        assert refusal(with_signature(wrong)) is Refusal.UNKNOWN_ALGORITHM


@pytest.mark.parametrize(("r", "s"), [(0, 0), (0, 1), (1, 0), (ORDER, 1), (1, ORDER), (ORDER, ORDER), (-1, 1)])
def test_numbers_off_the_curve_are_refused(r: int, s: int) -> None:
    value = encode_dss_signature(r, s) if r >= 0 else b"\x30\x06\x02\x01\xff\x02\x01\x01"
    assert refusal(with_signature(value)) in {Refusal.BAD_SIGNATURE, Refusal.UNKNOWN_ALGORITHM}


def test_the_mirrored_signature_is_of_the_same_key_over_the_same_bytes() -> None:
    """ECDSA has two signatures for one: (r, s) and (r, n - s). No digest of an envelope names anything here."""
    envelope = sign(PAYLOAD, ALICE.signer)
    r, s = decode_dss_signature(envelope.signatures[0].value)
    mirrored = Signature(key_id=ALICE.public_key.key_id, value=encode_dss_signature(r, ORDER - s))
    again = Envelope(payload_type=PAYLOAD_TYPE, payload=PAYLOAD, signatures=(mirrored,))
    assert verify_envelope(again, [ALICE.public_key]) == ALICE.public_key


def test_hostile_words_are_shown_harmlessly() -> None:
    hostile = document()
    hostile["payloadType"] = "\x1b[31mred\u202e"
    with pytest.raises(SignatureError) as caught:
        verify_envelope(parse_envelope(hostile), [ALICE.public_key])
    assert caught.value.message.isprintable()
    hostile = document()
    hostile["signatures"][0]["keyid"] = "\x1b[2J"
    with pytest.raises(SignatureError) as caught:
        verify_envelope(parse_envelope(hostile), [ALICE.public_key])
    assert "\x1b" not in caught.value.message
