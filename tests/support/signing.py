"""Throw-away keys and a tiny certificate authority, all in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gatekeeper.signing import PublicKey, Signer, generate, load_public_key, load_signer


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A key pair as PEM, and as what signs and verifies."""

    private: bytes
    public: bytes
    signer: Signer
    public_key: PublicKey

    def write(self, folder: Path, name: str = "test") -> tuple[Path, Path]:
        """Write `NAME.key` and `NAME.pub`."""
        paths = folder / f"{name}.key", folder / f"{name}.pub"
        for path, data in zip(paths, (self.private, self.public), strict=True):
            path.write_bytes(data)
            path.chmod(0o600)
        return paths


@cache
def key_pair(name: str = "alice") -> KeyPair:
    """Give a pair; the same name gives the same pair within one run of the tests."""
    import tempfile

    private, public = generate()
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        path = Path(folder) / "key"
        path.write_bytes(private)
        signer = load_signer(str(path))
    return KeyPair(private=private, public=public, signer=signer, public_key=load_public_key(public))


NOW = datetime.now(UTC).replace(microsecond=0)
"""Certificates are made around this time."""


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A leaf certificate with its key and its chain."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]
    """Its issuers, nearest first, the root last."""

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def certificate_der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def root_pem(self) -> bytes:
        return self.chain[-1].public_bytes(Encoding.PEM)

    @property
    def chain_pem(self) -> bytes:
        return b"".join(each.public_bytes(Encoding.PEM) for each in self.chain)


class Authority:
    """A root and, below it, an intermediate that issues leaves."""

    def __init__(self, name: str = "Test Root", curve: Callable[[], ec.EllipticCurve] = ec.SECP256R1) -> None:
        self._curve = curve
        self._root_key, self._intermediate_key = (ec.generate_private_key(curve()) for _ in range(2))
        decade = NOW - timedelta(days=3650), NOW + timedelta(days=3650)
        self.root = _certificate(name, self._root_key, name, self._root_key, *decade, authority=True)
        below = f"{name}: intermediate"
        self.intermediate = _certificate(below, self._intermediate_key, name, self._root_key, *decade, authority=True)

    def issue(
        self,
        name: str = "publisher",
        *,
        start: datetime = NOW - timedelta(days=1),
        end: datetime = NOW + timedelta(days=90),
        digital_signature: bool = True,
        code_signing: bool = True,
        authority: bool = False,
    ) -> Issued:
        """Issue a leaf; without code signing it is for TLS servers."""
        key = ec.generate_private_key(self._curve())
        certificate = _certificate(
            name,
            key,
            self.intermediate.subject.rfc4514_string().removeprefix("CN="),
            self._intermediate_key,
            start,
            end,
            authority=authority,
            digital_signature=digital_signature,
            code_signing=code_signing,
        )
        return Issued(certificate=certificate, key=key, chain=(self.intermediate, self.root))

    def valid(self) -> Issued:
        """A leaf as it should be."""
        return self.issue()

    def expired(self) -> Issued:
        """A leaf whose time is over."""
        return self.issue("expired", start=NOW - timedelta(days=90), end=NOW - timedelta(days=1))

    def not_yet(self) -> Issued:
        """A leaf whose time has not come."""
        return self.issue("not yet", start=NOW + timedelta(days=1))

    def without_code_signing(self) -> Issued:
        """A leaf for a TLS server."""
        return self.issue("server", code_signing=False)

    def without_usage(self) -> Issued:
        """A leaf whose key is neither for signatures nor for code."""
        return self.issue("mute", code_signing=False, digital_signature=False)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
    *,
    authority: bool = False,
    digital_signature: bool = True,
    code_signing: bool = True,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not digital_signature and not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not authority:
        purpose = ExtendedKeyUsageOID.CODE_SIGNING if code_signing else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("models.example")]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
