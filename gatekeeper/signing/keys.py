"""Public keys: read from PEM, named by a digest, asked whether a signature is theirs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.text import printable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

VERDICT_CURVES = ("secp256r1",)
"""Curves of keys that sign verdicts and approvals."""

PUBLISHER_CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""Curves of keys that publishers sign models with (OpenSSF Model Signing)."""

_CURVE_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_HASHES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}

_BEGIN = re.compile(r"^-----BEGIN ([A-Z0-9 ]{1,40})-----\s*$", re.MULTILINE)

_INSTEAD = {
    "PRIVATE KEY": ("a private key", "give the public key; private keys stay with the signer"),
    "CERTIFICATE": ("a certificate", "openssl x509 -in FILE -pubkey -noout prints the public key in it"),
    "RSA PUBLIC KEY": ("an RSA key", "keys are on the curve P-256; gatekeeper keygen makes a pair"),
}
"""End of a PEM label → what it is, and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKey:
    """A key on an elliptic curve. `load_public_key` and `public_key_of` make them."""

    key_id: str
    """SHA-256 of `pem`, hexadecimal: what model_signing writes as the hint of a key."""

    pem: str
    """SubjectPublicKeyInfo (RFC 5280) as PEM, in one spelling for each key."""

    curve: str
    """`secp256r1`, `secp384r1` or `secp521r1`."""

    _key: ec.EllipticCurvePublicKey = field(repr=False, compare=False)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Say whether this key signed these bytes.

        The hash is the curve's own: SHA-256 for P-256, SHA-384 for P-384, SHA-512 for P-521.

        Args:
            message: The bytes, unhashed.
            signature: ECDSA (FIPS 186-5), r and s in DER; see `is_ecdsa`.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec

        if not is_ecdsa(signature):
            return False
        try:
            self._key.verify(signature, message, ec.ECDSA(hash_of(self.curve)))
        except InvalidSignature:
            return False
        return True


def load_public_key(pem: bytes | str, *, curves: tuple[str, ...] = VERDICT_CURVES) -> PublicKey:
    """Read one public key from PEM.

    Raises:
        InputError: When it is anything else, each with its own words.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    label = pem_label(pem, "public key")
    if label != "PUBLIC KEY":
        what, hint = next(
            (words for end, words in _INSTEAD.items() if label.endswith(end)), (f"a PEM {label}", "give a public key")
        )
        raise InputError(f"this is {what}, and a public key was expected", hint=hint)
    try:
        key = load_pem_public_key(pem.encode("ascii") if isinstance(pem, str) else pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(
            "the public key can't be read: its PEM is damaged, or its kind is unknown",
            hint="copy the file again; gatekeeper keygen makes a pair",
        ) from error
    return public_key_of(key, curves=curves)


def read_public_key(path: Path, *, curves: tuple[str, ...] = VERDICT_CURVES) -> PublicKey:
    """Read one public key from a file in PEM.

    Raises:
        InputError: When the file can't be read or is anything else; the message names it.
    """
    try:
        with path.open("rb") as file:
            pem = file.read(DEFAULT_LIMITS.key_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        why = error.strerror if isinstance(error, OSError) else "that is no path"
        raise InputError(
            f"the public key {printable(str(path))} can't be read: {why}", hint="give the .pub file of a pair"
        ) from error
    try:
        return load_public_key(pem, curves=curves)
    except InputError as error:
        raise InputError(f"{printable(str(path))}: {error.message}", hint=error.hint) from error


def public_key_of(key: object, *, curves: tuple[str, ...] = VERDICT_CURVES) -> PublicKey:
    """Make one of a public key object of `cryptography`, as a certificate holds it.

    Raises:
        InputError: When it is of another kind, or on another curve.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    expected = " or ".join(_CURVE_NAMES[curve] for curve in curves)
    hint = "gatekeeper keygen makes a pair" if "secp256r1" in curves else ""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        kind = type(key).__name__.lstrip("_").removesuffix("PublicKey")
        raise InputError(f"this is a key of kind {kind}; ECDSA on {expected} was expected", hint=hint)
    if key.curve.name not in curves:
        name = _CURVE_NAMES.get(key.curve.name, key.curve.name)
        raise InputError(f"this key is on the curve {name}; {expected} was expected", hint=hint)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(key_id=hashlib.sha256(pem).hexdigest(), pem=pem.decode("ascii"), curve=key.curve.name, _key=key)


def hash_of(curve: str) -> HashAlgorithm:
    """Give the hash that goes with a curve (as Sigstore's protobuf-specs pair them)."""
    from cryptography.hazmat.primitives import hashes

    algorithm: HashAlgorithm = getattr(hashes, _HASHES[curve])()
    return algorithm


def is_ecdsa(signature: bytes) -> bool:
    """Say whether these bytes are r and s in DER, with nothing after them and no longer than need be (X.690, 8.3)."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    try:
        return encode_dss_signature(*decode_dss_signature(signature)) == signature
    except ValueError:
        return False


def pem_label(pem: bytes | str, what: str) -> str:
    """Name the one PEM block of a text: `PUBLIC KEY`, `EC PRIVATE KEY`.

    Args:
        pem: Any bytes; nothing of them is shown.
        what: What was expected, for messages.

    Raises:
        InputError: When there is none, or more than one, or the text is too large.
    """
    if len(pem) > DEFAULT_LIMITS.key_bytes:
        raise InputError(f"a {what} was expected, and this has more than {DEFAULT_LIMITS.key_bytes} bytes (key_bytes)")
    try:
        text = pem if isinstance(pem, str) else pem.decode("ascii")
        text.encode("ascii")
    except UnicodeError as error:
        raise InputError(
            f"a {what} in PEM was expected, and this is binary", hint="openssl pkey -inform DER converts it"
        ) from error
    if text.startswith(("ssh-", "ecdsa-sha2-", "sk-")):
        raise InputError(
            f"a {what} in PEM was expected, and this is one of OpenSSH",
            hint="ssh-keygen -e -m PKCS8 -f FILE converts it",
        )
    # Written by `openssl ecparam -genkey` before the key itself.
    labels = [label for label in _BEGIN.findall(text) if label != "EC PARAMETERS"]
    if len(labels) != 1:
        found = "no PEM block is in it" if not labels else f"{len(labels)} PEM blocks are in it"
        raise InputError(f"a {what} in PEM was expected, and {found}", hint="gatekeeper keygen makes a pair")
    return str(labels[0])
