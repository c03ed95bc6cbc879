"""Keyless signatures, by services in memory: what holds, what misses by one thing, and what the library can't do."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import platformdirs
import pytest

from gatekeeper.checks.provenance.signature import Signature
from gatekeeper.errors import SignatureError
from gatekeeper.evidence import CheckResult, Status
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing import statement_json
from gatekeeper.signing.oms import manifest_of, statement_of
from gatekeeper.signing.oms_verify import verify_model_signature
from tests.support.hub_artifacts import CONTEXT, file, run, slugs
from tests.support.keyless import MADE, Log, Services
from tests.support.oms import by_key, plain
from tests.support.signing import NOW

SIGNER = TrustedSigner(name="acme", identity="release@acme.example", issuer="https://accounts.example/oauth2")
SERVICES = Services()
CONTENT = {"signme-1": b"signme-1", "signme-2": b"signme-2"}
DIGESTS = [(name, hashlib.sha256(data).hexdigest()) for name, data in CONTENT.items()]
PAYLOAD = statement_json(statement_of(manifest_of("tiny", DIGESTS, follows_links=False)))


def bundle(**missing: Any) -> bytes:
    return SERVICES.sign(PAYLOAD, **{"identity": SIGNER.identity, "issuer": SIGNER.issuer, **missing})


DATA = bundle()
FILES = (*(file(name, data) for name, data in CONTENT.items()), file("model.sig", DATA))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the library find our services where it keeps the public ones."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    SERVICES.keep(Path(platformdirs.user_cache_dir("sigstore-python", "sigstore")))
    return tmp_path


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
    return refused(json.dumps(document).encode())


def refused(data: bytes) -> str:
    with pytest.raises(SignatureError) as error:
        verify_model_signature(data, [SIGNER], NOW)
    return error.value.refusal


def test_a_trusted_identity_holds_long_after_its_certificate_ended() -> None:
    result = judged(by_key(), SIGNER)
    assert (result.status, slugs(result)) == (Status.PASS, [])
    assert result.facts == {"signature.status": "valid", "signature.trusted": True, "signature.signer": "acme"}


def test_the_tool_of_the_format_believes_the_same_bundle(tmp_path: Path) -> None:
    """So what the services in memory give is what real ones give."""
    from model_signing import verifying

    folder, config = tmp_path / "tiny", tmp_path / "trust.json"
    folder.mkdir()
    for each in FILES:
        (folder / each.path).write_bytes(CONTENT.get(str(each.path), DATA))
    config.write_text(json.dumps(SERVICES.trust_config()))
    verifying.Config().use_sigstore_verifier(
        identity=SIGNER.identity, oidc_issuer=SIGNER.issuer, trust_config=config
    ).verify(folder, folder / "model.sig")


@pytest.mark.parametrize(
    "missing",
    [
        {"testified_by": Log.at("https://certificates.other.example")},
        {"logged_at": MADE - timedelta(seconds=1)},
        {"logged_at": MADE + timedelta(hours=1)},
        {"logged": b"another statement"},
    ],
    ids=["certificate-in-no-log", "logged-too-early", "logged-too-late", "entry-of-another-statement"],
)
def test_a_bundle_that_misses_by_one_thing_is_not_believed(missing: dict[str, Any]) -> None:
    assert refused(bundle(**missing)) == "unproven"


def test_other_services_are_not_believed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The public ones, which are shipped with the library, have never heard of ours."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "empty"))
    monkeypatch.setenv("HOME", str(home / "empty"))
    assert refused(DATA) == "unproven"
    result = judged(SIGNER)
    assert result.facts["signature.status"] != "valid"


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
def test_with_roots_that_can_not_be_read_it_is_unknown(home: Path, roots: bytes) -> None:
    assert judged(SIGNER).status is Status.PASS
    (kept,) = home.rglob("https*sigstore.dev/trusted_root.json")
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
