"""No single mutation of a signed bundle is accepted unless statement and key are still the same."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.errors import SignatureError
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing import PAYLOAD_TYPE, pae, parse_bundle
from gatekeeper.signing.certificates import wrap_certified
from gatekeeper.signing.envelope import Envelope, Signature
from gatekeeper.signing.keys import hash_of
from gatekeeper.signing.oms_verify import verify_model_signature
from tests.support.hub_artifacts import file
from tests.support.oms import bundle, by_key, by_root, plain
from tests.support.signing import NOW, Authority, Issued

FILES = (file("config.json", b"{}"), file("model.safetensors", b"weights"), file("onnx/a.onnx", b"graph"))
BY_KEY = bundle(plain(*FILES))
PAYLOAD = parse_bundle(BY_KEY).envelope.payload


def certified(issued: Issued) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    value = issued.key.sign(pae(PAYLOAD_TYPE, PAYLOAD), ec.ECDSA(hash_of(issued.key.curve.name)))
    envelope = Envelope(payload_type=PAYLOAD_TYPE, payload=PAYLOAD, signatures=(Signature(key_id="", value=value),))
    chain = [each.public_bytes(Encoding.DER) for each in (issued.certificate, *issued.chain)]
    return wrap_certified(envelope, chain).encode()


ISSUED = Authority().valid()
BY_CERTIFICATE = certified(ISSUED)
CASES = {"key": (BY_KEY, by_key()), "certificate": (BY_CERTIFICATE, by_root(ISSUED.root_pem))}


def held(data: bytes, signer: TrustedSigner) -> None:
    """Break the law, if it can be broken: whatever is accepted says what was signed."""
    try:
        verified = verify_model_signature(data, [signer], NOW)
    except SignatureError:
        return
    assert verified.signer is signer
    assert parse_bundle(data).envelope.payload == PAYLOAD


@pytest.mark.parametrize(("data", "signer"), CASES.values(), ids=CASES)
def test_the_unmutated_one_is_accepted(data: bytes, signer: TrustedSigner) -> None:
    assert verify_model_signature(data, [signer], NOW).manifest.files.keys() == {str(each.path) for each in FILES}


@pytest.mark.parametrize(("data", "signer"), CASES.values(), ids=CASES)
@settings(max_examples=500, deadline=None)
@given(spot=st.integers(0, 2**20), how=st.sampled_from(["flip", "insert", "delete", "swap"]), byte=st.integers(0, 255))
def test_bytes_of_the_file(data: bytes, signer: TrustedSigner, spot: int, how: str, byte: int) -> None:
    at = spot % len(data)
    middle = {
        "flip": bytes([data[at] ^ (byte or 1)]),
        "insert": bytes([byte]) + data[at : at + 1],
        "delete": b"",
        "swap": data[at : at + 2][::-1],
    }[how]
    held(data[:at] + middle + data[at + (2 if how == "swap" else 1) :], signer)


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = []
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            found += [(*here, key), *_places(each, (*here, key))]
    return found


@pytest.mark.parametrize(("data", "signer"), CASES.values(), ids=CASES)
@settings(max_examples=500, deadline=None)
@given(choice=st.data())
def test_values_of_the_document(data: bytes, signer: TrustedSigner, choice: st.DataObject) -> None:
    document = json.loads(data)
    *way, last = choice.draw(st.sampled_from(_places(document)))
    holder = document
    for step in way:
        holder = holder[step]
    value = holder[last]
    if isinstance(value, str) and choice.draw(st.booleans()):
        # Inside what is base64: the payload, the signature, a certificate.
        raw = bytearray(base64.b64decode(value + "===")) or bytearray(b"\0")
        raw[choice.draw(st.integers(0, len(raw) - 1))] ^= choice.draw(st.integers(1, 255))
        holder[last] = base64.b64encode(raw).decode()
    else:
        holder[last] = choice.draw(st.sampled_from([None, "", "AAAA", 0, [], {}, [value], [value, value], True]))
    held(json.dumps(document).encode(), signer)


@settings(max_examples=300, deadline=None)
@given(spot=st.integers(0, 2**20), bit=st.integers(0, 7))
def test_a_key_with_another_bit_is_another_key(spot: int, bit: int) -> None:
    pem = bytearray(by_key().key.encode())
    pem[spot % len(pem)] ^= 1 << bit
    signer = TrustedSigner(name="acme", key=pem.decode("latin-1"))
    from gatekeeper.errors import InputError

    try:
        verified = verify_model_signature(BY_KEY, [signer], NOW)
    except (InputError, SignatureError):
        return
    from gatekeeper.signing import load_public_key

    assert verified.signer is signer
    assert load_public_key(signer.key) == load_public_key(by_key().key)
