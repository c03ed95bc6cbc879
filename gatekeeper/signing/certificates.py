"""Signers named by a certificate: does it lead to a root that the deployer trusts, and is it for signing?

Chains are built and checked by `cryptography.x509.verification` (RFC 5280: signatures, path lengths, name constraints,
critical extensions that nobody knows). Its profile for web servers is replaced by rules for signers, as model_signing
1.1.1 has them, and a little stricter. Nothing is asked on the network, so a revoked certificate is not noticed.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import InputError, Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import strict
from gatekeeper.signing.bundle import BUNDLE_TYPE
from gatekeeper.signing.envelope import Envelope, envelope_object
from gatekeeper.signing.keys import PUBLISHER_CURVES, PublicKey, public_key_of
from gatekeeper.text import printable

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.verification import ExtensionPolicy

_CHAIN = 8
"""Certificates between a signer's own and a root; public authorities have one or two."""


def certified_key(chain: Sequence[bytes], roots: str, now: datetime) -> PublicKey:
    """Give the key in a signer's certificate, when that leads to a root and may sign.

    When something was signed is nobody's word here, so the certificate must be valid now, not then.

    Args:
        chain: DER, the signer's own certificate first; the order of the others does not matter.
        roots: PEM of the authorities that are trusted for this; any of them may end the chain.
        now: UTC.

    Raises:
        SignatureError: When it leads to none of the roots (`other-key`), is outside its validity (`outdated`), is not
            for signing (`other-use`), has another kind of key (`unknown-algorithm`) or is malformed.
        InputError: When the roots can't be read.
    """
    trusted = read_certificates(roots.encode("utf-8"), "the trusted roots")
    leaf, *others = (parse_certificate(each) for each in chain)
    holds_now = _leads(leaf, others, trusted, now)
    # Asked for the day on which it began, so that an outdated chain is told from one that leads elsewhere.
    if not holds_now and not _leads(leaf, others, trusted, leaf.not_valid_before_utc):
        raise SignatureError(
            f"the certificate of {_subject(leaf)} leads to none of the trusted roots",
            refusal=Refusal.OTHER_KEY,
            hint="add the root to the policy's signers, if you trust all that it vouches for",
        )
    _refuse_outdated(leaf, now)
    if not holds_now:
        raise SignatureError(
            f"a certificate between that of {_subject(leaf)} and the trusted root is outside its validity",
            refusal=Refusal.OUTDATED,
            hint="ask the publisher to sign again",
        )
    _refuse_other_use(leaf)
    return key_of(leaf)


def signing_chain(pem: bytes, key: PublicKey, now: datetime) -> tuple[bytes, ...]:
    """Read the certificates to sign with: the signer's own first, then those between it and the root.

    Args:
        pem: One or more PEM blocks.
        key: The public half of the key that signs.
        now: UTC.

    Returns:
        Them, DER.

    Raises:
        InputError: When the first is not this key's, not valid now or not for signing.
    """
    from cryptography.hazmat.primitives.serialization import Encoding

    certificates = read_certificates(pem, "the certificate chain")
    if len(certificates) > DEFAULT_LIMITS.bundle_certificates:
        raise InputError(f"the chain has more than {DEFAULT_LIMITS.bundle_certificates} certificates")
    try:
        _refuse_outdated(certificates[0], now)
        _refuse_other_use(certificates[0])
        certified = key_of(certificates[0])
    except SignatureError as error:
        raise InputError(f"the first certificate can't be signed with: {error.message}", hint=error.hint) from error
    if certified.key_id != key.key_id:
        raise InputError(
            f"the first certificate is for the key {certified.key_id[:16]}…, and {key.key_id[:16]}… signs",
            hint="put the signer's own certificate first, and give the key that belongs to it",
        )
    return tuple(each.public_bytes(Encoding.DER) for each in certificates)


def read_certificates(pem: bytes, what: str) -> list[Certificate]:
    """Read PEM blocks of certificates.

    Args:
        pem: One or more.
        what: For messages, with its article.

    Raises:
        InputError: When there are none, or something else.
    """
    from cryptography import x509

    if len(pem) > DEFAULT_LIMITS.certificate_bytes * DEFAULT_LIMITS.bundle_certificates:
        raise InputError(f"{what} are more than a megabyte of PEM")
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InputError(
            f"{what} can't be read: no certificates in PEM are in it", hint="openssl x509 -inform DER converts one"
        ) from error


