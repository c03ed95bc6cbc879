"""Keys are of one kind; everything else that people have lying about is told apart, and no secret is ever shown."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gatekeeper.errors import InputError
from gatekeeper.redaction import redact
from gatekeeper.signing import (
    PUBLISHER_CURVES,
    PasswordError,
    generate,
    load_public_key,
    load_signer,
    open_to_others,
    read_public_key,
)
from gatekeeper.signing.sealed_key import ROUNDS
from tests.support.signing import Authority, key_pair

ALICE = key_pair("alice")
P256 = load_pem_private_key(ALICE.private, None)
assert isinstance(P256, ec.EllipticCurvePrivateKey)
OTHERS = {
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "DSA": dsa.generate_private_key(1024),
}


def pem(key: object, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    data = key.private_bytes(Encoding.PEM, form, NoEncryption())  # type: ignore[attr-defined]
    assert isinstance(data, bytes)
    return data


def public_pem(key: object) -> bytes:
    data = key.public_key().public_bytes(  # type: ignore[attr-defined]
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    assert isinstance(data, bytes)
    return data


def load(data: bytes, folder: Path, password: bytes | None = None) -> object:
    path = folder / "the.key"
    path.write_bytes(data)
    return load_signer(str(path), password=password)


def test_a_key_is_named_by_the_digest_of_its_pem() -> None:
    assert ALICE.public_key.key_id == hashlib.sha256(ALICE.public).hexdigest()
    assert ALICE.public_key.pem.encode() == ALICE.public
    assert ALICE.signer.key_id == ALICE.public_key.key_id


def test_one_key_has_one_name_however_it_is_written() -> None:
    windows = ALICE.public.replace(b"\n", b"\r\n")
    commented = b"key of the release team\n" + ALICE.public + b"\n\n"
    for data in (windows, commented, ALICE.public.decode()):
        assert load_public_key(data) == ALICE.public_key
    point = P256.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    packed = subprocess.run(
        ["openssl", "pkey", "-pubin", "-inform", "DER"], input=der, capture_output=True, check=True
    ).stdout
    assert load_public_key(packed) == ALICE.public_key


@pytest.mark.parametrize("kind", OTHERS)
def test_keys_of_other_kinds_are_refused_by_their_kind(kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=kind):
        load_public_key(public_pem(OTHERS[kind]))
    with pytest.raises(InputError, match=kind):
        load(pem(OTHERS[kind]), tmp_path)
    with pytest.raises(InputError):
        load(
            pem(OTHERS[kind], PrivateFormat.TraditionalOpenSSL if kind != "Ed25519" else PrivateFormat.OpenSSH),
            tmp_path,
        )


def test_publishers_may_use_larger_curves_each_with_its_hash() -> None:
    from cryptography.hazmat.primitives import hashes

    for curve, algorithm in ((ec.SECP384R1(), hashes.SHA384()), (ec.SECP521R1(), hashes.SHA512())):
        private = ec.generate_private_key(curve)
        key = load_public_key(public_pem(private), curves=PUBLISHER_CURVES)
        assert key.verify(b"message", private.sign(b"message", ec.ECDSA(algorithm)))
        assert not key.verify(b"message", private.sign(b"message", ec.ECDSA(hashes.SHA256())))
        assert not key.verify(b"massage", private.sign(b"message", ec.ECDSA(algorithm)))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no PEM block"),
        (b"hello", "no PEM block"),
        (ALICE.private, "a private key"),
        (pem(P256, PrivateFormat.TraditionalOpenSSL), "a private key"),
        (Authority().valid().certificate_pem, "a certificate"),
        (OTHERS["RSA"].public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1), "an RSA key"),
        (P256.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), "OpenSSH"),
        (P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "binary"),
        (ALICE.public * 2, "2 PEM blocks"),
        (ALICE.public.replace(b"M", b"-", 1), "damaged"),
        (ALICE.public[:100] + b"\n-----END PUBLIC KEY-----\n", "damaged"),
        (ALICE.public + b" " * 70_000, "key_bytes"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n", "PGP PUBLIC KEY BLOCK"),
        ("-----BEGIN PUBLIC KEY-----\né", "binary"),
        ("-----BEGIN PUBLIC KEY-----\n\ud800", "binary"),
    ],
    ids=range(15),
)
def test_what_is_no_public_key_is_told_apart(data: bytes | str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        load_public_key(data)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no PEM block"),
        (ALICE.public, "a public key"),
        (Authority().valid().certificate_pem, "a certificate"),
        (pem(P256, PrivateFormat.OpenSSH), "OpenSSH"),
        (P256.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), "binary"),
        (ALICE.private * 2, "2 PEM blocks"),
        (ALICE.private[:100] + b"\n-----END PRIVATE KEY-----\n", "damaged"),
        (ALICE.private + b"#" * 70_000, "key_bytes"),
    ],
    ids=range(8),
)
def test_what_is_no_private_key_is_told_apart_by_its_path(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said) as caught:
        load(data, tmp_path)
    assert caught.value.message.startswith(str(tmp_path / "the.key"))


def test_keys_as_openssl_writes_them_are_taken(tmp_path: Path) -> None:
    made = subprocess.run(
        ["openssl", "ecparam", "-genkey", "-name", "prime256v1"], capture_output=True, check=True
    ).stdout
    assert made.count(b"-----BEGIN") == 2
    load(made, tmp_path)
    legacy = ["openssl", "ec", "-aes128", "-passout", "pass:word"]
    load(subprocess.run(legacy, input=made, capture_output=True, check=True).stdout, tmp_path, b"word")
    load(P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")), tmp_path, b"word")


def test_an_encrypted_key_needs_its_password(tmp_path: Path) -> None:
    private, public = generate(b"correct horse")
    assert private.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(PasswordError, match="encrypted"):
        load(private, tmp_path)
    with pytest.raises(PasswordError, match="encrypted"):
        load(private, tmp_path, b"")
    with pytest.raises(InputError, match="decrypted") as caught:
        load(private, tmp_path, b"battery staple")
    assert "battery" not in repr(caught.value)
    assert caught.value.__cause__ is None
    signer = load_signer(str(tmp_path / "the.key"), password=b"correct horse")
    assert signer.public_key == load_public_key(public)
    assert signer.public_key.verify(b"x", signer.sign(b"x"))


def test_openssl_reads_a_sealed_key_and_finds_its_rounds(tmp_path: Path) -> None:
    private, public = generate(b"correct horse")
    told = ["openssl", "pkey", "-passin", "pass:correct horse", "-pubout"]
    assert subprocess.run(told, input=private, capture_output=True, check=True).stdout == public
    parsed = subprocess.run(["openssl", "asn1parse"], input=private, capture_output=True, check=True, text=False).stdout
    assert f"{ROUNDS:X}".encode() in parsed
    for word in (b"PBES2", b"PBKDF2", b"hmacWithSHA256", b"aes-256-cbc"):
        assert word in parsed


def test_a_password_for_a_key_that_needs_none_is_not_looked_at(tmp_path: Path) -> None:
    load(ALICE.private, tmp_path, b"anything")


def test_a_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", ALICE.private.decode())
    assert load_signer("env:SOME_KEY").key_id == ALICE.public_key.key_id
    monkeypatch.setenv("SOME_KEY", " \n")
    with pytest.raises(InputError, match="SOME_KEY, which is empty"):
        load_signer("env:SOME_KEY")
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(InputError, match="SOME_KEY, which is not set"):
        load_signer("env:SOME_KEY")
    monkeypatch.setenv("SOME_KEY", "hunter2hunter2hunter2")
    with pytest.raises(InputError, match="env:SOME_KEY: a private key in PEM was expected") as caught:
        load_signer("env:SOME_KEY")
    assert "hunter2" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("source", ["", "/nowhere/key", "/", "a\0b", "env:", "env:A\0B"])
def test_a_source_that_holds_no_key_is_an_input_error(source: str) -> None:
    with pytest.raises(InputError):
        load_signer(source)


def test_a_public_key_is_read_from_a_file_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.pub"
    path.write_bytes(ALICE.public)
    assert read_public_key(path) == ALICE.public_key
    path.write_bytes(ALICE.private)
    with pytest.raises(InputError, match=r"a\.pub: this is a private key"):
        read_public_key(path)
    for missing in (tmp_path / "none", tmp_path, Path("a\0b")):
        with pytest.raises(InputError, match="can't be read"):
            read_public_key(missing)


def test_no_secret_is_shown(tmp_path: Path) -> None:
    private, _ = generate()
    signer = load(private, tmp_path)
    assert isinstance(signer, object)
    secret = [line for line in private.decode().splitlines() if not line.startswith("-")]
    assert not any(line in repr(signer) for line in secret)
    shown = redact(f"it said: {private.decode()}")
    assert not any(line in shown for line in secret)


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
def test_a_key_open_to_everybody_is_told(tmp_path: Path) -> None:
    path, _ = ALICE.write(tmp_path)
    for mode, expected in ((0o600, False), (0o640, False), (0o644, True), (0o602, True)):
        path.chmod(mode)
        assert open_to_others(str(path)) is expected
    assert not open_to_others("env:PATH")
    assert not open_to_others(str(tmp_path / "none"))
    assert not open_to_others(str(tmp_path))
