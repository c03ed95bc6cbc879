"""Keyless signatures: a certificate of minutes, an identity that a provider vouched for, and a public log.

Needs the extra `sigstore`, whose library knows the authorities and logs; the roots of trust that are shipped with it
(or that it keeps from an earlier update) are used, and no network.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from gatekeeper.errors import InputError, Refusal, SignatureError
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing import strict
from gatekeeper.signing.bundle import Bundle
from gatekeeper.signing.certificates import key_of, parse_certificate
from gatekeeper.signing.envelope import PAYLOAD_TYPE, verify_envelope
from gatekeeper.text import printable


class KeylessUnavailableError(Exception):
    """What verifies keyless signatures can't be had; the message says why, and how to install it."""


def is_keyless(data: bytes) -> bool:
    """Whether a bundle that `parse_bundle` took names its signer by a short-lived certificate and a log."""
    material = strict.load(data, "the bundle")["verificationMaterial"]
    return "certificate" in material or bool(material.get("tlogEntries"))


def verify_keyless(data: bytes, bundle: Bundle, signers: Sequence[TrustedSigner]) -> TrustedSigner:
    """Say which of these signers made a keyless signature.

    Args:
        data: The bundle's bytes.
        bundle: The same, as our own reader took it: both readers must see one payload.
        signers: Those with an `identity`.

    Raises:
        SignatureError: When it does not hold (`bad-signature` when the bytes are not those that a trusted identity
            signed, `unproven` when the certificate or the log entry is not believed), or is somebody else's
            (`other-key`).
        KeylessUnavailableError: When the extra is not installed, or has no roots of trust.
        InputError: When a signer has an identity and no issuer.
    """
    certificate = parse_certificate(bundle.certificates[0])
    # Whom nobody asks for needs no library to be refused.
    library = _library() if signers else None
    claimed = _claimed(library, certificate, signers) if library else None
    if library is None or claimed is None:
        raise SignatureError(
            f"it is a keyless signature of {_identities(certificate)}, whom the policy does not name",
            refusal=Refusal.OTHER_KEY,
            hint="add identity and issuer to the policy's signers, if you trust them",
        )
    # First without the library, so that altered bytes are told from a log or an authority that it does not know.
    verify_envelope(bundle.envelope, [key_of(certificate)])
    verifier, policy = library.verifier(), library.policy.Identity(identity=claimed.identity, issuer=claimed.issuer)
    try:
        kind, payload = verifier.verify_dsse(library.Bundle.from_json(data), policy)
    except library.InvalidBundle as error:
        raise strict.malformed(f"the keyless bundle can't be read: {_words(error)}") from error
    except Exception as error:
        # Its parsers of certificates, timestamps and log entries promise no kinds of errors for hostile bytes. Each
        # means that nothing was proven, and a refusal is the answer that can only be too strict.
        raise SignatureError(
            f"the keyless signature does not hold: {_words(error)}",
            refusal=Refusal.UNPROVEN,
            hint="update the sigstore package, whose roots of trust may be old; else ask the publisher to sign again",
        ) from error
    if (kind, payload) != (PAYLOAD_TYPE, bundle.envelope.payload):
        raise strict.malformed("two readers see two payloads in the keyless bundle")
    return claimed


class _Library:
    """What is used of the sigstore package."""

    def __init__(self) -> None:
        from sigstore.errors import Error
        from sigstore.models import Bundle as SigstoreBundle
        from sigstore.models import InvalidBundle
        from sigstore.verify import Verifier, policy

        self.Bundle: Any = SigstoreBundle
        self.InvalidBundle: Any = InvalidBundle
        self.policy: Any = policy
        self._verifier: Any = Verifier
        self._error: type[Exception] = Error

    def verifier(self) -> Any:
        """Make one that asks no network."""
        # It warns of each run without the network, which is every run here.
        logging.getLogger("sigstore._internal.tuf").setLevel(logging.ERROR)
        try:
            return self._verifier.production(offline=True)
        except (self._error, OSError, ValueError) as error:  # ValueError: the cached roots are not what they should be
            raise KeylessUnavailableError(
                f"it is keyless, and the roots of trust of the sigstore package can't be had: {_words(error)}"
            ) from error


def _library() -> _Library:
    try:
        return _Library()
    except ImportError as error:
        raise KeylessUnavailableError(
            "it is keyless, and verifying that needs the extra `sigstore`: pip install 'gatekeeper-models[sigstore]'"
        ) from error


def _claimed(library: _Library, certificate: Any, signers: Sequence[TrustedSigner]) -> TrustedSigner | None:
    for signer in signers:
        if not signer.issuer:  # the library would then take the word of any
            raise InputError(f"signer {printable(signer.name)} has an identity and no issuer")
        try:
            library.policy.Identity(identity=signer.identity, issuer=signer.issuer).verify(certificate)
        # Nobody vouches for the certificate yet, and its extensions go to two parsers that promise no kinds of errors.
        # Each means that this signer is not shown in it; when none is, the signature is refused.
        except Exception:  # noqa: S112
            continue
        return signer
    return None


def _identities(certificate: Any) -> str:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = [str(name.value) for name in names]
    except (x509.ExtensionNotFound, ValueError):
        found = []
    return printable(", ".join(found), 120) or "nobody"


def _words(error: Exception) -> str:
    return printable(f"{type(error).__name__}: {error}", 200)
