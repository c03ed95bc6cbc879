"""A bill of materials says what its attestations say, in the shape of the specification, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from packageurl import PackageURL

from gatekeeper.artifact import IrregularityKind, Kind, LineageClaim
from gatekeeper.attest import bom, bom_json
from gatekeeper.attest.bom_words import SPDX
from gatekeeper.attestation import Attestation, SubjectFile
from gatekeeper.decision import Action, Approval, ApprovalState, ApprovalUse
from gatekeeper.errors import InputError
from gatekeeper.evidence import CheckResult
from gatekeeper.lock import Lock, LockedBase, LockedModel
from tests.support import attestations
from tests.support.attestation_parts import COMMIT, NOW
from tests.support.boms import attested, each_reference, model_of, strict_errors, value_of

BASE_COMMIT = "b" * 40


def fleet() -> list[Attestation]:
    """One attestation of each case, each of a model of its own."""
    made = {name: make() for name, make in attestations.CASES.items()}
    return [
        replace(each, subject=replace(each.subject, name=f"{each.subject.name}-{name}", reference=f"hf://fleet/{name}"))
        for name, each in made.items()
    ]


def with_facts(attestation: Attestation, **facts: Any) -> Attestation:
    """Set facts, with `_` for the dots of their names, as the decision knows them."""
    known = {name.replace("_", "."): value for name, value in facts.items()}
    assert attestation.decision is not None
    decision = replace(attestation.decision, facts={**attestation.decision.facts, **known})
    return replace(attestation, decision=decision)


def adapter(*claims: LineageClaim) -> Attestation:
    attestation = attestations.audited()
    subject = replace(attestation.subject, lineage=claims, exclude=(), excluded=())
    return replace(attestation, subject=subject)


def locked(attestation: Attestation, **changes: Any) -> LockedModel:
    subject = attestation.subject
    model = LockedModel(
        id=subject.name,
        commit=subject.commit,
        digest=subject.digest,
        kind=subject.kind,
        files=(),
        policy="sha256:" + "0" * 64,
        verdict=Action.ALLOW,
        decided_at=NOW,
    )
    return replace(model, **changes)


@pytest.mark.parametrize("spec", ["1.6", "1.7"])
@pytest.mark.parametrize("case", attestations.CASES)
def test_every_case_is_valid(case: str, spec: str) -> None:
    document = bom([attested(attestations.CASES[case]())], spec=spec)
    assert document["specVersion"] == spec
    assert strict_errors(document, spec) is None


@pytest.mark.parametrize("spec", ["1.6", "1.7"])
def test_a_fleet_is_valid_and_each_reference_leads_somewhere(spec: str) -> None:
    document = bom([attested(each) for each in fleet()], spec=spec)
    assert strict_errors(document, spec) is None
    assert len(document["components"]) == len(attestations.CASES)
    declared = list(each_reference(document, "bom-ref"))
    assert len(declared) == len(set(declared))
    used = {ref for key in ("ref", "target", "assessor", "requirement") for ref in each_reference(document, key)}
    for key in ("dependsOn", "assemblies", "claims", "evidence", "mitigationStrategies"):
        used |= set(each_reference(document, key))
    assert used
    assert used <= set(declared)


def test_the_validator_would_notice() -> None:
    document = bom([attested(attestations.allowed())])
    document["components"][0]["invented"] = True
    assert strict_errors(document, "1.6") is not None


def test_the_model_is_named_as_a_package() -> None:
    found = model_of(attestations.allowed())
    assert (found["type"], found["group"], found["name"]) == ("machine-learning-model", "harbour", "lantern-135m")
    assert found["version"] == COMMIT
    url = PackageURL.from_string(found["purl"])
    assert (url.type, url.namespace, url.name, url.version) == ("huggingface", "harbour", "lantern-135m", COMMIT)
    assert url.to_string() == found["purl"]


def test_a_folder_is_named_by_its_content_and_has_no_package_url() -> None:
    attestation = attestations.scanned()
    found = model_of(attestation)
    assert found["name"] == "./models/lantern"
    assert not {"purl", "group", "version"} & found.keys()
    hashed = replace(attestation, subject=replace(attestation.subject, digest="d" * 64))
    assert model_of(hashed)["version"] == "sha256:" + "d" * 64


def test_every_file_is_listed_with_its_digest() -> None:
    attestation = attestations.allowed()
    files = model_of(attestation)["components"]
    assert [(file["type"], file["name"], file["hashes"], value_of(file, "gatekeeper:size")) for file in files] == [
        ("file", file.path, [{"alg": "SHA-256", "content": file.sha256}], str(file.size))
        for file in attestation.subject.files
    ]


def test_a_file_that_was_not_hashed_has_no_hash() -> None:
    found = model_of(attestations.scanned())
    assert all("hashes" not in file for file in found["components"])
    assert value_of(found, "gatekeeper:metadata-only") == "true"


def test_a_digest_that_is_none_is_left_out() -> None:
    attestation = attestations.allowed()
    odd = SubjectFile(path="odd.bin", size=1, sha256="not a digest")
    found = model_of(replace(attestation, subject=replace(attestation.subject, files=(odd,))))
    assert "hashes" not in found["components"][0]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("apache-2.0", [{"id": "Apache-2.0"}]),
        ("mit, apache-2.0", [{"id": "Apache-2.0"}, {"id": "MIT"}]),
        ("gpl-3.0", [{"name": "gpl-3.0"}]),
        ("llama3.3", [{"name": "llama3.3"}]),
        ("pddl", [{"id": "PDDL-1.0"}]),
        ("", None),
    ],
)
def test_licences_are_spdx_ids_where_they_are_some(declared: str, expected: list[dict[str, str]] | None) -> None:
    found = model_of(with_facts(attestations.allowed(), licence_id=declared))
    told = [each["license"] for each in found["licenses"]] if "licenses" in found else None
    assert told == (expected and [{**each, "acknowledgement": "declared"} for each in expected])


def test_every_spdx_id_is_one() -> None:
    from importlib.resources import files

    known = set(json.loads((files("cyclonedx.schema") / "_res" / "spdx.SNAPSHOT.schema.json").read_bytes())["enum"])
    assert set(SPDX.values()) <= known
    assert all(name == name.lower() for name in SPDX)


def test_the_base_is_an_ancestor_with_its_pin() -> None:
    claims = (
        LineageClaim(base="harbour/base", said_by="card", relation="adapter"),
        LineageClaim(base="harbour/base", said_by="adapter_config", revision=BASE_COMMIT),
    )
    (ancestor,) = model_of(adapter(*claims))["pedigree"]["ancestors"]
    assert ancestor["purl"] == f"pkg:huggingface/harbour/base@{BASE_COMMIT}"
    assert ancestor["version"] == BASE_COMMIT
    said = {each["value"] for each in ancestor["properties"] if each["name"] == "gatekeeper:base:said-by"}
    assert said == {"card", "adapter_config"}
    assert value_of(ancestor, "gatekeeper:base:pinned-by") == "artifact"


def test_two_pins_of_one_base_are_two_ancestors_and_a_claim_without_one_is_neither() -> None:
    claims = (
        LineageClaim(base="harbour/base", said_by="card"),
        LineageClaim(base="harbour/base", said_by="tag", revision="a" * 40),
        LineageClaim(base="harbour/base", said_by="adapter_config", revision=BASE_COMMIT),
    )
    versions = [each.get("version") for each in model_of(adapter(*claims))["pedigree"]["ancestors"]]
    assert versions == [None, "a" * 40, BASE_COMMIT]


def test_a_branch_is_no_pin_and_a_path_no_package() -> None:
    claims = (
        LineageClaim(base="harbour/base", said_by="adapter_config", revision="main"),
        LineageClaim(base="/home/somebody/base", said_by="config"),
    )
    path, branch = model_of(adapter(*claims))["pedigree"]["ancestors"]
    assert "purl" not in path
    assert branch["version"] == "main"
    assert branch["purl"] == "pkg:huggingface/harbour/base"
    assert value_of(branch, "gatekeeper:base:pinned") == "false"


def test_the_lock_pins_a_base_that_the_artifact_does_not() -> None:
    attestation = adapter(LineageClaim(base="harbour/base", said_by="card"))
    entry = locked(attestation, base=LockedBase(id="harbour/base", commit=BASE_COMMIT))
    (found,) = bom([attested(attestation)], lock=Lock(models=(entry,)))["components"]
    (ancestor,) = found["pedigree"]["ancestors"]
    assert ancestor["version"] == BASE_COMMIT
    assert value_of(ancestor, "gatekeeper:base:pinned-by") == "lock"
    assert value_of(found, "gatekeeper:lock") == "match"


@pytest.mark.parametrize("changes", [{"commit": "c" * 40}, {"digest": "c" * 64}])
def test_a_lock_of_other_bytes_is_told_and_its_base_not_believed(changes: dict[str, str]) -> None:
    attestation = adapter(LineageClaim(base="harbour/base", said_by="card"))
    entry = locked(attestation, base=LockedBase(id="harbour/base", commit=BASE_COMMIT), **changes)
    (found,) = bom([attested(attestation)], lock=Lock(models=(entry,)))["components"]
    assert value_of(found, "gatekeeper:lock") == "differs"
    assert "version" not in found["pedigree"]["ancestors"][0]


def test_what_is_locked_and_not_reported_is_named() -> None:
    attestation = attestations.allowed()
    lock = Lock(models=(locked(attestation, id="somebody/else"),))
    document = bom([attested(attestation)], lock=lock)
    assert value_of(document["metadata"], "gatekeeper:locked-without-report") == "somebody/else"
    assert value_of(document["components"][0], "gatekeeper:lock") == "absent"
    assert value_of(model_of(attestation), "gatekeeper:lock") is None


def test_an_adapter_depends_on_its_base_and_on_the_listed_one_where_it_is_listed() -> None:
    base = attestations.allowed()
    claim = LineageClaim(base=base.subject.name, said_by="adapter_config", revision=base.subject.commit)
    alone, both = bom([attested(adapter(claim))]), bom([attested(adapter(claim)), attested(base)])
    (entry,) = alone["dependencies"]
    assert entry["dependsOn"] == [alone["components"][0]["pedigree"]["ancestors"][0]["bom-ref"]]
    refs = {each["name"]: each["bom-ref"] for each in both["components"]}
    needed = {each["ref"]: each.get("dependsOn") for each in both["dependencies"]}
    assert needed == {refs["night-lora"]: [refs["lantern-135m"]], refs["lantern-135m"]: None}


def test_of_two_bases_with_other_bytes_under_one_commit_none_is_meant() -> None:
    base = attestations.allowed()
    tampered = replace(base, subject=replace(base.subject, digest="f" * 64))
    claim = LineageClaim(base=base.subject.name, said_by="adapter_config", revision=base.subject.commit)
    document = bom([attested(each) for each in (adapter(claim), base, tampered)])
    (needed,) = (each["dependsOn"] for each in document["dependencies"] if "dependsOn" in each)
    assert needed[0].endswith("/base/0")


def test_the_verdict_is_a_claim_with_its_evidence() -> None:
    attestation = attestations.discarded()
    document = bom([attested(attestation)])
    (claim,) = document["declarations"]["claims"]
    assert claim["target"] == document["components"][0]["bom-ref"]
    assert claim["predicate"] == "The decision under the policy production is discard, by payload."
    assert attestation.decision is not None
    assert claim["reasoning"] == attestation.decision.because
    (evidence,) = document["declarations"]["evidence"]
    assert claim["evidence"] == [evidence["bom-ref"]]
    (said,) = document["declarations"]["attestations"]
    assert said["map"][0]["conformance"]["score"] == 0
    (standard,) = document["definitions"]["standards"]
    assert standard["version"] == attestation.decision.policy_digest


@pytest.mark.parametrize("case", attestations.CASES)
def test_only_allow_meets_the_policy(case: str) -> None:
    attestation = attestations.CASES[case]()
    document = bom([attested(attestation)])
    if attestation.decision is None:
        assert "declarations" not in document
        assert "definitions" not in document
        return
    (said,) = document["declarations"]["attestations"]
    assert said["map"][0]["conformance"]["score"] == (1 if attestation.decision.action is Action.ALLOW else 0)


def test_waivers_and_approvals_that_were_used_are_named_with_who_answers_for_them() -> None:
    attestation = attestations.allowed()
    approval = Approval(
        reference="hf://harbour/lantern-135m",
        subject="sha256:" + "1" * 64,
        policy_digest="sha256:" + "2" * 64,
        action=Action.AUDIT,
        row="unverified",
        findings=(),
        unknown=(),
        by="ciso@example.com",
        reason="Read it.",
        created=date(2026, 11, 20),
        expires=date(2026, 12, 20),
    )
    assert attestation.decision is not None
    uses = (
        ApprovalUse(approval=approval, state=ApprovalState.USED),
        ApprovalUse(approval=replace(approval, by="nobody@example.com"), state=ApprovalState.EXPIRED),
    )
    declared = bom([attested(replace(attestation, decision=replace(attestation.decision, approvals=uses)))])
    told = declared["declarations"]
    named = [(each["reviewer"]["name"], each["expires"]) for each in told["evidence"] if "reviewer" in each]
    assert named == [("ciso@example.com", "2026-12-20T23:59:59Z"), ("m.ortiz@example.com", "2026-12-02T23:59:59Z")]
    assert len(told["claims"][0]["mitigationStrategies"]) == 2
    assert strict_errors(declared, "1.6") is None


def test_a_signer_is_named_only_when_the_signature_is_valid() -> None:
    signed = with_facts(
        attestations.allowed(), signature_status="valid", signature_signer="acme-release", signature_trusted=True
    )
    assert value_of(model_of(signed), "gatekeeper:signer") == "acme-release"
    assert value_of(model_of(signed), "gatekeeper:signer-trusted") == "true"
    unread = with_facts(attestations.allowed(), signature_status="unknown", signature_signer="acme-release")
    assert value_of(model_of(unread), "gatekeeper:signer") is None


def test_a_component_that_lacks_files_says_so() -> None:
    def told(attestation: Attestation) -> str:
        (found,) = bom([attested(attestation)])["compositions"]
        assert isinstance(found["aggregate"], str)
        return found["aggregate"]

    assert told(attestations.allowed()) == "complete"
    assert told(attestations.audited()) == "incomplete"
    assert told(attestations.scanned()) == "unknown"
    assert told(attestations.escalated()) == "incomplete"
    skipped = attestations.escalated()
    odd = tuple(replace(each, kind=IrregularityKind.SKIPPED) for each in skipped.subject.irregularities)
    assert told(replace(skipped, subject=replace(skipped.subject, irregularities=odd))) == "complete"


def test_of_several_reports_about_the_same_bytes_the_newest_counts() -> None:
    old = attestations.allowed()
    new = replace(attestations.patched(), created_at=datetime(2026, 11, 24, tzinfo=UTC))
    assert old.subject == new.subject
    for order in ([old, new], [new, old]):
        (found,) = bom([attested(each) for each in order])["components"]
        assert value_of(found, "gatekeeper:action") == "patch"
    other = replace(old, subject=replace(old.subject, digest="e" * 64))
    assert len(bom([attested(old), attested(other)])["components"]) == 2


def test_the_order_of_the_reports_does_not_matter_and_the_bytes_are_the_same_again() -> None:
    models = [attested(each) for each in fleet()]
    assert bom_json(bom(models)) == bom_json(bom(reversed(models)))


def test_the_serial_number_follows_the_content() -> None:
    first, second = bom([attested(attestations.allowed())]), bom([attested(attestations.audited())])
    newer = bom([attested(attestations.allowed())], spec="1.7")
    assert len({first["serialNumber"], second["serialNumber"], newer["serialNumber"]}) == 3


def test_the_same_bytes_come_from_another_process() -> None:
    script = (
        "from tests.support.boms import attested\nfrom tests.support import attestations\n"
        "from gatekeeper.attest import bom, bom_json\n"
        "print(bom_json(bom([attested(make()) for make in attestations.CASES.values()])), end='')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == bom_json(bom([attested(make()) for make in attestations.CASES.values()]))


def test_nothing_and_unknown_versions_are_refused() -> None:
    with pytest.raises(InputError, match="no attestation"):
        bom([])
    with pytest.raises(InputError, match=r"1\.5"):
        bom([attested(attestations.allowed())], spec="1.5")


def test_facts_of_a_scan_come_from_its_checks() -> None:
    attestation = attestations.scanned()
    results: Iterator[CheckResult] = (
        replace(result, facts={"licence.id": "mit", "artifact.formats": ("safetensors",)}) if number == 0 else result
        for number, result in enumerate(attestation.results)
    )
    found = model_of(replace(attestation, results=tuple(results)))
    assert found["licenses"][0]["license"]["id"] == "MIT"
    assert value_of(found["modelCard"], "gatekeeper:formats") == "safetensors"


def test_kinds_are_told() -> None:
    for kind in Kind:
        attestation = attestations.allowed()
        found = model_of(replace(attestation, subject=replace(attestation.subject, kind=kind)))
        assert value_of(found, "gatekeeper:kind") == kind.value
