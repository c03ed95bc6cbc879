"""A certificate counts when it leads to a trusted root, is valid today and is for signing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gatekeeper.errors import InputError, SignatureError
from gatekeeper.signing import public_key_of
from gatekeeper.signing.certificates import certified_key, signing_chain
from tests.support.signing import NOW, Authority, Issued

AUTHORITY = Authority()
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def der(*certificates: x509.Certificate) -> tuple[bytes, ...]:
    return tuple(each.public_bytes(Encoding.DER) for each in certificates)


def chain(issued: Issued) -> tuple[bytes, ...]:
    return der(issued.certificate, *issued.chain)


def refusal(issued: Issued, roots: bytes | None = None) -> tuple[str, str]:
    with pytest.raises(SignatureError) as refused:
        certified_key(chain(issued), (roots or issued.root_pem).decode(), NOW)
    return refused.value.refusal, refused.value.message


def test_a_valid_one_gives_its_key() -> None:
    issued = AUTHORITY.valid()
    expected = public_key_of(issued.key.public_key())
    assert certified_key(chain(issued), issued.root_pem.decode(), NOW) == expected
    assert certified_key(chain(issued)[:2], issued.root_pem.decode(), NOW) == expected


def test_an_intermediate_may_be_what_is_trusted() -> None:
    issued = AUTHORITY.valid()
    pem = issued.chain[0].public_bytes(Encoding.PEM).decode()
    assert certified_key(chain(issued), pem, NOW) == public_key_of(issued.key.public_key())


def test_each_refusal_has_its_own_words() -> None:
    assert refusal(AUTHORITY.valid(), Authority().valid().root_pem)[1].endswith("leads to none of the trusted roots")
    assert "expired on" in refusal(AUTHORITY.expired())[1]
    assert "not valid before" in refusal(AUTHORITY.not_yet())[1]
    assert "not for signing code" in refusal(AUTHORITY.without_code_signing())[1]
    assert "not for digital signatures" in refusal(AUTHORITY.without_usage())[1]
    refusals = [refusal(each)[0] for each in (AUTHORITY.expired(), AUTHORITY.not_yet(), AUTHORITY.without_usage())]
    assert refusals == ["outdated", "outdated", "other-use"]


def test_an_expired_one_of_a_stranger_is_a_strangers() -> None:
    assert refusal(AUTHORITY.expired(), Authority().valid().root_pem)[0] == "other-key"


def test_a_chain_that_lacks_its_middle_leads_nowhere() -> None:
    issued = AUTHORITY.valid()
    with pytest.raises(SignatureError, match="leads to none"):
        certified_key(chain(issued)[:1], issued.root_pem.decode(), NOW)


def test_a_leaf_of_the_same_name_under_another_key_leads_nowhere() -> None:
    """Same issuer's name, another authority's key."""
    ours, theirs = Authority(), Authority()
    with pytest.raises(SignatureError, match="leads to none"):
        certified_key(chain(theirs.valid()), ours.valid().root_pem.decode(), NOW)


def test_bytes_that_are_no_certificate() -> None:
    issued = AUTHORITY.valid()
    for leaf in (b"", b"\x30\x00", chain(issued)[0][:-1], chain(issued)[0] + b"\0"):
        with pytest.raises(SignatureError) as refused:
            certified_key((leaf, *chain(issued)[1:]), issued.root_pem.decode(), NOW)
        assert refused.value.refusal == "malformed"


@pytest.mark.parametrize("roots", ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_roots_that_can_not_be_read_are_the_deployers(roots: str) -> None:
    with pytest.raises(InputError, match="trusted roots can't be read"):
        certified_key(chain(AUTHORITY.valid()), roots, NOW)


class Made:
    """A root, a middle and a leaf, to be bent one extension at a time."""

    def __init__(self) -> None:
        self.keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "middle", "leaf")}
        self.authority = [
            (x509.BasicConstraints(ca=True, path_length=None), True),
            (usage(key_cert_sign=True), True),
        ]
        self.signer = [(usage(digital_signature=True), True)]

    def chain(self, *, root=None, middle=None, leaf=None, key=None, days: int = 30) -> tuple[tuple[bytes, ...], str]:
        self.days = days
        made = [
            self._make("leaf", "middle", self.signer if leaf is None else leaf, key),
            self._make("middle", "root", self.authority if middle is None else middle),
            self._make("root", "root", self.authority if root is None else root),
        ]
        return der(*made[:2]), made[2].public_bytes(Encoding.PEM).decode()

    def _make(self, name: str, issuer: str, extensions, key=None) -> x509.Certificate:
        def common(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        builder = (
            x509.CertificateBuilder().subject_name(common(name)).issuer_name(common(issuer))
            .public_key((key or self.keys[name]).public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=60))
            .not_valid_after(NOW + timedelta(days=self.days if name == "middle" else 30))
        )  # fmt: skip
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.keys[issuer], hashes.SHA256())


def usage(**set_to: bool) -> x509.KeyUsage:
    fields = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
              "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**(dict.fromkeys(fields, False) | set_to))


MADE = Made()
TLS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


def test_the_plain_one_counts() -> None:
    given, roots = MADE.chain()
    assert certified_key(given, roots, NOW).curve == "secp256r1"


@pytest.mark.parametrize(
    ("bent", "words"),
    [
        ({"middle": []}, "leads to none"),
        ({"middle": [(x509.BasicConstraints(ca=False, path_length=None), True)]}, "leads to none"),
        ({"middle": [*MADE.authority[:1], (usage(digital_signature=True), True)]}, "leads to none"),
        ({"middle": [*MADE.authority, (UNKNOWN, True)]}, "leads to none"),
        ({"middle": [*MADE.authority, (TLS, False)]}, "leads to none"),
        ({"root": [(x509.BasicConstraints(ca=True, path_length=0), True), MADE.authority[1]]}, "leads to none"),
        ({"leaf": [*MADE.signer, (UNKNOWN, True)]}, "leads to none"),
        ({"leaf": []}, "says neither"),
        ({"leaf": [*MADE.signer, (TLS, False)]}, "not for signing code"),
        ({"days": -1}, "between that of .* outside its validity"),
        ({"key": rsa.generate_private_key(65537, 2048)}, "kind RSA"),
        ({"key": ec.generate_private_key(ec.SECP256K1())}, "curve secp256k1"),
    ],
    ids=lambda each: each if isinstance(each, str) else ",".join(each),
)
def test_one_bent_extension_is_enough(bent, words: str) -> None:
    given, roots = MADE.chain(**bent)
    with pytest.raises(SignatureError, match=words):
        certified_key(given, roots, NOW)


def test_signing_takes_its_own_certificate_first() -> None:
    issued = AUTHORITY.valid()
    key = public_key_of(issued.key.public_key())
    pem = issued.certificate_pem + issued.chain_pem
    assert signing_chain(pem, key, NOW) == chain(issued)
    for wrong, words in (
        (issued.chain_pem, "signs"),
        (AUTHORITY.valid().certificate_pem, "signs"),
        (AUTHORITY.without_usage().certificate_pem, "not for digital signatures"),
        (AUTHORITY.expired().certificate_pem, "expired"),
        (b"hello", "can't be read"),
        (issued.certificate_pem * 20, "more than 16"),
    ):
        with pytest.raises(InputError, match=words):
            signing_chain(wrong, key, NOW)
