"""An approval is read back as it was written, or not at all."""

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.attest import approval_statement, read_approval, read_approvals
from gatekeeper.attestation import SubjectFile
from gatekeeper.decision import Action, Approval
from gatekeeper.errors import GatekeeperError, InputError, LimitError, Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signers import Approver
from gatekeeper.signing import (
    APPROVAL,
    DECISION,
    Statement,
    StatementSubject,
    envelope_json,
    sign,
    statement_json,
    unsigned,
)
from tests.support.signing import key_pair

FILES = tuple(SubjectFile(path=path, size=1, sha256=hashlib.sha256(path.encode()).hexdigest()) for path in ("a", "b/c"))
DIGEST = hashlib.sha256("".join(f"{file.sha256} {file.path}\n" for file in FILES).encode()).hexdigest()
APPROVAL_GIVEN = Approval(
    reference=f"acme/model@{'c' * 40}",
    subject=f"sha256:{DIGEST}",
    policy_digest=f"sha256:{'1' * 64}",
    action=Action.ESCALATE,
    row="suspicious",
    findings=("files/structure/broken", "provenance/licence/missing"),
    unknown=("files/coverage",),
    by="ana",
    reason="the code was read",
    ticket="SEC-88",
    created=date(2026, 11, 23),
    expires=date(2026, 12, 23),
)
ANA, BOB = key_pair("ana"), key_pair("bob")
APPROVERS = (
    Approver(name="bob", key=BOB.public_key.pem),
    Approver(name="ana", key=ANA.public_key.pem),
)
STATEMENT = approval_statement(APPROVAL_GIVEN, FILES)
SIGNED = envelope_json(sign(statement_json(STATEMENT), ANA.signer)).encode()
UNSIGNED = envelope_json(unsigned(statement_json(STATEMENT))).encode()


def read_from(data: bytes, signer: str = "") -> Approval:
    """What is read back: the approval, whose key signed, and which bytes it was."""
    return replace(APPROVAL_GIVEN, signer=signer, sha256=hashlib.sha256(data).hexdigest())


def said(**changes: Any) -> bytes:
    """Give an unsigned approval whose predicate says something else."""
    predicate = {name: value for name, value in {**STATEMENT.predicate, **changes}.items() if value is not ...}
    return envelope_json(unsigned(statement_json(replace(STATEMENT, predicate=predicate)))).encode()


def test_one_subject_for_each_file() -> None:
    assert [subject.name for subject in STATEMENT.subjects] == ["a", "b/c"]
    assert STATEMENT.predicate_type == APPROVAL


def test_it_is_read_back_with_the_name_of_whose_key_signed() -> None:
    assert read_approval(SIGNED, APPROVERS) == read_from(SIGNED, "ana")


def test_without_approvers_no_signature_is_held_against_anybody() -> None:
    assert read_approval(UNSIGNED, ()) == read_from(UNSIGNED)
    assert read_approval(SIGNED, ()) == read_from(SIGNED)


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (UNSIGNED, Refusal.NO_SIGNATURE),
        (envelope_json(sign(statement_json(STATEMENT), key_pair("eve").signer)).encode(), Refusal.OTHER_KEY),
        (
            SIGNED.replace(ANA.public_key.key_id.encode(), BOB.public_key.key_id.encode()),
            Refusal.BAD_SIGNATURE,
        ),
        (b"", Refusal.MALFORMED),
        (b"[]", Refusal.MALFORMED),
        (SIGNED[:-2], Refusal.MALFORMED),
        (SIGNED + b"{}", Refusal.MALFORMED),
        (SIGNED.replace(b'"payload":', b'"payload":"","payload":'), Refusal.MALFORMED),
    ],
)
def test_what_no_approver_signed_is_refused(data: bytes, refusal: Refusal) -> None:
    with pytest.raises(SignatureError) as caught:
        read_approval(data, APPROVERS)
    assert caught.value.refusal is refusal


def test_two_signatures_are_refused() -> None:
    envelope = json.loads(SIGNED)
    envelope["signatures"] *= 2
    for approvers in ((), APPROVERS):
        with pytest.raises(SignatureError) as caught:
            read_approval(json.dumps(envelope).encode(), approvers)
        assert caught.value.refusal is Refusal.SEVERAL_SIGNATURES


