"""Signers: whoever can sign with a private key. Here the key lies in a file or in an environment variable."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gatekeeper.errors import InputError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.redaction import keep_secret
from gatekeeper.signing.keys import PublicKey, hash_of, pem_label, public_key_of
from gatekeeper.signing.sealed_key import seal
from gatekeeper.text import printable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ENVIRONMENT = "env:"
"""Begins a source that names an environment variable."""

_INSTEAD = {
    "PUBLIC KEY": ("a public key", "signing takes the private key; gatekeeper keygen makes a pair"),
    "CERTIFICATE": ("a certificate", "signing takes the private key that belongs to it"),
    "OPENSSH PRIVATE KEY": ("a key in OpenSSH's own form", "ssh-keygen -p -m PKCS8 -f FILE converts it in place"),
    "RSA PRIVATE KEY": ("an RSA key", "keys are on the curve P-256; gatekeeper keygen makes a pair"),
    "DSA PRIVATE KEY": ("a DSA key", "keys are on the curve P-256; gatekeeper keygen makes a pair"),
}
"""End of a PEM label → what it is, and what to do. Longer ends first."""

_SHORT = 16
_PRIVATE = frozenset({"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY"})


class PasswordError(InputError):
    """A private key is encrypted, and no password was given."""


class Signer(Protocol):
    """Signs bytes with a key that only it has."""

    @property
    def key_id(self) -> str:
        """`PublicKey.key_id` of its key."""
        ...

    @property
    def public_key(self) -> PublicKey:
        """What verifies its signatures."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Give the ECDSA signature over the SHA-256 of a message, in DER.

        Raises:
            SigningError: When the key can't be had.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _KeySigner:
    """Signs with a private key in memory; its representation shows the public half alone."""

    public_key: PublicKey
    _key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    @property
    def key_id(self) -> str:
        return self.public_key.key_id

    def sign(self, message: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric import ec

        return self._key.sign(message, ec.ECDSA(hash_of(self.public_key.curve)))


def load_signer(source: str, *, password: bytes | None = None) -> Signer:
    """Load a private key on P-256.

    Args:
        source: A path, or `env:NAME` for an environment variable that holds the PEM.
        password: For an encrypted key; not looked at for another.

    Raises:
        PasswordError: When it is encrypted and no password is given.
        InputError: When there is none, or it is of another kind; nothing of it is ever in a message.
    """
    pem = _read(source)
    try:
        return _signer_of(pem, password)
    except InputError as error:
        raise type(error)(f"{printable(source)}: {error.message}", hint=error.hint) from None


def generate(password: bytes | None = None) -> tuple[bytes, bytes]:
    """Make a key pair on P-256.

    Args:
        password: Encrypts the private key when given and not empty.

    Returns:
        The private key (PKCS#8) and the public one (SubjectPublicKeyInfo), both PEM.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.Encoding.DER if password else serialization.Encoding.PEM
    private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    if password:
        private = seal(private, password)
    return private, public_key_of(key.public_key()).pem.encode("ascii")


def open_to_others(source: str) -> bool:
    """Say whether the file of a key can be read or written by every user of this machine."""
    if source.startswith(ENVIRONMENT):
        return False
    try:
        status = Path(source).stat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & (stat.S_IROTH | stat.S_IWOTH))


def _read(source: str) -> bytes:
    if source.startswith(ENVIRONMENT):
        name = source.removeprefix(ENVIRONMENT)
        value = os.environ.get(name, "")
        if not value.strip():
            state = "empty" if name in os.environ else "not set"
            raise InputError(
                f"the key was to be in the environment variable {printable(name)}, which is {state}",
                hint="CI gives jobs of strangers no secrets; elsewhere, set it to the PEM of the private key",
            )
        return value.encode("utf-8", "surrogateescape")
    try:
        with Path(source).open("rb") as file:
            return file.read(DEFAULT_LIMITS.key_bytes + 1)
    except OSError as error:
        raise InputError(
            f"the key {printable(source)} can't be read: {error.strerror}",
            hint="give the path of a private key, or env:NAME; gatekeeper keygen makes a pair",
        ) from error
    except ValueError as error:  # a null byte in the path
        raise InputError(f"{printable(source)} is no path of a key") from error


def _hide(pem: bytes) -> None:
    """Keep the lines of a private key out of whatever is shown from now on; short ones would hide common words."""
    for line in pem.decode("ascii").splitlines():
        if len(line) > _SHORT and not line.startswith("-----"):
            keep_secret(line)


def _signer_of(pem: bytes, password: bytes | None) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    label = pem_label(pem, "private key")
    if label not in _PRIVATE:
        what, hint = next(
            (words for end, words in _INSTEAD.items() if label.endswith(end)), (f"a PEM {label}", "give a private key")
        )
        raise InputError(f"this is {what}, and a private key was expected", hint=hint)
    _hide(pem)
    encrypted = label.startswith("ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in pem
    if encrypted and not password:
        raise PasswordError("the key is encrypted", hint="put its password into GATEKEEPER_KEY_PASSWORD")
    try:
        key = load_pem_private_key(pem, password if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # What the library says of a private key is not shown.
        if encrypted:
            raise InputError("the key can't be decrypted", hint="check GATEKEEPER_KEY_PASSWORD") from None
        raise InputError("the private key is damaged or of an unknown kind", hint="restore it from its copy") from None
    public = public_key_of(key.public_key())
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  (its public half is)
    return _KeySigner(public_key=public, _key=key)
