"""Private keys sealed with a password, at a cost that guessing it feels.

The library's own encryption of PKCS#8 stretches a password with 2,048 rounds and lets nobody ask for more. So the
structure is put together here (RFC 8018, PBES2; RFC 5958, EncryptedPrivateKeyInfo), in what every OpenSSL and the
library itself read: PBKDF2 with HMAC-SHA256, AES-256 in CBC mode.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import textwrap

ROUNDS = 600_000
"""Rounds of PBKDF2; as OWASP's Password Storage Cheat Sheet advises for SHA-256. About 0.2 s."""

_SEQUENCE, _INTEGER, _OCTETS, _IDENTIFIER = 0x30, 0x02, 0x04, 0x06
_NULL = b"\x05\x00"
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_PBKDF2 = bytes.fromhex("2a864886f70d01050c")
_HMAC_SHA256 = bytes.fromhex("2a864886f70d0209")
_AES_256_CBC = bytes.fromhex("60864801650304012a")
_BLOCK_BYTES = 16


def seal(private: bytes, password: bytes) -> bytes:
    """Encrypt a private key.

    Args:
        private: PrivateKeyInfo, DER.
        password: Not empty.

    Returns:
        PEM, `ENCRYPTED PRIVATE KEY`.
    """
    salt, start = secrets.token_bytes(_BLOCK_BYTES), secrets.token_bytes(_BLOCK_BYTES)
    key = hashlib.pbkdf2_hmac("sha256", password, salt, ROUNDS, dklen=32)
    stretching = _sequence(
        _part(_IDENTIFIER, _PBKDF2),
        _sequence(
            _part(_OCTETS, salt), _part(_INTEGER, _number(ROUNDS)), _sequence(_part(_IDENTIFIER, _HMAC_SHA256), _NULL)
        ),
    )
    cipher = _sequence(_part(_IDENTIFIER, _AES_256_CBC), _part(_OCTETS, start))
    algorithm = _sequence(_part(_IDENTIFIER, _PBES2), _sequence(stretching, cipher))
    sealed = _sequence(algorithm, _part(_OCTETS, _encrypt(private, key, start)))
    body = textwrap.fill(base64.b64encode(sealed).decode("ascii"), 64)
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{body}\n-----END ENCRYPTED PRIVATE KEY-----\n".encode("ascii")


def _encrypt(data: bytes, key: bytes, start: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    padder = PKCS7(_BLOCK_BYTES * 8).padder()
    padded = padder.update(data) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    return encryptor.update(padded) + encryptor.finalize()


def _sequence(*parts: bytes) -> bytes:
    return _part(_SEQUENCE, b"".join(parts))


def _part(tag: int, content: bytes) -> bytes:
    """Write one value in DER (X.690, 8.1): tag, length, content."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _number(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1)
