"""Sigstore bundles, version 0.3: an envelope and what it takes to verify it.

Source: https://github.com/sigstore/protobuf-specs, sigstore_bundle.proto and sigstore_common.proto, in their JSON form.
Entries of a transparency log and timestamps are not read here: with a key nobody needs them, and keyless signatures are
handed whole to the library that knows them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import strict
from gatekeeper.signing.envelope import Envelope, envelope_object, parse_envelope, verify_envelope
from gatekeeper.signing.keys import PublicKey
from gatekeeper.text import printable

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

_BUNDLE = frozenset({"mediaType", "verificationMaterial", "dsseEnvelope"})
_MATERIALS = frozenset({"publicKey", "x509CertificateChain", "certificate"})
_UNREAD = frozenset({"tlogEntries", "timestampVerificationData"})
_RAW = frozenset({"rawBytes"})
# model_signing before 1.0 wrote the last two; what they say is not used.
_HINT = frozenset({"hint", "rawBytes", "keyDetails"})
_KEY_DETAILS = frozenset({"PKIX_ECDSA_P256_SHA_256", "PKIX_ECDSA_P384_SHA_384", "PKIX_ECDSA_P521_SHA_512"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Bundle:
    """An envelope, and who is said to have signed it: by a hint at a key, or by certificates."""

    envelope: Envelope
    key_hint: str
    """`PublicKey.key_id`; empty when there is none."""

    certificates: tuple[bytes, ...]
    """DER, the signer's own first; empty when a key signed it."""


def wrap(envelope: Envelope, key_id: str) -> str:
    """Write an envelope that a key signed as a bundle: one line of JSON, without a line feed."""
    document = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key_id}, "tlogEntries": []},
        "dsseEnvelope": envelope_object(envelope),
    }
    return json.dumps(document, separators=(",", ":"))


def parse_bundle(data: bytes) -> Bundle:
    """Read a bundle, believing nothing.

    Raises:
        SignatureError: When it is malformed, too large, has several signatures, holds a bare signature instead of an
            envelope, or is of another version (`other-type`).
    """
    document = strict.load(data, "the bundle")
    kind = document.get("mediaType")
    if isinstance(kind, str) and kind != BUNDLE_TYPE:
        raise SignatureError(
            f"the bundle is of type {printable(kind, 80)!r}, and {BUNDLE_TYPE!r} was expected",
            refusal=Refusal.OTHER_TYPE,
        )
    if "messageSignature" in document:
        raise SignatureError(
            "the bundle holds a bare signature, and a statement in an envelope was expected",
            refusal=Refusal.OTHER_TYPE,
        )
    document = dict(strict.fields(document, "the bundle", _BUNDLE))
    strict.text(document["mediaType"], "the bundle's mediaType")
    material = strict.fields(
        document["verificationMaterial"], "the bundle's verificationMaterial", frozenset(), _MATERIALS | _UNREAD
    )
    present = sorted(_MATERIALS & material.keys())
    if len(present) != 1:
        raise strict.malformed(
            f"the bundle must name its signer in exactly one way, not {len(present)}: {', '.join(sorted(_MATERIALS))}"
        )
    return Bundle(
        envelope=parse_envelope(document["dsseEnvelope"]),
        key_hint=_hint(material["publicKey"]) if "publicKey" in material else "",
        certificates=_certificates(material),
    )


def verify_bundle(bundle: Bundle, keys: Sequence[PublicKey]) -> PublicKey:
    """Say which of these keys signed a bundle that names a key.

    Raises:
        SignatureError: As `verify_envelope`; also when the hint is at another key (`other-key`).
    """
    if bundle.certificates:
        raise SignatureError(
            "the bundle names its signer by a certificate, and a key was expected", refusal=Refusal.OTHER_TYPE
        )
    if bundle.key_hint and bundle.key_hint not in {key.key_id for key in keys}:
        raise SignatureError(
            f"the bundle was signed by the key {printable(bundle.key_hint, 64)}, "
            f"and trusted here: {', '.join(key.key_id for key in keys) or 'none'}",
            refusal=Refusal.OTHER_KEY,
            hint="give the public key of whoever signed it, if you trust them",
        )
    hinted = [key for key in keys if bundle.key_hint in {"", key.key_id}]
    return verify_envelope(bundle.envelope, hinted)


def _hint(value: object) -> str:
    value = strict.fields(value, "the bundle's publicKey", frozenset(), _HINT)
    details = value.get("keyDetails", "PKIX_ECDSA_P256_SHA_256")
    if details not in _KEY_DETAILS:
        raise SignatureError(
            f"the bundle's key is of the unknown kind {printable(str(details), 80)!r}",
            refusal=Refusal.UNKNOWN_ALGORITHM,
        )
    return strict.text(value.get("hint", ""), "the bundle's hint at a key", 256)


def _certificates(material: Mapping[str, Any]) -> tuple[bytes, ...]:
    if "certificate" in material:
        return (_certificate(material["certificate"]),)
    if "x509CertificateChain" not in material:
        return ()
    chain = strict.fields(material["x509CertificateChain"], "the bundle's chain", frozenset({"certificates"}))
    values = strict.items(chain["certificates"], "the bundle's chain of certificates")
    if not values:
        raise strict.malformed("the bundle's chain of certificates is empty")
    if len(values) > DEFAULT_LIMITS.bundle_certificates:
        raise SignatureError(
            f"the bundle has more than {DEFAULT_LIMITS.bundle_certificates} certificates (bundle_certificates)",
            refusal=Refusal.TOO_LARGE,
        )
    return tuple(_certificate(each) for each in values)


def _certificate(value: object) -> bytes:
    value = strict.fields(value, "a certificate of the bundle", _RAW)
    data = strict.decoded(value["rawBytes"], "a certificate of the bundle")
    if len(data) > DEFAULT_LIMITS.certificate_bytes:
        raise SignatureError(
            f"a certificate of the bundle has more than {DEFAULT_LIMITS.certificate_bytes} bytes (certificate_bytes)",
            refusal=Refusal.TOO_LARGE,
        )
    return data