def test_another_statement_or_payload_is_no_approval() -> None:
    other = envelope_json(sign(statement_json(replace(STATEMENT, predicate_type=DECISION)), ANA.signer))
    typed = envelope_json(sign(statement_json(STATEMENT), ANA.signer, "text/plain"))
    for data in (other, typed):
        for approvers in ((), APPROVERS):
            with pytest.raises(SignatureError) as caught:
                read_approval(data.encode(), approvers)
            assert caught.value.refusal is Refusal.OTHER_TYPE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"by": ...}, "lacks 'by'"),
        ({"more": 1}, "unknown field 'more'"),
        ({"signer": "ana"}, "unknown field 'signer'"),
        ({"by": ""}, "by is empty"),
        ({"by": "  "}, "by is empty"),
        ({"by": 1}, "by is no text"),
        ({"by": "a\u202eb"}, "can't be seen"),
        ({"by": "a\nb"}, "can't be seen"),
        ({"reason": "x" * 501}, "more than 500"),
        ({"reason": None}, "no text"),
        ({"ticket": " "}, "ticket is empty"),
        ({"reference": ""}, "reference is empty"),
        ({"action": "allow"}, "can't be signed off"),
        ({"action": "discard"}, "can't be signed off"),
        ({"action": "AUDIT"}, "can't be signed off"),
        ({"row": "law:payload"}, "slug of a row"),
        ({"row": ""}, "slug of a row"),
        ({"artifactDigest": "d" * 64}, "64 digits"),
        ({"artifactDigest": f"sha256:{'0' * 64}"}, "not those of the artifact"),
        ({"policyDigest": f"sha256:{'A' * 64}"}, "64 digits"),
        ({"policyDigest": f"sha256:{'1' * 64}\n"}, "64 digits"),
        ({"created": "2026-11-31"}, "no day of the calendar"),
        ({"created": "20261123"}, "a day as"),
        ({"created": "2026-W48-1"}, "a day as"),
        ({"created": "2026-11-23T00:00"}, "a day as"),
        ({"expires": "٢٠٢٦-12-23"}, "a day as"),
        ({"expires": "2026-11-22"}, "before it was created"),
        ({"expires": 20261223}, "no text"),
        ({"findings": "files/structure/broken"}, "no list"),
        ({"findings": ["b/x", "a/x"]}, "not sorted"),
        ({"findings": ["a/x", "a/x"]}, "names one twice"),
        ({"findings": [1]}, "no id"),
        ({"findings": ["../x"]}, "no id"),
        ({"findings": ["a" * 101]}, "no id"),
        ({"unknown": [f"a/{number:04}" for number in range(2001)]}, "longer than 2000"),
        ({"unknown": {}}, "no list"),
    ],
)
def test_each_way_to_say_it_wrong_has_its_own_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SignatureError, match=words) as caught:
        read_approval(said(**changes), ())
    assert caught.value.refusal is Refusal.MALFORMED


@pytest.mark.parametrize(
    "subjects",
    [
        STATEMENT.subjects[:1],
        STATEMENT.subjects[::-1],
        (replace(STATEMENT.subjects[0], name="x"), STATEMENT.subjects[1]),
        (StatementSubject(name="a", digest={"sha256": "0" * 64}), STATEMENT.subjects[1]),
        (replace(STATEMENT.subjects[0], digest={"sha512": "0" * 128}), STATEMENT.subjects[1]),
        (replace(STATEMENT.subjects[0], digest={**STATEMENT.subjects[0].digest, "x": "0"}), STATEMENT.subjects[1]),
    ],
)
def test_subjects_that_are_not_the_artifact_are_refused(subjects: tuple[StatementSubject, ...]) -> None:
    with pytest.raises(SignatureError):
        read_approval(envelope_json(unsigned(statement_json(replace(STATEMENT, subjects=subjects)))).encode(), ())


def test_nothing_is_written_that_could_not_be_read_back() -> None:
    for wrong in (
        replace(APPROVAL_GIVEN, by=""),
        replace(APPROVAL_GIVEN, reason="a\x1b[2J"),
        replace(APPROVAL_GIVEN, action=Action.DISCARD),
        replace(APPROVAL_GIVEN, subject=f"sha256:{'0' * 64}"),
        replace(APPROVAL_GIVEN, findings=("b", "a")),
    ):
        with pytest.raises(InputError, match="signed off"):
            approval_statement(wrong, FILES)
    with pytest.raises(InputError):
        approval_statement(APPROVAL_GIVEN, FILES[:1])


MUTATIONS: list[Callable[[bytes, int, int], bytes]] = [
    lambda data, at, by: data[:at] + bytes([data[at] ^ (1 << by % 8)]) + data[at + 1 :],
    lambda data, at, by: data[:at] + data[at + 1 :],
    lambda data, at, by: data[:at] + data[at : at + 1] * 2 + data[at + 1 :],
    lambda data, at, by: data[:at] + bytes([by]) + data[at:],
    lambda data, at, by: data[:at],
    lambda data, at, by: data[:at] + bytes([by]) + data[at + 1 :],
]


@given(mutate=st.sampled_from(MUTATIONS), at=st.integers(0, len(SIGNED) - 1), by=st.integers(0, 255))
@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_byte_is_never_believed(mutate: Callable[[bytes, int, int], bytes], at: int, by: int) -> None:
    changed = mutate(SIGNED, at, by)
    try:
        read = read_approval(changed, APPROVERS)
    except GatekeeperError:
        return
    assert read == read_from(changed, "ana")
    assert json.loads(changed)["payload"] == json.loads(SIGNED)["payload"]


