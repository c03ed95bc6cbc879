"""model_signing, the format's own tool, and we accept each other's signatures, and refuse what the other refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import hashing, verifying

from gatekeeper.errors import SignatureError
from gatekeeper.signing.oms import parse_manifest, statement_of
from gatekeeper.signing.oms_files import DifferenceKind, differences
from gatekeeper.signing.oms_verify import Verified, verify_model_signature
from tests.support.oms import by_key, by_root, model, opened, sign_as_oracle
from tests.support.signing import NOW, Authority, key_pair


def kinds(folder: Path, verified: Verified) -> list[tuple[DifferenceKind, str]]:
    with opened(folder) as artifact:
        return [(each.kind, each.path) for each in differences(verified.manifest, artifact.files)]


def oracle_by_key(folder: Path) -> None:
    public = folder.parent / "oracle.pub"
    public.write_bytes(key_pair().public)
    config = verifying.Config().use_elliptic_key_verifier(public_key=public)
    config.set_hashing_config(hashing.Config().set_ignored_paths(paths=["model.sig"])).verify(
        folder, folder / "model.sig"
    )


@pytest.mark.parametrize("files", [6, 30])
def test_its_signature_by_a_key_holds_here(tmp_path: Path, files: int) -> None:
    folder = model(tmp_path, files)
    data = sign_as_oracle(folder, key_pair()).read_bytes()
    verified = verify_model_signature(data, [by_key(key_pair("bob"), name="bob"), by_key()], NOW)
    assert verified.signer.name == "acme"
    assert len(verified.manifest.files) == files
    assert kinds(folder, verified) == []


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_its_signature_by_a_certificate_holds_here(tmp_path: Path, curve: type[ec.EllipticCurve]) -> None:
    folder, issued = model(tmp_path), Authority(curve=curve).valid()
    data = sign_as_oracle(folder, issued).read_bytes()
    verified = verify_model_signature(
        data, [by_key(), by_root(Authority().valid().root_pem), by_root(issued.root_pem)], NOW
    )
    assert kinds(folder, verified) == []


def test_we_would_have_signed_the_same_statement(tmp_path: Path) -> None:
    folder = model(tmp_path, 30)
    data = sign_as_oracle(folder, key_pair()).read_bytes()
    manifest = verify_model_signature(data, [by_key()], NOW).manifest
    again = statement_of(manifest)
    assert parse_manifest(again) == manifest
    from gatekeeper.signing import parse_bundle, parse_statement

    theirs = parse_statement(parse_bundle(data).envelope.payload)
    assert again.subjects == theirs.subjects
    assert again.predicate["resources"] == theirs.predicate["resources"]


@pytest.mark.parametrize("algorithm", ["sha256", "blake2"])
@pytest.mark.parametrize("size", [1, 7, 1_000_000_000])
def test_slices_are_read_again_and_held(tmp_path: Path, algorithm: str, size: int) -> None:
    folder = model(tmp_path, 12)
    how = hashing.Config().use_shard_serialization(hashing_algorithm=algorithm, shard_size=size)
    data = sign_as_oracle(folder, key_pair(), how.set_ignored_paths(paths=["model.sig"])).read_bytes()
    verified = verify_model_signature(data, [by_key()], NOW)
    assert kinds(folder, verified) == []
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"]")
    assert kinds(folder, verified) == [(DifferenceKind.CHANGED, "model.safetensors")]
    weights.write_bytes(weights.read_bytes() + b" ")
    assert kinds(folder, verified) == [(DifferenceKind.CHANGED, "model.safetensors")]


@pytest.mark.parametrize("algorithm", ["blake2", "blake3"])
def test_other_hashes_of_whole_files(tmp_path: Path, algorithm: str) -> None:
    folder = model(tmp_path)
    how = hashing.Config().use_file_serialization(hashing_algorithm=algorithm)
    data = sign_as_oracle(folder, key_pair(), how.set_ignored_paths(paths=["model.sig"])).read_bytes()
    found = {kind for kind, _ in kinds(folder, verify_model_signature(data, [by_key()], NOW))}
    assert found == (set() if algorithm == "blake2" else {DifferenceKind.UNREAD})


def test_its_ignore_list_is_read_as_it_reads_it(tmp_path: Path) -> None:
    folder = model(tmp_path, 12)
    how = hashing.Config().set_ignored_paths(paths=["model.sig", "onnx/deep", "README.md"])
    data = sign_as_oracle(folder, key_pair(), how).read_bytes()
    found = kinds(folder, verify_model_signature(data, [by_key()], NOW))
    assert (DifferenceKind.OVERLOOKED, "README.md") in found
    ignored = [path for kind, path in found if kind is DifferenceKind.IGNORED]
    assert ignored == [f"onnx/deep/part-{number:02}.bin" for number in range(6)]


def _add(folder: Path) -> None:
    (folder / "onnx" / "added.bin").write_bytes(b"new")


def _remove(folder: Path) -> None:
    (folder / "config.json").unlink()


def _change(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"{}")


@pytest.mark.parametrize(
    ("alter", "kind"),
    [(_add, DifferenceKind.EXTRA), (_remove, DifferenceKind.MISSING), (_change, DifferenceKind.CHANGED)],
)
def test_what_it_refuses_we_refuse(tmp_path: Path, alter, kind: DifferenceKind) -> None:
    folder = model(tmp_path)
    data = sign_as_oracle(folder, key_pair()).read_bytes()
    oracle_by_key(folder)
    alter(folder)
    with pytest.raises(ValueError, match="Signature mismatch"):
        oracle_by_key(folder)
    found = kinds(folder, verify_model_signature(data, [by_key()], NOW))
    assert [each for each, _ in found] == [kind]


@pytest.mark.parametrize("name", [".gitattributes", ".gitignore", ".github/workflows/ci.yml"])
def test_files_of_git_are_nobodys_business(tmp_path: Path, name: str) -> None:
    folder = model(tmp_path)
    data = sign_as_oracle(folder, key_pair()).read_bytes()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"*.bin filter=lfs\n")
    oracle_by_key(folder)
    assert kinds(folder, verify_model_signature(data, [by_key()], NOW)) == []


def test_weights_hidden_among_them_are_seen(tmp_path: Path) -> None:
    folder = model(tmp_path)
    data = sign_as_oracle(folder, key_pair()).read_bytes()
    (folder / ".github").mkdir()
    (folder / ".github" / "model.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    oracle_by_key(folder)
    found = kinds(folder, verify_model_signature(data, [by_key()], NOW))
    assert found == [(DifferenceKind.IGNORED, ".github/model.safetensors")]


def test_a_bundle_without_its_null_key_id_is_the_same(tmp_path: Path) -> None:
    """model_signing 1.0 wrote `null` there, and no list of log entries."""
    folder = model(tmp_path)
    document = json.loads(sign_as_oracle(folder, key_pair()).read_bytes())
    document["dsseEnvelope"]["signatures"][0]["keyid"] = None
    del document["verificationMaterial"]["tlogEntries"]
    verified = verify_model_signature(json.dumps(document).encode(), [by_key()], NOW)
    assert kinds(folder, verified) == []


def test_another_key_is_another_key(tmp_path: Path) -> None:
    data = sign_as_oracle(model(tmp_path), key_pair()).read_bytes()
    with pytest.raises(SignatureError) as refused:
        verify_model_signature(data, [by_key(key_pair("bob"))], NOW)
    assert refused.value.refusal == "other-key"
