"""A bundle is an envelope and one hint at who signed it; the hint decides nothing, and may not lie."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.signing import parse_bundle, sign, unsigned, verify_bundle, wrap
from tests.support.signing import Authority, key_pair

ALICE, MALLORY = key_pair("alice"), key_pair("mallory")
DER = Authority().valid().certificate_der
RAW = {"rawBytes": base64.b64encode(DER).decode()}


def document() -> dict[str, Any]:
    parsed = json.loads(wrap(sign(b"{}", ALICE.signer), ALICE.public_key.key_id))
    assert isinstance(parsed, dict)
    return parsed


def with_material(**material: Any) -> dict[str, Any]:
    return document() | {"verificationMaterial": material}


def refusal(bundle: dict[str, Any]) -> Refusal:
    with pytest.raises(SignatureError) as caught:
        verify_bundle(parse_bundle(json.dumps(bundle).encode()), [ALICE.public_key])
    assert caught.value.message.isprintable()
    return caught.value.refusal


def test_a_bundle_round_trips() -> None:
    envelope = sign(b"{}", ALICE.signer)
    line = wrap(envelope, ALICE.public_key.key_id)
    assert "\n" not in line
    bundle = parse_bundle(line.encode())
    assert (bundle.envelope, bundle.key_hint, bundle.certificates) == (envelope, ALICE.public_key.key_id, ())
    assert verify_bundle(bundle, [MALLORY.public_key, ALICE.public_key]) == ALICE.public_key


def test_a_bundle_without_a_hint_is_tried_with_each_key() -> None:
    bundle = parse_bundle(json.dumps(with_material(publicKey={})).encode())
    assert verify_bundle(bundle, [MALLORY.public_key, ALICE.public_key]) == ALICE.public_key


def test_the_material_of_older_writers_is_taken_and_not_used() -> None:
    material = {"rawBytes": "AAAA", "keyDetails": "PKIX_ECDSA_P256_SHA_256"}
    assert parse_bundle(json.dumps(with_material(publicKey=material)).encode()).key_hint == ""
    material["keyDetails"] = "PKIX_ED25519"
    assert refusal(with_material(publicKey=material)) is Refusal.UNKNOWN_ALGORITHM


def test_certificates_are_given_as_they_are() -> None:
    chain = {"certificates": [RAW, RAW]}
    assert parse_bundle(json.dumps(with_material(x509CertificateChain=chain)).encode()).certificates == (DER, DER)
    assert parse_bundle(json.dumps(with_material(certificate=RAW, tlogEntries=[])).encode()).certificates == (DER,)
    assert refusal(with_material(certificate=RAW)) is Refusal.OTHER_TYPE


def test_a_hint_at_another_key_is_refused() -> None:
    assert refusal(with_material(publicKey={"hint": MALLORY.public_key.key_id})) is Refusal.OTHER_KEY
    envelope = sign(b"{}", MALLORY.signer)
    assert refusal(json.loads(wrap(envelope, ALICE.public_key.key_id))) is Refusal.OTHER_KEY


def test_an_unsigned_envelope_in_a_bundle_is_refused() -> None:
    assert refusal(json.loads(wrap(unsigned(b"{}"), ALICE.public_key.key_id))) is Refusal.NO_SIGNATURE


@pytest.mark.parametrize(
    "bundle",
    [
        {},
        document() | {"more": 1},
        document() | {"mediaType": 7},
        document() | {"verificationMaterial": []},
        document() | {"dsseEnvelope": []},
        document() | {"dsseEnvelope": "{}"},
        with_material(),
        with_material(tlogEntries=[]),
        with_material(publicKey={"hint": "a"}, certificate=RAW),
        with_material(publicKey={"hint": 7}),
        with_material(publicKey={"hint": "a" * 1000}),
        with_material(publicKey={"hint": "a"}, more=1),
        with_material(publicKey={"more": "a"}),
        with_material(publicKey=None),
        with_material(certificate={}),
        with_material(certificate={"rawBytes": "AB=="}),
        with_material(x509CertificateChain={"certificates": []}),
        with_material(x509CertificateChain={"certificates": RAW}),
        with_material(x509CertificateChain={}),
    ],
    ids=range(19),
)
def test_what_is_no_bundle_is_refused(bundle: dict[str, Any]) -> None:
    assert refusal(bundle) is Refusal.MALFORMED


def test_too_much_is_refused() -> None:
    assert refusal(with_material(x509CertificateChain={"certificates": [RAW] * 17})) is Refusal.TOO_LARGE
    huge = {"rawBytes": base64.b64encode(b"0" * 70_000).decode()}
    assert refusal(with_material(certificate=huge)) is Refusal.TOO_LARGE


def test_other_bundles_are_told_apart() -> None:
    assert (
        refusal(document() | {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"})
        is Refusal.OTHER_TYPE
    )
    bare = document() | {"messageSignature": {}}
    del bare["dsseEnvelope"]
    assert refusal(bare) is Refusal.OTHER_TYPE
