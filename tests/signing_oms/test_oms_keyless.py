"""Keyless signatures, on a real one: nobody can make another that holds without Sigstore's own services.

`tests/support/keyless/model.sig` is `scripts/tests/v1.0.0-sigstore/model.sig` of sigstore/model-transparency
(Apache License 2.0), over two files of eight bytes each.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.checks.provenance.signature import Signature
from gatekeeper.errors import SignatureError
from gatekeeper.evidence import CheckResult, Status
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing import parse_bundle
from gatekeeper.signing.oms_verify import verify_model_signature
from tests.support.hub_artifacts import CONTEXT, file, run, slugs
from tests.support.oms import by_key, plain
from tests.support.signing import NOW

DATA = (Path(__file__).parents[1] / "support" / "keyless" / "model.sig").read_bytes()
FILES = (file("signme-1", b"signme-1"), file("signme-2", b"signme-2"), file("model.sig", DATA))


def _identity() -> str:
    """Give the e-mail address in the certificate."""
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(parse_bundle(DATA).certificates[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return str(names.get_values_for_type(x509.RFC822Name)[0])


SIGNER = TrustedSigner(name="acme", identity=_identity(), issuer="https://sigstore.verify.ibm.com/oauth2")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("it asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def judged(*signers: TrustedSigner, files=FILES) -> CheckResult:
    return run(Signature(), plain(*files), replace(CONTEXT, now=NOW, signers=signers))


def refusal(change: Any) -> str:
    document = json.loads(DATA)
    change(document)
    with pytest.raises(SignatureError) as refused:
        verify_model_signature(json.dumps(document).encode(), [SIGNER], NOW)
    return refused.value.refusal


def test_a_trusted_identity_holds_long_after_its_certificate_ended() -> None:
    result = judged(by_key(), SIGNER)
    assert (result.status, slugs(result)) == (Status.PASS, [])
    assert result.facts == {"signature.status": "valid", "signature.trusted": True, "signature.signer": "acme"}


def test_another_file_is_tampering() -> None:
    result = judged(SIGNER, files=(file("signme-1", b"signme-!"), *FILES[1:]))
    assert (slugs(result), result.facts["signature.status"]) == (["changed-file"], "invalid")


@pytest.mark.parametrize(
    "signers",
    [(), (by_key(),), (replace(SIGNER, identity="eve@example.org"),), (replace(SIGNER, issuer="https://example.org"),)],
)
def test_somebody_else_is_unknown(signers: tuple[TrustedSigner, ...]) -> None:
    result = judged(*signers)
    assert (slugs(result), result.facts["signature.status"]) == (["unknown-signer"], "unknown")
    assert SIGNER.identity in result.findings[0].message


def _payload(document: Any) -> None:
    payload = bytearray(base64.b64decode(document["dsseEnvelope"]["payload"]))
    payload[-4] ^= 1
    document["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()


def _log(document: Any) -> dict[str, Any]:
    entry: dict[str, Any] = document["verificationMaterial"]["tlogEntries"][0]
    return entry


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_payload, "bad-signature"),
        (lambda document: _log(document).update(integratedTime="1"), "unproven"),
        (lambda document: _log(document)["inclusionProof"].update(logIndex="1"), "unproven"),
        (lambda document: document["verificationMaterial"].update(tlogEntries=[]), "malformed"),
        (lambda document: document["dsseEnvelope"]["signatures"].clear(), "no-signature"),
    ],
)
def test_what_does_not_hold_is_refused(change, expected: str) -> None:
    assert refusal(change) == expected


def test_without_the_extra_it_is_unknown_and_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sigstore", "sigstore.models", "sigstore.verify"):
        monkeypatch.setitem(sys.modules, name, None)
    result = judged(SIGNER)
    assert (result.status, result.facts["signature.status"]) == (Status.UNKNOWN, "unknown")
    assert "gatekeeper-models[sigstore]" in result.reason


def test_an_identity_without_its_issuer_is_a_mistake_of_the_policy() -> None:
    """The library would take any provider's word for it."""
    result = judged(replace(SIGNER, issuer=""))
    assert (result.status, result.facts["signature.status"]) == (Status.UNKNOWN, "unknown")
    assert "no issuer" in result.reason


def test_a_stranger_is_refused_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sigstore", "sigstore.models", "sigstore.verify"):
        monkeypatch.setitem(sys.modules, name, None)
    assert slugs(judged(by_key())) == ["unknown-signer"]


def test_without_a_place_for_its_roots_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/proc/none")
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    monkeypatch.setenv("HOME", "/proc/none")
    result = judged(SIGNER)
    assert (result.status, slugs(result)) == (Status.UNKNOWN, [])
    assert "roots of trust" in result.reason


@pytest.mark.parametrize("roots", [b"", b"{", b"{}", b"[]", b"\xff"])
def test_with_roots_that_can_not_be_read_it_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, roots: bytes
) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert judged(SIGNER).status is Status.PASS
    (kept,) = tmp_path.rglob("https*sigstore.dev/trusted_root.json")
    kept.write_bytes(roots)
    result = judged(SIGNER)
    assert (result.status, slugs(result)) == (Status.UNKNOWN, [])
    assert "roots of trust" in result.reason


def test_the_certificate_alone_is_not_enough() -> None:
    """Passed off as one of a chain, its few minutes are over and its root is nobody's."""

    def relabel(document: Any) -> None:
        material = document["verificationMaterial"]
        document["verificationMaterial"] = {"x509CertificateChain": {"certificates": [material["certificate"]]}}

    assert refusal(relabel) == "other-key"
