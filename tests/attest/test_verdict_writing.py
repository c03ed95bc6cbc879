"""Verdicts in a folder: all or nothing, for us, for other verifiers and for a platform's own signing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.dsse import Envelope as OtherEnvelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from gatekeeper import attest
from gatekeeper.errors import InputError, SigningError
from gatekeeper.signing import parse_bundle, verify_bundle
from tests.support.attestations import scanned
from tests.support.signing import key_pair
from tests.support.verdicts import FILES, attestation, lay_out, refused, report_digest, statements

ALICE = key_pair("alice")
UNSIGNED = {"verdict.intoto.jsonl", "predicate.json", "vsa-predicate.json", "subjects.sha256"}
SIGNED = UNSIGNED | {"verdict.vsa.sigstore.json", "verdict.decision.sigstore.json"}


def written(folder: Path, signer: Any = ALICE.signer, about: Any = None) -> dict[str, Path]:
    about = about or attestation()
    return attest.write(about, folder, signer, report_sha256=report_digest(about))


def test_a_signed_verdict_is_these_files(tmp_path: Path) -> None:
    paths = written(tmp_path / "made" / "new")
    assert set(paths) == {path.name for path in (tmp_path / "made" / "new").iterdir()} == SIGNED


def test_an_unsigned_one_has_no_bundles_and_leaves_none_of_an_older_one(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("stays")
    written(tmp_path)
    written(tmp_path, signer=None)
    assert {path.name for path in tmp_path.iterdir()} == UNSIGNED | {"mine.txt"}
    for line in (tmp_path / "verdict.intoto.jsonl").read_bytes().splitlines():
        assert json.loads(line)["signatures"] == []


def test_another_library_verifies_the_envelopes(tmp_path: Path) -> None:
    path = written(tmp_path)["verdict.intoto.jsonl"]
    key = SSlibKey(ALICE.public_key.key_id, "ecdsa", "ecdsa-sha2-nistp256", {"public": ALICE.public.decode()})
    for line in path.read_text().splitlines():
        envelope = OtherEnvelope.from_dict(json.loads(line))
        assert set(envelope.verify([key], 1)) == {key.keyid}
        envelope.payload += b" "
        with pytest.raises(VerificationError):
            envelope.verify([key], 1)


def test_the_bundles_hold_the_same_statements(tmp_path: Path) -> None:
    paths = written(tmp_path)
    payloads = [json.loads(line)["payload"] for line in paths["verdict.intoto.jsonl"].read_text().splitlines()]
    for name, payload in zip(("vsa", "decision"), payloads, strict=True):
        data = paths[f"verdict.{name}.sigstore.json"].read_bytes()
        bundle = parse_bundle(data)
        assert verify_bundle(bundle, [ALICE.public_key]) == ALICE.public_key
        assert json.loads(data)["dsseEnvelope"]["payload"] == payload


def test_a_platform_gets_the_predicates_and_checksums(tmp_path: Path) -> None:
    paths = written(tmp_path)
    summary, decision = statements(attestation())
    assert json.loads(paths["vsa-predicate.json"].read_bytes()) == summary.predicate
    assert json.loads(paths["predicate.json"].read_bytes()) == decision.predicate
    model = lay_out(tmp_path / "model")
    ran = subprocess.run(
        ["sha256sum", "--check", "--strict", str(paths["subjects.sha256"])],
        cwd=model, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == len(FILES)


@pytest.mark.parametrize("about", [scanned(), attestation(subject={"metadata_only": True})], ids=["scan", "metadata"])
def test_without_digests_nothing_is_written(about: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no verdict to write"):
        written(tmp_path / "none", about=about)
    assert not (tmp_path / "none").exists()


class Broken:
    """A signer whose second signature fails."""

    key_id = ALICE.signer.key_id
    public_key = ALICE.public_key

    def __init__(self) -> None:
        self.calls = 0

    def sign(self, message: bytes) -> bytes:
        self.calls += 1
        if self.calls > 1:
            raise SigningError("the token was pulled out")
        return ALICE.signer.sign(message)


def test_a_signer_that_fails_leaves_the_old_verdict_whole(tmp_path: Path) -> None:
    written(tmp_path, about=refused())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SigningError, match="pulled out"):
        written(tmp_path, signer=Broken())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_a_file_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="could not write the verdict"):
        written(tmp_path / "file" / "below")


def test_what_is_not_written_is_removed(tmp_path: Path) -> None:
    written(tmp_path)
    attest.remove(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_same_attestation_gives_the_same_statements(tmp_path: Path) -> None:
    first, second = (written(tmp_path / name, signer=None) for name in ("one", "two"))
    assert {name: path.read_bytes() for name, path in first.items()} == {
        name: path.read_bytes() for name, path in second.items()
    }
