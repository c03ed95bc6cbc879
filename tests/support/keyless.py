"""Sigstore's services in memory: an authority for certificates of minutes, and the two logs that testify to them.

What they give is what the public services give (an authority like Fulcio, a log of certificates after RFC 6962, a log
of signatures like Rekor 1), so that keyless bundles can be made that hold, and others that miss by one thing. Names,
addresses and keys are made up.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from gatekeeper.signing import BUNDLE_TYPE, PAYLOAD_TYPE, pae

MADE = datetime(2025, 5, 3, 1, 34, 46, tzinfo=UTC)
"""When the signatures are made: long ago, as the certificates live for ten minutes."""

_MINUTES = timedelta(minutes=10)
_STAMPS = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
_ISSUER = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
_ISSUER_AS_TEXT = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _der(tag: int, data: bytes) -> bytes:
    length = bytes([len(data)]) if len(data) < 128 else bytes([0x81, len(data)])
    return bytes([tag]) + length + data


def _canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log: whoever believes its key believes what it testifies to."""

    key: ec.EllipticCurvePrivateKey
    url: str

    @classmethod
    def at(cls, url: str) -> Log:
        return cls(key=ec.generate_private_key(ec.SECP256R1()), url=url)

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self._public).digest()

    @property
    def _public(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data, ec.ECDSA(hashes.SHA256()))

    def described(self) -> dict[str, Any]:
        """Give what a root of trust says of it."""
        key = {"rawBytes": _b64(self._public), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": _since()}
        return {
            "baseUrl": self.url, "hashAlgorithm": "SHA2_256", "publicKey": key, "logId": {"keyId": _b64(self.id)},
        }  # fmt: skip


def _since() -> dict[str, str]:
    return {"start": (MADE - timedelta(days=400)).strftime("%Y-%m-%dT%H:%M:%SZ")}


class Services:
    """An authority and two logs that nobody else has heard of."""

    def __init__(self) -> None:
        self._root_key, self._issuer_key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
        self.root = self._authority("sigstore.example", self._root_key, "sigstore.example", self._root_key)
        self.issuer = self._authority("issuing", self._issuer_key, "sigstore.example", self._root_key)
        self.certificates = Log.at("https://certificates.sigstore.example")
        self.signatures = Log.at("https://signatures.sigstore.example")

    def sign(
        self,
        payload: bytes,
        *,
        identity: str,
        issuer: str,
        testified_by: Log | None = None,
        logged_at: datetime = MADE + timedelta(seconds=1),
        logged: bytes | None = None,
    ) -> bytes:
        """Make a keyless bundle over a payload, as `model.sig` has it.

        Args:
            payload: The statement.
            identity: E-mail address that the certificate is for.
            issuer: URL of the provider that vouched for it.
            testified_by: Log that says it has seen the certificate; None for ours.
            logged_at: When the other log took the signature in.
            logged: The payload that the entry is about; None for the signed one.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._leaf(key, identity, issuer, testified_by or self.certificates)
        signature = key.sign(pae(PAYLOAD_TYPE, payload), ec.ECDSA(hashes.SHA256()))
        body = _canonical(_entry_body(payload if logged is None else logged, signature, certificate))
        document = {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {
                "certificate": {"rawBytes": _b64(certificate.public_bytes(Encoding.DER))},
                "tlogEntries": [self._entry(body, int(logged_at.timestamp()))],
            },
            "dsseEnvelope": {
                "payload": _b64(payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": _b64(signature)}],
            },
        }
        return json.dumps(document).encode()

    def trusted_root(self) -> dict[str, Any]:
        """Give the root of trust in which these services stand."""
        chain = [{"rawBytes": _b64(each.public_bytes(Encoding.DER))} for each in (self.issuer, self.root)]
        authority = {
            "subject": {"organization": "sigstore.example", "commonName": "issuing"},
            "uri": "https://authority.sigstore.example",
            "certChain": {"certificates": chain},
            "validFor": _since(),
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.signatures.described()],
            "certificateAuthorities": [authority],
            "ctlogs": [self.certificates.described()],
        }

    def trust_config(self) -> dict[str, Any]:
        """Give the configuration with which the format's own tool believes these services."""
        signing = {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {**signing, "rekorTlogConfig": {"selector": "ANY"}, "tsaConfig": {"selector": "ANY"}},
        }

    def keep(self, cache: Path) -> None:
        """Write the root of trust to where the sigstore package keeps that of the public services."""
        folder = cache / "tuf" / quote("https://tuf-repo-cdn.sigstore.dev", safe="")
        folder.mkdir(parents=True)
        (folder / "trusted_root.json").write_text(json.dumps(self.trusted_root()))

    def _entry(self, body: bytes, seconds: int) -> dict[str, Any]:
        """Take a signature into the log, as the first of two."""
        neighbour = hashlib.sha256(b"\0another entry").digest()
        root = hashlib.sha256(b"\1" + hashlib.sha256(b"\0" + body).digest() + neighbour).digest()
        log = self.signatures
        told = {"body": _b64(body), "integratedTime": seconds, "logID": log.id.hex(), "logIndex": 7}
        note = f"signatures.sigstore.example - 1\n2\n{_b64(root)}\n"
        mark = _b64(log.id[:4] + log.sign(note.encode()))
        return {
            "logIndex": "7",
            "logId": {"keyId": _b64(log.id)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(seconds),
            "inclusionPromise": {"signedEntryTimestamp": _b64(log.sign(_canonical(told)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _b64(root),
                "treeSize": "2",
                "hashes": [_b64(neighbour)],
                "checkpoint": {"envelope": f"{note}\n\u2014 signatures.sigstore.example {mark}\n"},
            },
            "canonicalizedBody": _b64(body),
        }

    def _leaf(self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str, log: Log) -> x509.Certificate:
        draft = (
            _builder(key, x509.Name([]), self.issuer.subject, self._issuer_key, MADE, MADE + _MINUTES)
            .add_extension(_usage(signing=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(identity)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(_ISSUER, issuer.encode()), critical=False)
            .add_extension(x509.UnrecognizedExtension(_ISSUER_AS_TEXT, _der(0x0C, issuer.encode())), critical=False)
        )
        seen = draft.sign(self._issuer_key, hashes.SHA384()).tbs_certificate_bytes
        stamps = x509.UnrecognizedExtension(_STAMPS, _der(0x04, self._stamps(seen, log)))
        return draft.add_extension(stamps, critical=False).sign(self._issuer_key, hashes.SHA384())

    def _stamps(self, seen: bytes, log: Log) -> bytes:
        """Let a log say when it saw a certificate (RFC 6962, sections 3.2 and 3.3)."""
        public = self._issuer_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        milliseconds = int(MADE.timestamp() * 1000)
        entry = hashlib.sha256(public).digest() + len(seen).to_bytes(3) + seen
        signature = log.sign(struct.pack("!BBQH", 0, 0, milliseconds, 1) + entry + b"\0\0")
        stamp = struct.pack("!B32sQHBBH", 0, log.id, milliseconds, 0, 4, 3, len(signature)) + signature
        return struct.pack("!HH", len(stamp) + 2, len(stamp)) + stamp

    def _authority(
        self, name: str, key: ec.EllipticCurvePrivateKey, above: str, above_key: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        decade = MADE - timedelta(days=500), MADE + timedelta(days=3650)
        return (
            _builder(key, _name(name), _name(above), above_key, *decade)
            .add_extension(_usage(signing=False), critical=True)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(above_key, hashes.SHA384())
        )


def _entry_body(payload: bytes, signature: bytes, certificate: x509.Certificate) -> dict[str, Any]:
    verifier = _b64(certificate.public_bytes(Encoding.PEM))
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(signature).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": _b64(signature), "verifier": verifier}],
        },
    }


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signing: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only")
    return x509.KeyUsage(
        digital_signature=signing,
        key_cert_sign=not signing,
        crl_sign=not signing,
        decipher_only=False,
        **dict.fromkeys(others, False),
    )


def _builder(
    key: ec.EllipticCurvePrivateKey,
    subject: x509.Name,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
