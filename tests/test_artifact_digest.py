"""One definition of what an artifact's digest is, wherever one is computed."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from gatekeeper import attest
from gatekeeper.artifact import artifact_digest
from gatekeeper.errors import SignatureError
from gatekeeper.signing import envelope_json, statement_json, unsigned
from tests.support.hub_artifacts import file, hub, locked
from tests.support.locks import digest_of_files
from tests.support.verdicts import attestation, refused, sealed, sign_off, statements, verdict


def test_it_is_the_sha256_of_a_line_for_each_file() -> None:
    lines = f"{'1' * 64} a.bin\n{'2' * 64} sub/b.bin\n"
    assert artifact_digest([("a.bin", "1" * 64), ("sub/b.bin", "2" * 64)]) == hashlib.sha256(lines.encode()).hexdigest()


def test_a_name_that_is_no_unicode_counts_with_its_bytes() -> None:
    line = b"1" * 64 + b" caf\xe9.bin\n"
    assert artifact_digest([("caf\udce9.bin", "1" * 64)]) == hashlib.sha256(line).hexdigest()


def test_the_artifact_and_its_lock_have_the_same() -> None:
    artifact = hub(files=(file("a.b"), file("a/b")))
    assert artifact.digest == locked(artifact).digest == digest_of_files(locked(artifact).files)


def test_an_artifact_that_was_not_hashed_whole_has_none() -> None:
    artifact = hub(files=(file("a"), replace(file("b"), sha256=None)))
    assert artifact.digest == ""


def test_files_that_a_verdict_names_in_another_order_are_refused() -> None:
    shuffled = [replace(each, subjects=each.subjects[::-1]) for each in statements(attestation())]
    assert attest.read_verdict(verdict()).files == attest.read_verdict(sealed(*statements(attestation()))).files
    with pytest.raises(SignatureError, match="the digest of all files"):
        attest.read_verdict(sealed(*shuffled))


def test_files_that_an_approval_names_in_another_order_are_refused() -> None:
    about = refused()
    statement = attest.approval_statement(sign_off(about), about.subject.files)
    in_order = attest.read_approval(envelope_json(unsigned(statement_json(statement))).encode(), ())
    assert in_order.subject == f"sha256:{about.subject.digest}"
    shuffled = replace(statement, subjects=statement.subjects[::-1])
    with pytest.raises(SignatureError, match="not those of the artifact"):
        attest.read_approval(envelope_json(unsigned(statement_json(shuffled))).encode(), ())
