"""A publisher's signature: who of the trusted signers made it, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.errors import InputError, Refusal, SignatureError
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing import strict
from gatekeeper.signing.bundle import Bundle, parse_bundle, verify_bundle
from gatekeeper.signing.certificates import certified_key
from gatekeeper.signing.envelope import PAYLOAD_TYPE, verify_envelope
from gatekeeper.signing.keyless import is_keyless, verify_keyless
from gatekeeper.signing.keys import PUBLISHER_CURVES, PublicKey, load_public_key
from gatekeeper.signing.oms import OLD_PREDICATE, Manifest, other_type, parse_manifest
from gatekeeper.signing.statement import parse_statement
from gatekeeper.text import printable


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A signature that holds."""

    signer: TrustedSigner
    manifest: Manifest


def verify_model_signature(data: bytes, signers: Sequence[TrustedSigner], now: datetime) -> Verified:
    """Verify a `model.sig`; whether the files are the signed ones is for `oms_files.differences` to say.

    Args:
        data: The bundle.
        signers: Whom to believe; where several have one key, the first is named.
        now: UTC, by which certificates count.

    Raises:
        SignatureError: With `other-key` when no trusted signer claims to have made it, with `bad-signature` when one
            of them does and it is not theirs over these bytes, with other refusals otherwise.
        KeylessUnavailableError: When it is keyless and the extra is not installed.
        InputError: When a key or root of a signer can't be read.
    """
    bundle = parse_bundle(data)
    _refuse_old(bundle.envelope.payload)
    if not bundle.certificates:
        signer = _by_key(bundle, signers)
    elif is_keyless(data):
        signer = verify_keyless(data, bundle, [each for each in signers if each.identity])
    else:
        signer = _by_certificate(bundle, [each for each in signers if each.certificates], now)
    return Verified(signer=signer, manifest=parse_manifest(parse_statement(bundle.envelope.payload)))


def claimed_manifest(data: bytes) -> Manifest:
    """Read what a signature says without asking who made it: nothing in it is to be believed.

    Raises:
        SignatureError: When it is malformed or of another type.
    """
    envelope = parse_bundle(data).envelope
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureError(
            f"the envelope holds {printable(envelope.payload_type, 80)!r}, and {PAYLOAD_TYPE!r} was expected",
            refusal=Refusal.OTHER_TYPE,
        )
    return parse_manifest(parse_statement(envelope.payload))


def _refuse_old(payload: bytes) -> None:
    """Refuse what model_signing 0.2 wrote: it signed other bytes than DSSE says, and would look altered.

    Raises:
        SignatureError: When the statement says of itself that it is one.
    """
    try:
        kind = strict.load(payload, "the statement").get("predicateType")
    except SignatureError:
        return  # whoever signed it is asked first
    if kind == OLD_PREDICATE:
        raise other_type(kind)


def _by_key(bundle: Bundle, signers: Sequence[TrustedSigner]) -> TrustedSigner:
    keys: dict[str, tuple[PublicKey, TrustedSigner]] = {}
    for signer in signers:
        if signer.key:
            key = _trusted_key(signer)
            keys.setdefault(key.key_id, (key, signer))
    try:
        return keys[verify_bundle(bundle, [key for key, _ in keys.values()]).key_id][1]
    except SignatureError as error:
        if error.refusal is not Refusal.BAD_SIGNATURE or bundle.key_hint:
            raise
        # Without a hint it claims nobody, so that a key that does not fit proves nothing.
        raise SignatureError(
            "it names no key, and none of the trusted ones made it", refusal=Refusal.OTHER_KEY
        ) from error


def _trusted_key(signer: TrustedSigner) -> PublicKey:
    try:
        return load_public_key(signer.key, curves=PUBLISHER_CURVES)
    except InputError as error:
        raise InputError(f"signer {printable(signer.name)}: {error.message}", hint=error.hint) from error


def _by_certificate(bundle: Bundle, signers: Sequence[TrustedSigner], now: datetime) -> TrustedSigner:
    refusals = []
    for signer in signers:
        try:
            key = certified_key(bundle.certificates, signer.certificates, now)
        except SignatureError as error:
            refusals.append(error)
            continue
        except InputError as error:
            raise InputError(f"signer {printable(signer.name)}: {error.message}", hint=error.hint) from error
        verify_envelope(bundle.envelope, [key])
        return signer
    # What a trusted root vouched for and is refused says more than that it leads to no other root.
    nobody = SignatureError("it names its signer by a certificate, and no root is trusted", refusal=Refusal.OTHER_KEY)
    raise next((each for each in refusals if each.refusal is not Refusal.OTHER_KEY), (refusals or [nobody])[0])
