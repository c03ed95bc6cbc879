"""`gatekeeper audit-report`: good input becomes two files, bad input none and a message that names the file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper import report
from gatekeeper.artifact import artifact_digest
from gatekeeper.attest import VERDICT_FILE, statements
from gatekeeper.attestation import Attestation
from gatekeeper.cli.main import cli
from gatekeeper.errors import GatekeeperError
from gatekeeper.limits import Limits
from gatekeeper.signing import envelope_json, sign, statement_json, unsigned
from tests.support.attestations import allowed, discarded
from tests.support.fleets import digest_of, one_each
from tests.support.locks import lock_of
from tests.support.signing import key_pair

AS_OF = ("--now", "2026-12-01", "--quiet")


def _put(folder: Path, attestations: Mapping[str, Attestation]) -> Path:
    for name, attestation in attestations.items():
        report.write(attestation, folder / name, ["json"])
    return folder


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["audit-report", *map(str, arguments)], standalone_mode=False)


def _refused(result: Result, told: str) -> None:
    assert isinstance(result.exception, GatekeeperError)
    assert result.exception.exit_code == 2
    assert told in result.exception.message


def _audit(out: Path) -> report.AuditReport:
    return report.from_audit_json((out / "audit.json").read_bytes())


def test_folders_and_files_become_one_report(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports" / "deep", one_each())
    loose = report.write_one(allowed(), tmp_path / "loose.json")["json"]
    out = tmp_path / "out"
    result = _run(folder.parent, loose, loose, "--out", out, *AS_OF)
    assert result.exit_code == 0, result.output
    audit = _audit(out)
    assert {each.digest for each in audit.reports} == {digest_of(each) for each in (*one_each().values(), allowed())}
    assert (out / "audit.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert "4 models attested although the verdict is not allow" in result.output
    assert sorted(path.name for path in out.iterdir()) == ["audit.html", "audit.json"]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", one_each())
    for out in ("one", "two"):
        assert _run(folder, "--out", tmp_path / out, *AS_OF).exit_code == 0
    for name in ("audit.html", "audit.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_an_earlier_report_is_compared_with(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", {"a": allowed()})
    assert _run(folder, "--out", tmp_path / "one", *AS_OF).exit_code == 0
    _put(folder, {"b": discarded()})
    since = tmp_path / "one" / "audit.json"
    assert _run(folder, "--out", tmp_path / "two", "--since", since, *AS_OF).exit_code == 0
    changes = _audit(tmp_path / "two").changes
    assert changes
    assert changes.new == (discarded().subject.name,)


def test_the_lock_says_what_is_deployed(tmp_path: Path) -> None:
    from gatekeeper import lockfile

    subject = allowed().subject
    digest = artifact_digest((file.path, file.sha256) for file in subject.files)
    deployed = replace(allowed(), subject=replace(subject, digest=digest))
    folder = _put(tmp_path / "reports", {"a": deployed, "b": discarded()})
    path = tmp_path / "gatekeeper.lock"
    lockfile.write(path, lock_of(deployed))
    assert _run(folder, "--lock", path, "--out", tmp_path / "out", *AS_OF).exit_code == 0
    audit = _audit(tmp_path / "out")
    assert audit.lock
    assert [model.name for model in audit.fleet] == [allowed().subject.name]


@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b"{}", b"\xff", b'{"schema_version": "9.0"}'])
def test_a_bad_report_is_named_and_nothing_is_written(tmp_path: Path, spoilt: bytes) -> None:
    folder = _put(tmp_path / "reports", one_each())
    (folder / "bad").mkdir()
    (folder / "bad" / "report.json").write_bytes(spoilt)
    out = tmp_path / "out"
    _refused(_run(folder, "--out", out, *AS_OF), str(folder / "bad" / "report.json"))
    assert not out.exists()


def test_bad_places_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _refused(_run(tmp_path / "empty", *AS_OF), "holds no report.json")
    _refused(_run(tmp_path / "nowhere", *AS_OF), "nowhere can't be read")


def test_links_in_folders_are_not_followed(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", {"a": allowed()})
    outside = _put(tmp_path / "outside", {"b": discarded()})
    (folder / "link").symlink_to(outside, target_is_directory=True)
    (folder / "circle").symlink_to(folder, target_is_directory=True)
    (folder / "c").mkdir()
    (folder / "c" / "report.json").symlink_to(outside / "b" / "report.json")
    assert report.find([folder]) == (folder / "a" / "report.json",)


def test_the_walk_is_bounded(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", one_each())
    with pytest.raises(GatekeeperError, match="audit_reports"):
        report.find([folder], Limits(audit_reports=3))
    with pytest.raises(GatekeeperError, match="audit_entries"):
        report.find([folder], Limits(audit_entries=4))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--now", "yesterday"), "--now"),
        (("--now", "2026-02-30"), "--now"),
        (("--max-age", "-1"), "--max-age"),
        (("--max-age", "ninety"), "--max-age"),
        (("--since", "{folder}/a/report.json"), "report.json: not a gatekeeper report"),
        (("--since", "{folder}/none.json"), "none.json can't be read"),
        (("--key", "{folder}/a/report.json"), "report.json"),
    ],
)
def test_bad_options_are_refused(tmp_path: Path, arguments: tuple[str, str], told: str) -> None:
    folder = _put(tmp_path / "reports", {"a": allowed()})
    given = [each.format(folder=folder) for each in arguments]
    _refused(_run(folder, "--out", tmp_path / "out", "--quiet", *given), told)
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_no_folder_leaves_nothing(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", {"a": allowed()})
    (tmp_path / "file").write_text("mine")
    _refused(_run(folder, "--out", tmp_path / "file" / "out", *AS_OF), "could not write")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_can_not_be_listed_is_no_folder_without_reports(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", {"a": allowed()})
    (folder / "locked").mkdir(mode=0)
    _refused(_run(folder, *AS_OF), "can't be read")


def _true(attestation: Attestation) -> Attestation:
    """Give it the digest that its files have, without which nothing can be stated of it."""
    digest = artifact_digest((file.path, file.sha256) for file in attestation.subject.files)
    return replace(attestation, subject=replace(attestation.subject, digest=digest))


GOOD, OTHER = _true(allowed()), _true(discarded())


def _verdict(attestation: Attestation, signers: tuple[str, ...] = ("alice", "alice")) -> bytes:
    envelopes = []
    for made, name in zip(statements(attestation, report_sha256=digest_of(attestation)), signers, strict=True):
        payload = statement_json(made)
        envelopes.append(sign(payload, key_pair(name).signer) if name else unsigned(payload))
    return "".join(envelope_json(each) + "\n" for each in envelopes).encode()


def _signed(tmp_path: Path, verdict: bytes, *, keys: tuple[str, ...] = ("alice",)) -> report.SignedState:
    folder = _put(tmp_path / "reports", {"a": GOOD})
    (folder / "a" / VERDICT_FILE).write_bytes(verdict)
    given = [argument for name in keys for argument in ("--key", key_pair(name).write(tmp_path, name)[1])]
    result = _run(folder, "--out", tmp_path / "out", *given, *AS_OF)
    assert result.exit_code == 0, result.exception
    return _audit(tmp_path / "out").reports[0].signed


def test_a_verdict_is_verified_with_any_of_the_keys(tmp_path: Path) -> None:
    state = _signed(tmp_path, _verdict(GOOD), keys=("bob", "alice"))
    assert state.state is report.SignatureState.VERIFIED
    assert state.key_id == key_pair("alice").public_key.key_id


def test_without_a_key_a_signature_is_told_and_not_believed(tmp_path: Path) -> None:
    state = _signed(tmp_path, _verdict(GOOD), keys=())
    assert state.state is report.SignatureState.UNVERIFIED


@pytest.mark.parametrize("keys", [(), ("alice",)])
def test_an_unsigned_verdict_is_unsigned(tmp_path: Path, keys: tuple[str, ...]) -> None:
    state = _signed(tmp_path, _verdict(GOOD, ("", "")), keys=keys)
    assert state.state is report.SignatureState.UNSIGNED


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (_verdict(OTHER), "another report.json"),
        (_verdict(OTHER, ("", "")), "another report.json"),
        (_verdict(GOOD, ("bob", "bob")), "signed by the key"),
        (_verdict(GOOD, ("alice", "")), "only one of the two"),
        (_verdict(GOOD).splitlines()[1], "the summary is missing"),
        (_verdict(GOOD) + b"{}", "lacks"),
        (b"{}\n{}\n", "envelope"),
        (b"", "empty"),
        (b"\xff\n\xff\n", "envelope"),
    ],
    ids=["other", "other-unsigned", "key", "half", "short", "long", "empty-objects", "empty", "noise"],
)
def test_a_verdict_that_can_not_be_believed_is_refused_and_told(tmp_path: Path, verdict: bytes, told: str) -> None:
    state = _signed(tmp_path, verdict)
    assert state.state is report.SignatureState.REFUSED
    assert told in state.words


def test_two_signers_of_one_verdict_are_refused(tmp_path: Path) -> None:
    state = _signed(tmp_path, _verdict(GOOD, ("alice", "bob")), keys=("alice", "bob"))
    assert state.state is report.SignatureState.REFUSED


def test_a_changed_report_no_longer_has_its_verdict(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", {"a": replace(GOOD, not_checked=())})
    (folder / "a" / VERDICT_FILE).write_bytes(_verdict(GOOD))
    key = key_pair("alice").write(tmp_path, "alice")[1]
    assert _run(folder, "--out", tmp_path / "out", "--key", key, *AS_OF).exit_code == 0
    assert _audit(tmp_path / "out").reports[0].signed.state is report.SignatureState.REFUSED


def test_a_pipe_in_place_of_a_verdict_is_not_waited_for(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", {"a": GOOD})
    os.mkfifo(folder / "a" / VERDICT_FILE)
    _refused(_run(folder, "--out", tmp_path / "out", *AS_OF), "no regular file")


def test_no_verdict_is_absent_and_the_document_says_so(tmp_path: Path) -> None:
    folder = _put(tmp_path / "reports", {"a": GOOD})
    assert _run(folder, "--out", tmp_path / "out", *AS_OF).exit_code == 0
    document = json.loads((tmp_path / "out" / "audit.json").read_text("utf-8"))
    assert document["reports"][0]["signed"] == {"state": "absent", "key_id": "", "words": ""}