@given(mutate=st.sampled_from(MUTATIONS), at=st.integers(0, len(statement_json(STATEMENT)) - 1), by=st.integers(0, 255))
@settings(max_examples=500)
def test_a_changed_statement_under_the_old_signature_is_never_believed(
    mutate: Callable[[bytes, int, int], bytes], at: int, by: int
) -> None:
    payload = statement_json(STATEMENT)
    changed = mutate(payload, at, by)
    envelope = json.loads(SIGNED)
    envelope["payload"] = base64.b64encode(changed).decode()
    if changed != payload:
        with pytest.raises(GatekeeperError):
            read_approval(json.dumps(envelope).encode(), APPROVERS)


class TestFiles:
    """Folders and files of approvals."""

    def test_a_folder_gives_its_approvals_in_order_of_names(self, tmp_path: Path) -> None:
        for name in ("b.intoto.json", "a.intoto.json", "notes.txt", "report.json"):
            (tmp_path / name).write_bytes(SIGNED)
        (tmp_path / "below").mkdir()
        (tmp_path / "below" / "c.intoto.json").write_bytes(b"?")
        (tmp_path / "b.intoto.json").write_bytes(SIGNED + b"\n")
        read, disbelieved = read_approvals([tmp_path, tmp_path / "a.intoto.json"], APPROVERS)
        assert read == (read_from(SIGNED, "ana"), read_from(SIGNED + b"\n", "ana"))
        assert disbelieved == ()

    def test_an_empty_folder_has_none(self, tmp_path: Path) -> None:
        assert read_approvals([tmp_path], APPROVERS) == ((), ())

    @pytest.mark.parametrize("data", [b"", b"\xff", UNSIGNED, SIGNED[:-40], b"{" * 1000])
    def test_one_that_is_not_believed_is_told_in_a_folder_and_an_error_when_named(
        self, data: bytes, tmp_path: Path
    ) -> None:
        (tmp_path / "a.intoto.json").write_bytes(SIGNED)
        odd = tmp_path / "odd\u202e.intoto.json"
        odd.write_bytes(data)
        read, (disbelieved,) = read_approvals([tmp_path], APPROVERS)
        assert read == (read_from(SIGNED, "ana"),)
        assert disbelieved.file.endswith(r"odd\u202e.intoto.json")
        assert disbelieved.why.startswith("is not believed: ")
        for places in ([odd], [tmp_path, odd], [odd, tmp_path]):
            with pytest.raises(InputError, match=r"odd\\u202e\.intoto\.json is not believed") as caught:
                read_approvals(places, APPROVERS)
            assert caught.value.exit_code == 2
            assert caught.value.hint

    def test_a_key_that_can_not_be_used_is_no_fault_of_the_files(self, tmp_path: Path) -> None:
        (tmp_path / "a.intoto.json").write_bytes(SIGNED)
        with pytest.raises(InputError, match="public key"):
            read_approvals([tmp_path], [Approver(name="ana", key="none")])

    def test_what_can_not_be_read_is_named(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.intoto.json")
        (tmp_path / "folder.intoto.json").mkdir()
        (tmp_path / "nowhere.intoto.json").symlink_to(tmp_path / "missing")
        for name in ("pipe", "nowhere", "absent"):
            with pytest.raises(InputError, match=rf"{name}\.intoto\.json can't be read"):
                read_approvals([tmp_path / f"{name}.intoto.json"], ())
        read, disbelieved = read_approvals([tmp_path], ())
        assert (read, len(disbelieved)) == ((), 3)
        assert all(each.why.startswith("can't be read: ") for each in disbelieved)
        with pytest.raises(InputError, match="can't be read"):
            read_approvals([Path("a\0b")], ())

    def test_a_folder_is_bounded(self, tmp_path: Path) -> None:
        for number in range(DEFAULT_LIMITS.approval_files + 1):
            (tmp_path / f"{number}.intoto.json").touch()
        with pytest.raises(LimitError, match="approval_files"):
            read_approvals([tmp_path], ())

    def test_a_file_is_bounded(self, tmp_path: Path) -> None:
        path = tmp_path / "big.intoto.json"
        with path.open("wb") as file:
            file.truncate(DEFAULT_LIMITS.signed_bytes + 1)
        with pytest.raises(InputError, match="signed_bytes"):
            read_approvals([path], ())


def test_a_statement_is_what_in_toto_says() -> None:
    payload = base64.b64decode(json.loads(SIGNED)["payload"])
    document = json.loads(payload)
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == APPROVAL
    assert isinstance(STATEMENT, Statement)
    assert document["subject"] == [{"name": file.path, "digest": {"sha256": file.sha256}} for file in FILES]


def test_securesystemslib_accepts_the_envelope() -> None:
    dsse = pytest.importorskip("securesystemslib.dsse")
    signer = pytest.importorskip("securesystemslib.signer")
    envelope = dsse.Envelope.from_dict(json.loads(SIGNED))
    key = signer.SSlibKey(ANA.public_key.key_id, "ecdsa", "ecdsa-sha2-nistp256", {"public": ANA.public_key.pem})
    assert envelope.verify([key], 1)
