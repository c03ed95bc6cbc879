"""Keys in a policy: read when it loads, part of its digest, and every wrong one has a place."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent

import jsonschema
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatekeeper.errors import PolicyError
from gatekeeper.policy import json_schema, lint, load
from gatekeeper.signers import Approver, TrustedSigner
from tests.support.signing import Authority, key_pair

Write = Callable[..., Path]
BASE = "extends: default\n"
ANA, BOB = key_pair("ana").public_key.pem, key_pair("bob").public_key.pem


def public(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


P384 = public(ec.generate_private_key(ec.SECP384R1()))
K256 = public(ec.generate_private_key(ec.SECP256K1()))
ED25519 = public(ed25519.Ed25519PrivateKey.generate())


def block(pem: str) -> str:
    """Write PEM as YAML, below a key of an entry of a list."""
    return "|\n" + indent(pem, "      ")


def approver(name: str, pem: str) -> str:
    return f"  - name: {name}\n    key: {block(pem)}"


def refused(path: Path) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        load(path)
    return caught.value


def test_nobody_is_listed_by_default() -> None:
    assert (load().signers, load().approvers) == ((), ())
    assert (load().thresholds.approval_max_days, load("strict").thresholds.approval_max_days) == (90, 30)


def test_each_way_to_know_a_signer(write: Write, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "bob.pub").write_text(BOB)
    certificate = Authority().valid().root_pem.decode()
    (tmp_path / "ca.pem").write_text(certificate * 2)
    policy = load(
        write(
            BASE
            + f"signers:\n  - name: inline\n    key: {block(P384)}    publishers: [acme, abc]\n"
            + "  - {name: beside, key: {file: keys/bob.pub}}\n"
            + "  - {name: chain, certificates: {file: ca.pem}}\n"
            + "  - {name: keyless, identity: ci@acme.org, issuer: 'https://accounts.example'}\n"
            + "approvers:\n"
            + approver("ana", ANA)
        )
    )
    assert policy.signers == (
        TrustedSigner(name="inline", key=P384, publishers=("abc", "acme")),
        TrustedSigner(name="beside", key=BOB),
        TrustedSigner(name="chain", certificates=certificate * 2),
        TrustedSigner(name="keyless", identity="ci@acme.org", issuer="https://accounts.example"),
    )
    assert policy.approvers == (Approver(name="ana", key=ANA),)


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("signers:\n  - {name: a}\n", 6, "exactly one of key, certificates and identity, not none"),
        (f"signers:\n  - name: a\n    identity: x\n    key: {block(ANA)}", 6, "not key and identity"),
        ("signers:\n  - {name: a, identity: x}\n", 6, "identity and issuer go together"),
        (f"signers:\n  - name: a\n    issuer: https://x\n    key: {block(ANA)}", 6, "identity and issuer go together"),
        ("signers:\n  - {name: a, identity: x, issuer: http://x}\n", 6, "https:// address"),
        ("signers:\n  - {name: a, identity: x, issuer: https://x, publishers: [a/b]}\n", 6, "without a repo"),
        ("signers:\n  - {name: a, ky: x}\n", 6, "unknown key `ky`"),
        ("signers:\n  - {key: x}\n", 6, "`name` is missing"),
        ('signers:\n  - {name: "a\\u200b", identity: x, issuer: https://x}\n', 6, "can't be seen"),
        ("signers:\n  - {name: 'a ', identity: x, issuer: https://x}\n", 6, "can't be seen"),
        ("signers:\n  - {name: a, identity: x, issuer: https://x}\n  - {name: a, key: x}\n", 7, "stands twice"),
        ("signers:\n  - {name: a, key: nothing}\n", 6, "no PEM block"),
        (f"signers:\n  - name: a\n    key: {block(ED25519)}", 7, "Ed25519"),
        (f"signers:\n  - name: a\n    key: {block(K256)}", 7, "secp256k1"),
        (f"signers:\n  - name: a\n    key: {block(ANA * 2)}", 7, "2 PEM blocks"),
        (f"signers:\n  - name: a\n    key: {block(ANA.replace('MFk', 'MFl'))}", 7, "damaged"),
        ("signers:\n  - {name: a, key: {file: missing.pub}}\n", 6, "missing.pub' can't be read: no such file"),
        ("signers:\n  - {name: a, key: {file: .}}\n", 6, "not a regular file"),
        ("signers:\n  - {name: a, key: {fil: x}}\n", 6, "unknown key `fil`"),
        ("signers:\n  - {name: a, key: {}}\n", 6, "give the PEM itself"),
        ("signers:\n  - {name: a, key: {file: mine.yaml, pem: x}}\n", 6, "give the PEM itself"),
        ("signers:\n  - {name: a, key: 5}\n", 6, "valid"),
        (f"signers:\n  - name: a\n    certificates: {block(ANA)}", 7, "PEM of PUBLIC KEY"),
        ("signers:\n  - {name: a, certificates: x}\n", 6, "no PEM block"),
        (
            "signers:\n  - name: a\n    certificates: |\n"
            "      -----BEGIN CERTIFICATE-----\n      QUJD\n      -----END CERTIFICATE-----\n",
            7,
            "damaged",
        ),
        ("approvers:\n  - {name: a}\n", 6, "`key` is missing"),
        (f"approvers:\n{approver('a', P384)}", 7, "P-384; P-256 was expected"),
        (f"approvers:\n{approver('a', ANA)}{approver('a', BOB)}", 12, "stands twice"),
        (f"approvers:\n{approver('a', key_pair('ana').private.decode())}", 7, "a private key"),
    ],
)
def test_each_mistake_has_a_place_and_words(body: str, line: int, words: str, write: Write) -> None:
    error = refused(write(BASE + body))
    assert words in str(error)
    assert (error.line, error.column > 0) == (line, True)
    assert "PRIVATE" not in str(error).replace("private", "")


def test_the_bytes_of_a_named_file_are_in_the_digest(write: Write, tmp_path: Path) -> None:
    body = BASE + "approvers:\n  - {name: ana, key: {file: a.pub}}\n  - {name: bob, key: {file: b.pub}}\n"
    digests = set()
    for first, second in ((ANA, BOB), (BOB, ANA), (ANA, ANA + "\n"), (ANA, BOB + "\n")):
        (tmp_path / "a.pub").write_text(first)
        (tmp_path / "b.pub").write_text(second)
        digests.add(load(write(body)).digest)
    assert len(digests) == 4


def test_a_policy_over_another_adds_and_replaces_by_name(write: Write, tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.pub").write_text(ANA)
    write(
        BASE + "approvers:\n  - {name: ana, key: {file: a.pub}}\n  - {name: eve, key: {file: a.pub}}\n", "below/b.yaml"
    )
    assert [each.name for each in load(tmp_path / "below" / "b.yaml").approvers] == ["ana", "eve"]
    over = load(write("extends: below/b.yaml\napprovers:\n" + approver("ana", BOB) + approver("zoe", BOB)))
    assert over.approvers == (
        Approver(name="ana", key=BOB),
        Approver(name="eve", key=ANA),
        Approver(name="zoe", key=BOB),
    )
    before = over.digest
    (tmp_path / "below" / "a.pub").write_text(ANA + "\n")
    assert load(tmp_path / "mine.yaml").digest != before


def test_lint_remarks_on_keys_that_are_shared(write: Write) -> None:
    policy = load(
        write(
            BASE
            + f"signers:\n  - name: acme\n    key: {block(ANA)}approvers:\n"
            + approver("ana", ANA)
            + approver("anna", ANA)
        )
    )
    remarks = lint(policy, now=datetime(2026, 11, 23, tzinfo=UTC))
    assert [remark.rule for remark in remarks] == ["double-key", "signer-approves", "signer-approves"]


def test_the_published_schema_says_the_same(write: Write) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())

    def fits(body: str) -> bool:
        return validator.is_valid(yaml.safe_load("apiVersion: gatekeeper/v1\nkind: Policy\nname: mine\n" + body))

    assert fits("approvers:\n" + approver("ana", ANA) + "  - {name: bob, key: {file: bob.pub}}\n")
    assert not fits("approvers:\n  - {name: bob, key: {fil: bob.pub}}\n")
    assert not fits("approvers:\n  - {name: bob}\n")
    assert not fits("signers:\n  - {name: bob, issuer: ftp://x}\n")
