"""What a verdict says: the summary by the standard's own rules, the decision by its published schema."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import jsonschema
import pytest
from packageurl import PackageURL

from gatekeeper import attest
from gatekeeper.artifact import ExcludedFile
from gatekeeper.attest.schema import FILE, render
from gatekeeper.attestation import Attestation, SubjectFile
from gatekeeper.decision import Action, Approval, ApprovalState, ApprovalUse, RowState
from gatekeeper.errors import InputError, SignatureError
from gatekeeper.signing import DECISION, VSA, parse_statement, statement_json
from tests.support.attestations import scanned
from tests.support.verdicts import (
    COMMIT,
    NAME,
    POLICY_DIGEST,
    URI,
    attestation,
    refused,
    report_digest,
    sealed,
    statements,
    with_predicate,
)

URI_PATTERN = r"^[a-z][a-z0-9+.-]*:[^\s]+$"
DIGEST_SET = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"},
}
VSA_SCHEMA: dict[str, Any] = {  # written from https://slsa.dev/spec/v1.2/verification_summary, not from our code
    "type": "object",
    "required": ["verifier", "resourceUri", "policy", "verificationResult", "verifiedLevels"],
    "properties": {
        "verifier": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string", "pattern": URI_PATTERN},
                "version": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "timeVerified": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"},
        "resourceUri": {"type": "string", "pattern": URI_PATTERN},
        "policy": {
            "type": "object",
            "required": ["uri", "digest"],
            "additionalProperties": False,
            "properties": {"uri": {"type": "string", "pattern": URI_PATTERN}, "digest": DIGEST_SET},
        },
        "inputAttestations": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["digest"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "uri": {"type": "string", "pattern": URI_PATTERN},
                    "mediaType": {"type": "string"},
                    "digest": DIGEST_SET,
                },
            },
        },
        "verificationResult": {"enum": ["PASSED", "FAILED"]},
        "verifiedLevels": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": "^(?!SLSA_)[A-Z][A-Z0-9_]*$"},
        },
        "dependencyLevels": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        "slsaVersion": {"type": "string", "pattern": r"^\d+\.\d+$"},
    },
    "additionalProperties": False,
    "if": {"properties": {"verificationResult": {"const": "FAILED"}}},
    "then": {"properties": {"verifiedLevels": {"const": ["FAILED"]}}},
    "else": {"properties": {"verifiedLevels": {"not": {"contains": {"const": "FAILED"}}}}},
}


def approval_use(state: ApprovalState = ApprovalState.USED, sha256: str = "") -> ApprovalUse:
    approval = Approval(
        reference=f"hf://{NAME}@{COMMIT}",
        subject="sha256:" + "0" * 64,
        policy_digest=POLICY_DIGEST,
        action=Action.AUDIT,
        row="unverified",
        findings=(),
        unknown=(),
        by="r.silva@example.com",
        reason="We read it.",
        created=date(2026, 11, 1),
        expires=date(2026, 12, 1),
        sha256=sha256,
    )
    return ApprovalUse(approval=approval, state=state)


CASES: dict[str, Attestation] = {
    "allow": attestation(),
    "local": attestation(subject={"reference": "./m", "name": "./m", "commit": "", "endpoint": ""}),
    "approved": attestation(row="approved:unverified", approvals=(approval_use(sha256="a" * 64),)),
    **{action.value: refused(action) for action in Action if action is not Action.ALLOW},
}


def predicates(about: Attestation) -> tuple[dict[str, Any], dict[str, Any]]:
    summary, decision = statements(about)
    return dict(summary.predicate), dict(decision.predicate)


@pytest.mark.parametrize("name", CASES)
def test_the_summary_keeps_to_the_specification(name: str) -> None:
    jsonschema.validate(predicates(CASES[name])[0], VSA_SCHEMA)


@pytest.mark.parametrize("name", CASES)
def test_the_decision_keeps_to_the_published_schema(name: str) -> None:
    jsonschema.validate(predicates(CASES[name])[1], attest.json_schema(), cls=jsonschema.Draft202012Validator)


def test_the_published_schema_is_the_one_that_the_nouns_make() -> None:
    assert render() == json.dumps(attest.json_schema(), indent=2, ensure_ascii=False) + "\n"
    assert FILE == "gate-decision-v1.json"
    jsonschema.Draft202012Validator.check_schema(attest.json_schema())


@pytest.mark.parametrize("name", CASES)
def test_only_allow_passes(name: str) -> None:
    summary, decision = predicates(CASES[name])
    assert (summary["verificationResult"] == "PASSED") == (decision["verdict"] == "allow")


@pytest.mark.parametrize("name", CASES)
def test_both_are_about_every_file_under_the_predicate_types_of_their_kind(name: str) -> None:
    summary, decision = statements(CASES[name])
    assert summary.subjects == decision.subjects
    assert (summary.predicate_type, decision.predicate_type) == (VSA, DECISION)
    said = {each.name: each.digest["sha256"] for each in summary.subjects if "sha256" in each.digest}
    assert said == {file.path: file.sha256 for file in CASES[name].subject.files}


@pytest.mark.parametrize("name", CASES)
def test_statements_survive_their_own_strict_parser(name: str) -> None:
    for each in statements(CASES[name]):
        assert parse_statement(statement_json(each)) == each


def test_a_hub_model_is_named_as_package_urls_are() -> None:
    uri = predicates(attestation())[0]["resourceUri"]
    assert uri == URI
    parsed = PackageURL.from_string(uri)
    assert (parsed.type, f"{parsed.namespace}/{parsed.name}", parsed.version) == ("huggingface", NAME, COMMIT)
    assert parsed.to_string() == uri


def test_a_name_without_organisation_is_a_package_url_too() -> None:
    assert PackageURL.from_string(attest.hub_uri("gpt2", COMMIT)).name == "gpt2"
    assert attest.hub_uri("gpt2", "") == "pkg:huggingface/gpt2"


def test_a_local_folder_is_named_by_its_content_and_not_by_its_path() -> None:
    about = CASES["local"]
    summary = statements(about)[0]
    assert summary.predicate["resourceUri"] == f"urn:gatekeeper:artifact:sha256:{about.subject.digest}"
    assert not any("gitCommit" in each.digest for each in summary.subjects)


def test_the_commit_is_a_subject_when_the_bytes_are_all_of_it() -> None:
    (commit,) = (each for each in statements(attestation())[0].subjects if "gitCommit" in each.digest)
    assert commit.digest["gitCommit"] == COMMIT


@pytest.mark.parametrize(
    "about",
    [
        attestation(subject={"exclude": ("*.bin",), "excluded": (ExcludedFile(path="x.bin", size=3),)}),
        attestation(facts={"bytes__hub": "unknown"}),
        attestation(facts={"bytes__hub": "mismatch"}),
        attestation({"config.json": b"{}", f"{NAME}@{COMMIT}": b"posing as the commit"}),
    ],
    ids=["subset", "not compared", "other bytes", "a file of that name"],
)
def test_the_commit_is_no_subject_when_it_would_say_too_much(about: Attestation) -> None:
    summary = statements(about)[0]
    assert not any("gitCommit" in each.digest for each in summary.subjects)
    assert parse_statement(statement_json(summary)) == summary


LEVELS = {
    "GATEKEEPER_PINNED": {"source__pinned": True},
    "GATEKEEPER_LOCKED": {"bytes__lock": "match"},
    "GATEKEEPER_TRUSTED_PUBLISHER": {"publisher__trusted": True},
    "GATEKEEPER_SIGNED_PUBLISHER": {"signature__trusted": True},
    "GATEKEEPER_PATCHED": {"remedy__exists": True, "remedy__verified": True},
}
BARE = {"source__pinned": False, "publisher__trusted": False}


def test_without_such_facts_only_the_verdict_is_a_level() -> None:
    assert predicates(attestation(facts=BARE))[0]["verifiedLevels"] == ["GATEKEEPER_ALLOW"]


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_follows_from_its_fact(level: str) -> None:
    levels = predicates(attestation(facts={**BARE, **LEVELS[level]}))[0]["verifiedLevels"]
    assert levels == ["GATEKEEPER_ALLOW", level]


def test_a_sign_off_is_a_level_only_when_it_was_used() -> None:
    assert "GATEKEEPER_APPROVED" in predicates(CASES["approved"])[0]["verifiedLevels"]
    unused = attestation(approvals=(approval_use(ApprovalState.EXPIRED),))
    assert "GATEKEEPER_APPROVED" not in predicates(unused)[0]["verifiedLevels"]


def test_every_level_is_explained() -> None:
    assert {*LEVELS, "GATEKEEPER_ALLOW", "GATEKEEPER_APPROVED"} == set(attest.LEVELS)


def test_input_attestations_are_all_or_none() -> None:
    report = {
        "name": "report.json",
        "mediaType": "application/json",
        "digest": {"sha256": report_digest(attestation())},
    }
    assert predicates(attestation())[0]["inputAttestations"] == [report]
    files = {"config.json": b"{}", "model.sig": b"signature"}
    signed = attestation(files, facts={"signature__status": "valid"})
    names = [each["name"] for each in predicates(signed)[0]["inputAttestations"]]
    assert names == ["report.json", "model.sig"]
    approval = {
        "name": f"approval-{'a' * 12}",
        "mediaType": "application/vnd.in-toto.approval+dsse",
        "digest": {"sha256": "a" * 64},
    }
    assert predicates(CASES["approved"])[0]["inputAttestations"][1:] == [approval]
    spare = (approval_use(sha256="a" * 64), approval_use(ApprovalState.UNUSED, "b" * 64))
    assert predicates(attestation(approvals=spare))[0]["inputAttestations"][1:] == [approval]
    # A sign-off was used that came from no file, and the specification takes no incomplete list.
    for some in ((approval_use(),), (approval_use(), approval_use(sha256="a" * 64))):
        assert "inputAttestations" not in predicates(attestation(approvals=some))[0]


def test_halves_of_two_approved_verdicts_are_none() -> None:
    """Both of one second, on the same files, by one key and one report: only the sign-off differs."""
    one, other = (
        attest.statements(attestation(approvals=(approval_use(sha256=digit * 64),)), report_sha256="0" * 64)
        for digit in "ab"
    )
    attest.read_verdict(sealed(*one))
    for summary, decision in ((one[0], other[1]), (other[0], one[1])):
        with pytest.raises(SignatureError, match="disagree about the sign-offs"):
            attest.read_verdict(sealed(summary, decision))
    without = with_predicate(one[0], lambda predicate: predicate.pop("inputAttestations"))
    with pytest.raises(SignatureError, match="disagree about the sign-offs"):
        attest.read_verdict(sealed(without, one[1]))


def test_times_are_whole_seconds_of_utc() -> None:
    noon = datetime(2026, 11, 23, 12, 0, 0, 987_654, tzinfo=timezone(timedelta(hours=2)))
    summary, decision = predicates(attestation(created_at=noon))
    assert summary["timeVerified"] == decision["decidedAt"] == "2026-11-23T10:00:00Z"
    assert noon.astimezone(UTC).hour == 10


def test_the_decision_holds_what_an_admission_needs() -> None:
    about = attestation()
    decision = predicates(about)[1]
    assert decision["reportSha256"] == report_digest(about)
    assert decision["artifact"]["digest"] == about.subject.digest
    assert decision["facts"]["bytes.hub"] == "match"
    assert decision["waivers"][0]["expires"] == "2026-12-02"
    assert decision["findings"] == [
        {"id": about.findings[0].id, "severity": "low", "hazard": "unverified", "path": "", "waived": True}
    ]
    assert decision["policy"]["digest"] == POLICY_DIGEST


def test_rows_that_could_not_be_evaluated_are_named() -> None:
    about = attestation()
    rows = (replace(about.verdict.rows[0], state=RowState.INDETERMINATE), *about.verdict.rows[1:])
    assert predicates(attestation(rows=rows))[1]["indeterminate"] == [rows[0].row]


def test_thousands_of_findings_are_counted_and_the_worst_listed() -> None:
    from tests.support.attestations import large

    many = replace(attestation(), results=large(files=3, findings=900).results)
    decision = predicates(many)[1]
    assert decision["findingsTotal"] == 900
    assert len(decision["findings"]) == 200
    jsonschema.validate(decision, attest.json_schema())


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (scanned(), "a scan decides nothing"),
        (attestation(subject={"metadata_only": True}), "not every file was hashed"),
        (replace(attestation(), subject=replace(attestation().subject, digest="")), "not every file was hashed"),
        (replace(attestation(), subject=replace(attestation().subject, digest="0" * 64)), "not that of its files"),
        (replace(attestation(), subject=replace(attestation().subject, files=())), "about no file"),
        (attestation(policy_digest=""), "names no policy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_no_verdict_says_why(about: Attestation, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        attest.statements(about, report_sha256="0" * 64)
    assert why in attest.refusal(about)


def test_a_name_that_is_no_unicode_is_refused_in_words() -> None:
    about = attestation()
    odd = SubjectFile(path="w\udc80.bin", size=1, sha256="0" * 64)
    about = replace(about, subject=replace(about.subject, files=(odd,)))
    assert "no Unicode" in attest.refusal(about)


def test_hostile_text_of_a_finding_stays_text() -> None:
    about = attestation(because="because \x1b[2J of \ud800")
    decision = predicates(about)[1]
    assert decision["because"] == "because \\u001b[2J of \\ud800"