def wrap_certified(envelope: Envelope, chain: Sequence[bytes]) -> str:
    """Write an envelope that a certificate's key signed as a bundle: one line of JSON, without a line feed."""
    certificates = [{"rawBytes": strict.encoded(each)} for each in chain]
    document = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"x509CertificateChain": {"certificates": certificates}, "tlogEntries": []},
        "dsseEnvelope": envelope_object(envelope),
    }
    return json.dumps(document, separators=(",", ":"))


def parse_certificate(der: bytes) -> Certificate:
    """Read a certificate of a bundle.

    Raises:
        SignatureError: When it is malformed.
    """
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            # Forms that RFC 5280 forbids and the library still takes for a while: nobody issues them by accident.
            warnings.simplefilter("error")
            certificate = x509.load_der_x509_certificate(der)
            _ = (certificate.extensions, certificate.subject, certificate.not_valid_before_utc)  # parsed when asked
    except (
        ValueError, Warning, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion
    ) as error:  # fmt: skip
        raise strict.malformed("a certificate of the bundle can't be read") from error
    return certificate


def _leads(leaf: Certificate, others: list[Certificate], roots: list[Certificate], moment: datetime) -> bool:
    from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

    verifier = (
        PolicyBuilder()
        .store(Store(roots))
        .time(moment)
        .max_chain_depth(_CHAIN)
        # What the signer's own certificate must say is asked afterwards, with words of its own.
        .extension_policies(ca_policy=_authorities(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(leaf, others)
    except VerificationError:
        return False
    return True


def _authorities() -> ExtensionPolicy:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.verification import Criticality, ExtensionPolicy

    def is_authority(_policy: object, _certificate: object, extension: x509.BasicConstraints) -> None:
        if not extension.ca:
            raise ValueError("not a certificate authority")

    def signs_certificates(_policy: object, _certificate: object, extension: x509.KeyUsage | None) -> None:
        if extension is not None and not extension.key_cert_sign:
            raise ValueError("not for signing certificates")

    def vouches_for_code(_policy: object, _certificate: object, extension: x509.ExtendedKeyUsage | None) -> None:
        wanted = {ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        if extension is not None and wanted.isdisjoint(extension):
            raise ValueError("not for signers of code")

    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, is_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, signs_certificates)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, vouches_for_code)
    )


def _refuse_outdated(leaf: Certificate, now: datetime) -> None:
    if now > leaf.not_valid_after_utc:
        raise SignatureError(
            f"the certificate of {_subject(leaf)} expired on {leaf.not_valid_after_utc:%Y-%m-%d}",
            refusal=Refusal.OUTDATED,
            hint="nothing proves that it signed before: ask the publisher to sign again",
        )
    if now < leaf.not_valid_before_utc:
        raise SignatureError(
            f"the certificate of {_subject(leaf)} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}",
            refusal=Refusal.OUTDATED,
            hint="check this machine's clock",
        )


def _refuse_other_use(leaf: Certificate) -> None:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    usage = _extension(leaf, x509.KeyUsage)
    extended = _extension(leaf, x509.ExtendedKeyUsage)
    wrong = ""
    if usage is None and extended is None:
        wrong = "says neither by key usage nor by extended key usage that it is for signing"
    elif usage is not None and not usage.digital_signature:
        wrong = "is not for digital signatures (key usage)"
    elif extended is not None and ExtendedKeyUsageOID.CODE_SIGNING not in extended:
        wrong = "is not for signing code (extended key usage)"
    if wrong:
        raise SignatureError(f"the certificate of {_subject(leaf)} {wrong}", refusal=Refusal.OTHER_USE)


def _extension(certificate: Certificate, kind: Any) -> Any:
    from cryptography import x509

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def key_of(leaf: Certificate) -> PublicKey:
    """Give the key in a certificate.

    Raises:
        SignatureError: When it is of another kind than publishers sign with.
    """
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        return public_key_of(leaf.public_key(), curves=PUBLISHER_CURVES)
    except (InputError, UnsupportedAlgorithm, ValueError) as error:
        why = error.message if isinstance(error, InputError) else "its key can't be read"
        raise SignatureError(
            f"the certificate of {_subject(leaf)}: {why}", refusal=Refusal.UNKNOWN_ALGORITHM
        ) from error


def _subject(certificate: Certificate) -> str:
    return repr(printable(certificate.subject.rfc4514_string(), 120)) if certificate.subject else "an unnamed signer"
