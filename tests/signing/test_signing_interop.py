"""What we sign others verify, and the reverse: securesystemslib for envelopes, model_signing for bundles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from gatekeeper.signing import (
    OMS,
    PAYLOAD_TYPE,
    envelope_json,
    pae,
    parse_bundle,
    parse_envelope,
    parse_statement,
    sign,
    verify_bundle,
    verify_envelope,
)
from tests.support.signing import Authority, KeyPair, key_pair

ALICE, MALLORY = key_pair("alice"), key_pair("mallory")
PAYLOAD = '{"é":[1,2,3]}'.encode()


def other_key(pair: KeyPair) -> SSlibKey:
    public = load_pem_public_key(pair.public)
    return SSlibKey.from_crypto(public, keyid=pair.public_key.key_id)  # type: ignore[arg-type]


def test_securesystemslib_verifies_our_envelopes() -> None:
    ours = OtherEnvelope.from_dict(json.loads(envelope_json(sign(PAYLOAD, ALICE.signer))))
    assert ours.pae() == pae(PAYLOAD_TYPE, PAYLOAD)
    assert list(ours.verify([other_key(ALICE)], 1)) == [ALICE.public_key.key_id]
    ours.payload += b" "
    with pytest.raises(VerificationError):
        ours.verify([other_key(ALICE)], 1)


def test_we_verify_envelopes_of_securesystemslib() -> None:
    private = load_pem_private_key(ALICE.private, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    theirs = OtherEnvelope(PAYLOAD, PAYLOAD_TYPE, {})
    theirs.sign(CryptoSigner(private, other_key(ALICE)))
    envelope = parse_envelope(json.dumps(theirs.to_dict()).encode())
    assert envelope.payload == PAYLOAD
    assert verify_envelope(envelope, [MALLORY.public_key, ALICE.public_key]) == ALICE.public_key


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def test_bundles_that_model_signing_signs_with_a_key_are_read(model: Path, tmp_path: Path) -> None:
    from model_signing import signing

    private, _ = ALICE.write(tmp_path)
    signing.Config().use_elliptic_key_signer(private_key=private).sign(model, tmp_path / "model.sig")
    bundle = parse_bundle((tmp_path / "model.sig").read_bytes())
    assert bundle.key_hint == ALICE.public_key.key_id
    assert verify_bundle(bundle, [ALICE.public_key]) == ALICE.public_key
    statement = parse_statement(bundle.envelope.payload)
    assert statement.predicate_type == OMS
    assert [each.name for each in statement.subjects] == ["model"]


def test_bundles_that_model_signing_signs_with_a_certificate_are_read(model: Path, tmp_path: Path) -> None:
    from model_signing import signing

    from gatekeeper.signing import public_key_of

    leaf = Authority().valid()
    for name, data in (("key", leaf.key_pem), ("leaf", leaf.certificate_pem), ("chain", leaf.chain_pem)):
        (tmp_path / name).write_bytes(data)
    signing.Config().use_certificate_signer(
        private_key=tmp_path / "key", signing_certificate=tmp_path / "leaf", certificate_chain=[tmp_path / "chain"]
    ).sign(model, tmp_path / "model.sig")
    bundle = parse_bundle((tmp_path / "model.sig").read_bytes())
    assert (bundle.key_hint, bundle.certificates[0], len(bundle.certificates)) == ("", leaf.certificate_der, 3)
    assert verify_envelope(bundle.envelope, [public_key_of(leaf.certificate.public_key())])
