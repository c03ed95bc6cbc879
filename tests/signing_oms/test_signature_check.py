"""`provenance/signature`: what the deployer is told, and which facts the policy gets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.artifact import Artifact, ExcludedFile
from gatekeeper.checks.provenance.signature import Signature
from gatekeeper.decision import Action
from gatekeeper.evidence import CheckResult, Hazard, Status
from gatekeeper.gate import gate
from gatekeeper.limits import Limits
from gatekeeper.policy import load
from gatekeeper.signers import TrustedSigner
from gatekeeper.signing.oms import manifest_of
from tests.support.hub_artifacts import CONTEXT, file, hub, run, slugs
from tests.support.oms import bundle, by_key, by_root, model, opened, plain, sign_as_oracle, signed, statement
from tests.support.signing import NOW, Authority, key_pair

WEIGHTS, CONFIG, CARD = file("model.safetensors", b"weights"), file("config.json", b"{}"), file("README.md", b"# it")
FILES = (WEIGHTS, CONFIG, CARD)
GOOD = bundle(plain(*FILES))


def judged(*files, signature: bytes = GOOD, signers: tuple[TrustedSigner, ...] = (by_key(),), **changes) -> CheckResult:
    artifact = plain(*(files or FILES), file("model.sig", signature), **changes)
    return run(Signature(), artifact, replace(CONTEXT, now=NOW, signers=signers))


def of(artifact: Artifact, *signers: TrustedSigner) -> CheckResult:
    return run(Signature(), artifact, replace(CONTEXT, now=NOW, signers=signers))


def facts(result: CheckResult) -> tuple[object, ...]:
    return tuple(result.facts[name] for name in ("signature.status", "signature.trusted", "signature.signer"))


def test_without_a_signature_there_is_nothing_to_do() -> None:
    result = of(plain(*FILES), by_key())
    assert (result.status, facts(result)) == (Status.NOT_APPLICABLE, ("none", False, ""))


def test_a_trusted_signer_of_exactly_these_files() -> None:
    result = judged()
    assert (result.status, slugs(result), facts(result)) == (Status.PASS, [], ("valid", True, "acme"))


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        ((WEIGHTS, CARD, file("config.json", b"[]")), "changed-file"),
        ((WEIGHTS, CARD), "missing-signed-file"),
        ((*FILES, file("added.py", b"")), "extra-unsigned-file"),
        ((WEIGHTS, CARD, file("Config.json", b"{}")), "extra-unsigned-file"),
    ],
)
def test_other_files_are_tampering(files, rule: str) -> None:
    result = judged(*files)
    assert rule in slugs(result)
    assert {finding.hazard for finding in result.findings} == {Hazard.TAMPERED}
    assert (result.status, facts(result)) == (Status.FAIL, ("invalid", False, ""))


def test_a_flipped_byte_in_what_a_trusted_key_signed_is_tampering() -> None:
    document = json.loads(GOOD)
    document["dsseEnvelope"]["payload"] = json.loads(bundle(plain(WEIGHTS)))["dsseEnvelope"]["payload"]
    result = judged(WEIGHTS, signature=json.dumps(document).encode())
    assert (slugs(result), facts(result)) == (["invalid"], ("invalid", False, ""))
    assert result.findings[0].hazard is Hazard.TAMPERED


def test_a_signer_whom_nobody_trusts_is_unknown_and_never_valid() -> None:
    for signers in ((), (by_key(key_pair("bob")),), (by_root(Authority().valid().root_pem),)):
        result = judged(signers=signers)
        assert (result.status, slugs(result)) == (Status.PASS, ["unknown-signer"])
        assert facts(result) == ("unknown", False, "")


def test_an_unknown_signers_list_that_does_not_fit_is_told() -> None:
    result = judged(WEIGHTS, file("config.json", b"[]"), signers=())
    assert slugs(result) == ["unknown-signer", "unknown-differs"]
    assert "1 more file" in result.findings[1].message
    assert facts(result) == ("unknown", False, "")


def test_a_signer_for_another_publisher_is_not_trusted_here() -> None:
    files = (*FILES, file("model.sig", GOOD))
    result = of(hub(files=files), by_key(publishers=("globex",)))
    assert (slugs(result), facts(result)) == (["other-publisher"], ("valid", False, "acme"))
    assert "globex" in result.findings[0].message
    assert facts(of(hub(files=files), by_key(publishers=("globex", "Acme-Models")))) == ("valid", True, "acme")
    both = (by_key(name="elsewhere", publishers=("globex",)), by_key(name="here", publishers=("acme-models",)))
    assert facts(of(hub(files=files), *both)) == ("valid", True, "here")


def test_a_folder_claims_no_publisher() -> None:
    assert facts(judged(signers=(by_key(publishers=("globex",)),))) == ("valid", True, "acme")


def test_an_ignore_list_may_not_cover_what_a_loader_reads() -> None:
    manifest = replace(
        manifest_of("tiny", [("config.json", CONFIG.sha256 or "")], follows_links=False),
        ignored=("model.safetensors", "README.md"),
    )
    signature = signed(json.dumps(statement(manifest)).encode())
    result = judged(signature=signature)
    assert sorted(slugs(result)) == ["ignores-files", "ignores-loadable"]
    assert facts(result) == ("unknown", False, "")
    without = judged(CONFIG, CARD, signature=signature)
    assert (slugs(without), facts(without)) == (["ignores-files"], ("valid", True, "acme"))


def test_what_the_user_left_out_is_told_and_no_tampering() -> None:
    left_out = (ExcludedFile(path="README.md", size=4),)
    result = judged(WEIGHTS, CONFIG, exclude=("README.md",), excluded=left_out)
    assert (result.status, slugs(result), facts(result)) == (Status.PASS, ["not-covered"], ("valid", True, "acme"))


def test_a_signature_that_was_left_out_is_unknown() -> None:
    left_out = (ExcludedFile(path="model.sig", size=4),)
    result = of(plain(*FILES, exclude=("*.sig",), excluded=left_out), by_key())
    assert (result.status, facts(result)) == (Status.UNKNOWN, ("unknown", False, ""))


def test_metadata_alone_is_unknown() -> None:
    result = judged(metadata_only=True)
    assert (result.status, facts(result)) == (Status.UNKNOWN, ("unknown", False, ""))


@pytest.mark.parametrize("signature", [b"", b"{}", b"\x88\x5e\x04", GOOD + b"x", GOOD[:-1], b'{"mediaType": 4}'])
def test_what_can_not_be_read_is_suspicious(signature: bytes) -> None:
    for signers in ((by_key(),), ()):
        result = judged(signature=signature, signers=signers)
        assert (slugs(result), facts(result)) == (["unreadable"], ("unknown", False, ""))
        assert result.findings[0].hazard is Hazard.SUSPICIOUS


def test_a_signature_that_is_too_large_is_not_parsed() -> None:
    artifact = plain(*FILES, file("model.sig", GOOD))
    small = replace(CONTEXT, limits=Limits(publisher_signature_bytes=len(GOOD) - 1), signers=(by_key(),))
    result = run(Signature(), artifact, small)
    assert (slugs(result), facts(result)) == (["unreadable"], ("unknown", False, ""))
    assert "publisher_signature_bytes" in result.findings[0].message


def _altered(change) -> bytes:
    document = json.loads(GOOD)
    change(document["dsseEnvelope"])
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        (lambda envelope: envelope["signatures"].append(envelope["signatures"][0]), "unreadable", "2 signatures"),
        (lambda envelope: envelope["signatures"].clear(), "unreadable", "not signed"),
        (lambda envelope: envelope["signatures"][0].update(alg="none"), "unreadable", "algorithm"),
        (lambda envelope: envelope["signatures"][0].update(sig="AAAA"), "unreadable", "ECDSA"),
        (lambda envelope: envelope.update(payloadType="text/plain"), "other-format", "text/plain"),
    ],
)
def test_each_bad_bundle_has_its_own_words(change, rule: str, words: str) -> None:
    result = judged(signature=_altered(change))
    assert slugs(result) == [rule]
    assert words in result.findings[0].message
    assert facts(result) == ("unknown", False, "")


def test_another_statement_is_not_a_models_signature() -> None:
    document = statement(manifest_of("tiny", [], follows_links=False), predicateType="https://slsa.dev/provenance/v1")
    for signers in ((by_key(),), ()):
        result = judged(signature=signed(json.dumps(document).encode()), signers=signers)
        assert (slugs(result), facts(result)) == (["other-format"], ("unknown", False, ""))


def test_what_version_0_2_wrote_is_said_to_be_that() -> None:
    document = statement(
        manifest_of("tiny", [], follows_links=False), predicateType="https://model_signing/Digests/v0.1"
    )
    result = judged(signature=_resigned(document))
    assert slugs(result) == ["other-format"]
    assert "model_signing 0.2" in result.findings[0].message


def _resigned(document) -> bytes:
    """Signed as 0.2 did: over other bytes than DSSE says."""
    bent = json.loads(signed(json.dumps(document).encode()))
    bent["dsseEnvelope"]["signatures"] = json.loads(GOOD)["dsseEnvelope"]["signatures"]
    return json.dumps(bent).encode()


@pytest.mark.parametrize(
    ("issued", "rule", "status"),
    [
        ("valid", None, "valid"),
        ("expired", "outdated-certificate", "unknown"),
        ("not_yet", "outdated-certificate", "unknown"),
        ("without_code_signing", "refused-certificate", "unknown"),
        ("without_usage", "refused-certificate", "unknown"),
    ],
)
def test_certificates(tmp_path: Path, issued: str, rule: str | None, status: str) -> None:
    folder, made = model(tmp_path), getattr(Authority(), issued)()
    sign_as_oracle(folder, made)
    with opened(folder) as artifact:
        result = of(artifact, by_root(made.root_pem))
        assert slugs(result) == ([rule] if rule else [])
        assert facts(result)[0] == status
        assert slugs(of(artifact, by_root(Authority().valid().root_pem))) == ["unknown-signer"]


def test_a_key_in_the_policy_that_is_none_is_unknown_with_the_signers_name() -> None:
    result = judged(signers=(TrustedSigner(name="acme", key="hello"),))
    assert (result.status, facts(result)) == (Status.UNKNOWN, ("unknown", False, ""))
    assert "signer acme" in result.reason


def test_signatures_of_other_formats_are_mentioned() -> None:
    result = of(plain(*FILES, file("weights.sigstore.json"), file("sub/model.sig")), by_key())
    assert (slugs(result), facts(result)) == (["other-format"] * 2, ("none", False, ""))


def test_many_added_files_make_few_findings() -> None:
    result = judged(*FILES, *(file(f"x/{number}", b"x") for number in range(300)))
    assert len(result.findings) == 51
    assert "250 more files" in result.findings[-1].message


def test_hostile_names_are_shown_harmlessly() -> None:
    result = judged(*FILES, file("a\x1b[2J\u202e.bin", b"x"))
    assert "\x1b" not in result.findings[0].message
    assert "\u202e" not in result.findings[0].message


def test_a_snapshot_of_links_is_as_good_as_its_files(tmp_path: Path) -> None:
    folder = model(tmp_path)
    sign_as_oracle(folder, key_pair())
    (folder / "config.json").rename(folder / "onnx" / "real.json")
    (folder / "config.json").symlink_to("onnx/real.json")
    with opened(folder, exclude=["onnx/real.json"]) as artifact:
        assert facts(of(artifact, by_key())) == ("valid", True, "acme")


def test_a_signature_reaches_the_decision(tmp_path: Path) -> None:
    """From a signed folder to the verdict: tampering ends in discard, whatever else is said."""
    folder = model(tmp_path)
    sign_as_oracle(folder, key_pair())
    policy = replace(load(), signers=(by_key(),))
    held = gate(str(folder), policy)
    facts_of = {result.check.id: result.facts for result in held.results}["provenance/signature"]
    assert facts_of == {"signature.status": "valid", "signature.trusted": True, "signature.signer": "acme"}
    assert held.decision is not None
    assert held.decision.row != "bytes-differ"
    (folder / "config.json").write_bytes(b'{"model_type": "gpt2"}')
    altered = gate(str(folder), policy).decision
    assert altered is not None
    assert (altered.action, altered.row) == (Action.DISCARD, "bytes-differ")
