"""`gatekeeper sign` writes what model_signing accepts, or nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from model_signing import hashing, verifying

from gatekeeper.cli.sign import command
from gatekeeper.errors import InputError
from gatekeeper.signing import parse_bundle, parse_statement
from gatekeeper.signing.oms import parse_manifest
from tests.support.oms import model
from tests.support.signing import Authority, key_pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return model(tmp_path, 30)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return key_pair().write(tmp_path)[0]


def sign(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(each) for each in arguments], catch_exceptions=True)


def oracle(folder: Path, **verifier) -> None:
    links = verifier.pop("links", False)
    config = getattr(verifying.Config(), verifier.pop("by"))(**verifier)
    config.set_hashing_config(hashing.Config().set_ignored_paths(paths=["model.sig"]).set_allow_symlinks(links)).verify(
        folder, folder / "model.sig"
    )


def test_model_signing_accepts_a_key(folder: Path, key: Path) -> None:
    (folder / ".gitattributes").write_bytes(b"* -text\n")
    ran = sign(folder, "--key", key)
    assert ran.exit_code == 0, ran.output
    assert "30 files" in ran.stdout
    assert key_pair().signer.key_id in ran.stdout
    oracle(folder, by="use_elliptic_key_verifier", public_key=key.with_suffix(".pub"))
    (folder / "config.json").write_bytes(b"[]")
    with pytest.raises(ValueError, match="Hash mismatch"):
        oracle(folder, by="use_elliptic_key_verifier", public_key=key.with_suffix(".pub"))


def test_model_signings_own_command_accepts_it(folder: Path, key: Path) -> None:
    assert sign(folder, "--key", key, "--format", "json").exit_code == 0
    arguments = ["--signature", str(folder / "model.sig"), "--public_key", str(key.with_suffix(".pub"))]
    ran = subprocess.run(
        [sys.executable, "-m", "model_signing", "verify", "key", str(folder), *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


def test_model_signing_accepts_certificates(folder: Path, tmp_path: Path) -> None:
    issued = Authority().valid()
    key, chain, root = (tmp_path / name for name in ("leaf.key", "chain.pem", "root.pem"))
    key.write_bytes(issued.key_pem)
    key.chmod(0o600)
    chain.write_bytes(issued.certificate_pem + issued.chain_pem)
    root.write_bytes(issued.root_pem)
    ran = sign(folder, "--key", key, "--certificate-chain", chain, "--format", "json")
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["certificates"] == 3
    oracle(folder, by="use_certificate_verifier", certificate_chain=[root])
    root.write_bytes(Authority().valid().root_pem)
    with pytest.raises(Exception, match="certificate"):
        oracle(folder, by="use_certificate_verifier", certificate_chain=[root])


def test_a_chain_of_another_key_is_refused(folder: Path, key: Path, tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(Authority().valid().certificate_pem)
    ran = sign(folder, "--key", key, "--certificate-chain", chain)
    assert isinstance(ran.exception, InputError)
    assert not (folder / "model.sig").exists()


def test_a_signature_is_replaced_with_force_alone(folder: Path, key: Path) -> None:
    (folder / "model.sig").write_bytes(b"old")
    assert "exists already" in str(sign(folder, "--key", key).exception)
    assert (folder / "model.sig").read_bytes() == b"old"
    assert sign(folder, "--key", key, "--force").exit_code == 0
    oracle(folder, by="use_elliptic_key_verifier", public_key=key.with_suffix(".pub"))


def test_a_link_in_place_of_the_signature_is_replaced_not_followed(folder: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"mine")
    (folder / "model.sig").symlink_to(tmp_path / "victim")
    assert "exists already" in str(sign(folder, "--key", key).exception)
    assert sign(folder, "--key", key, "--force").exit_code == 0
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not (folder / "model.sig").is_symlink()


def _link_out(folder: Path) -> None:
    (folder / "escape.bin").symlink_to("/etc/hostname")


def _records(folder: Path) -> None:
    (folder / ".cache" / "huggingface").mkdir(parents=True)


def _case(folder: Path) -> None:
    (folder / "CONFIG.json").write_bytes(b"{}")


@pytest.mark.parametrize(
    ("make_odd", "words"),
    [(_link_out, "escape.bin"), (_records, "records of the Hub's client"), (_case, "can't be signed")],
)
def test_odd_folders_are_refused(folder: Path, key: Path, make_odd, words: str) -> None:
    make_odd(folder)
    ran = sign(folder, "--key", key)
    assert isinstance(ran.exception, InputError)
    assert words in ran.exception.message
    assert not (folder / "model.sig").exists()


def test_links_inside_are_followed_and_said(folder: Path, key: Path) -> None:
    (folder / "alias.json").symlink_to("config.json")
    assert sign(folder, "--key", key).exit_code == 0
    payload = parse_bundle((folder / "model.sig").read_bytes()).envelope.payload
    assert parse_manifest(parse_statement(payload)).follows_links
    oracle(folder, by="use_elliptic_key_verifier", public_key=key.with_suffix(".pub"), links=True)


def test_without_a_key_nothing_is_written(folder: Path) -> None:
    ran = sign(folder)
    assert isinstance(ran.exception, InputError)
    assert "nothing to sign with" in ran.exception.message


def test_a_folder_of_nothing_but_gits_files_is_refused(tmp_path: Path, key: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / ".gitignore").write_bytes(b"x")
    assert isinstance(sign(empty, "--key", key).exception, InputError)
