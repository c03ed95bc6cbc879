"""DSSE, the Dead Simple Signing Envelope: a payload, its type, and one signature over both.

Source: https://github.com/secure-systems-lab/dsse (version 1.0.2, protocol.md and envelope.md). Stricter than that:
exactly one signature, base64 of the standard alphabet, no unknown fields; docs/adr/0014-signing.md has the reasons.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.signing import strict
from gatekeeper.signing.keys import PublicKey, is_ecdsa
from gatekeeper.signing.signer import Signer
from gatekeeper.text import printable

PAYLOAD_TYPE = "application/vnd.in-toto+json"
"""Type of every payload that gatekeeper signs: a statement of in-toto."""

_ENVELOPE = frozenset({"payload", "payloadType", "signatures"})
_SIGNATURE = frozenset({"sig"})
_KEY_ID = frozenset({"keyid"})
_ALGORITHM = frozenset({"alg", "algorithm", "method", "scheme"})
"""DSSE has no field for an algorithm: what a key is for is settled by who holds it, never by what is signed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature in an envelope."""

    key_id: str
    """`PublicKey.key_id` of its key, a hint; empty when it names none."""

    value: bytes
    """ECDSA, DER."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A payload with at most one signature. Nothing in it is to be believed before `verify_envelope`."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]
    """One, or none for what was never signed."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed: type and payload, each after its length (DSSE protocol, PAE)."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, signer: Signer, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    """Put a payload in an envelope and sign it.

    Raises:
        SigningError: When the signer can't.
    """
    value = signer.sign(pae(payload_type, payload))
    signature = Signature(key_id=signer.key_id, value=value)
    return Envelope(payload_type=payload_type, payload=payload, signatures=(signature,))


def unsigned(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> Envelope:
    """Put a payload in an envelope that nobody signs."""
    return Envelope(payload_type=payload_type, payload=payload, signatures=())


def envelope_json(envelope: Envelope) -> str:
    """Write an envelope as one line of JSON, without a line feed."""
    return json.dumps(envelope_object(envelope), separators=(",", ":"))


def envelope_object(envelope: Envelope) -> dict[str, Any]:
    """Give an envelope as the object that `envelope_json` writes."""
    return {
        "payload": strict.encoded(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [{"keyid": each.key_id, "sig": strict.encoded(each.value)} for each in envelope.signatures],
    }


def parse_envelope(data: bytes | Mapping[str, Any]) -> Envelope:
    """Read an envelope, believing nothing.

    Args:
        data: JSON text, or the object that a strict parser made of it (in a bundle).

    Raises:
        SignatureError: When it is malformed, too large or has several signatures.
    """
    document = strict.load(data, "the envelope") if isinstance(data, bytes) else data
    document = strict.fields(document, "the envelope", _ENVELOPE)
    kind = strict.text(document["payloadType"], "the envelope's payloadType", 256)
    payload = strict.decoded(document["payload"], "the envelope's payload")
    signatures = strict.items(document["signatures"], "the envelope's list of signatures")
    if len(signatures) > 1:
        raise SignatureError(
            f"the envelope has {len(signatures)} signatures; exactly one is taken",
            refusal=Refusal.SEVERAL_SIGNATURES,
            hint="ask for an envelope with the one signature that counts",
        )
    return Envelope(payload_type=kind, payload=payload, signatures=tuple(_signature(each) for each in signatures))


def _signature(value: object) -> Signature:
    if isinstance(value, Mapping) and (named := sorted(_ALGORITHM & value.keys())):
        raise SignatureError(
            f"the signature names an algorithm ({named[0]}: {printable(str(value[named[0]]), 40)}); "
            "an envelope has no field for that",
            refusal=Refusal.UNKNOWN_ALGORITHM,
        )
    value = strict.fields(value, "the signature", _SIGNATURE, _KEY_ID)
    return Signature(
        # model_signing 1.0 writes null where it names none.
        key_id=strict.text("" if value.get("keyid") is None else value["keyid"], "the signature's keyid", 256),
        value=strict.decoded(value["sig"], "the signature"),
    )


def verify_envelope(envelope: Envelope, keys: Sequence[PublicKey], *, payload_type: str = PAYLOAD_TYPE) -> PublicKey:
    """Say which of these keys signed the envelope.

    Args:
        envelope: As parsed.
        keys: Those that are believed.
        payload_type: What it must hold.

    Raises:
        SignatureError: When none of them did: with the refusal `other-type`, `no-signature`, `several-signatures`,
            `unknown-algorithm`, `other-key` or `bad-signature`.
    """
    if envelope.payload_type != payload_type:
        raise SignatureError(
            f"the envelope holds {printable(envelope.payload_type, 80)!r}, and {payload_type!r} was expected",
            refusal=Refusal.OTHER_TYPE,
        )
    signature = _only(envelope)
    candidates = [key for key in keys if signature.key_id in {"", key.key_id}]
    if not candidates:
        raise SignatureError(
            f"it was signed by the key {printable(signature.key_id, 64) or 'of nobody'}, "
            f"and trusted here: {', '.join(key.key_id for key in keys) or 'none'}",
            refusal=Refusal.OTHER_KEY,
            hint="give the public key of whoever signed it, if you trust them",
        )
    message = pae(envelope.payload_type, envelope.payload)
    for key in candidates:
        if key.verify(message, signature.value):
            return key
    raise SignatureError(
        "the signature is not that of "
        + (f"the key {candidates[0].key_id}" if len(candidates) == 1 else "any trusted key")
        + " over these bytes: they were changed, or another key signed them",
        refusal=Refusal.BAD_SIGNATURE,
        hint="fetch the file again from whoever signed it",
    )


def _only(envelope: Envelope) -> Signature:
    if not envelope.signatures:
        raise SignatureError(
            "the envelope is not signed", refusal=Refusal.NO_SIGNATURE, hint="whoever made it must sign it with --key"
        )
    if len(envelope.signatures) > 1:
        raise SignatureError(
            f"the envelope has {len(envelope.signatures)} signatures; exactly one is taken",
            refusal=Refusal.SEVERAL_SIGNATURES,
        )
    if not is_ecdsa(envelope.signatures[0].value):
        raise SignatureError(
            "the signature is none of ECDSA in DER, the one algorithm that is taken",
            refusal=Refusal.UNKNOWN_ALGORITHM,
        )
    return envelope.signatures[0]
