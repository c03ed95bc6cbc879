"""Whatever an attestation holds, its bill of materials is valid, bounded and harmless to show."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.artifact import LineageClaim
from gatekeeper.attest import bom, bom_json
from gatekeeper.attestation import Attestation, SubjectFile
from gatekeeper.text import printable
from tests.support import attestations
from tests.support.attestation_strategy import ATTESTATIONS
from tests.support.boms import attested, each_reference, model_of, strict_errors
from tests.support.hostile import MARKUP, everywhere

CALM = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in texts(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in texts(inner)]
    return [value] if isinstance(value, str) else []


@CALM
@given(ATTESTATIONS, st.sampled_from(["1.6", "1.7"]))
def test_any_attestation_gives_a_valid_document(attestation: Attestation, spec: str) -> None:
    document = bom([attested(attestation)], spec=spec)
    assert strict_errors(document, spec) is None
    assert json.loads(bom_json(document)) == document
    for text in texts(document):
        assert text == printable(text, len(text) + 1)


@CALM
@given(st.lists(ATTESTATIONS, min_size=2, max_size=4))
def test_any_fleet_has_references_that_are_unique_and_lead_somewhere(fleet: list[Attestation]) -> None:
    document = bom([attested(each) for each in fleet])
    declared = list(each_reference(document, "bom-ref"))
    assert len(declared) == len(set(declared))
    for key in ("ref", "dependsOn", "assemblies", "target", "evidence", "requirement", "mitigationStrategies"):
        assert set(each_reference(document, key)) <= set(declared)


@pytest.mark.parametrize("text", MARKUP)
def test_hostile_text_in_every_field_stays_text(text: str) -> None:
    document = bom([attested(everywhere(attestations.discarded(), lambda value: value + text))])
    assert strict_errors(document, "1.6") is None
    assert bom_json(document).isascii()


@pytest.mark.parametrize("name", ["org/na\x00me", "org/\ud800", "org/\u202egnp.exe", "", "../../etc", "a" * 1_000_000])
def test_hostile_names_are_written_out_bounded_and_no_package(name: str) -> None:
    attestation = attestations.allowed()
    claim = LineageClaim(base=name, said_by="card", revision="\x1b[2J")
    subject = replace(
        attestation.subject,
        name=name,
        reference=f"hf://{name}",
        files=(SubjectFile(path=name, size=-1, sha256="f" * 64),),
        lineage=(claim,),
        endpoint="javascript:alert(1)//",
    )
    document = bom([attested(replace(attestation, subject=subject))])
    assert strict_errors(document, "1.6") is None
    (found,) = document["components"]
    assert found["name"]
    assert "purl" not in found
    assert [each["type"] for each in found["externalReferences"]] == ["attestation"]
    assert len(bom_json(document)) < 50_000


@pytest.mark.parametrize("endpoint", ["https://hub.example.org", "http://127.0.0.1:8080", "https://hub.example.org/a/"])
def test_addresses_are_those_of_the_hub_that_was_asked(endpoint: str) -> None:
    attestation = attestations.allowed()
    readme = SubjectFile(path="README.md", size=3, sha256="a" * 64)
    subject = replace(attestation.subject, endpoint=endpoint, files=(readme,))
    found = {each["type"]: each for each in model_of(replace(attestation, subject=subject))["externalReferences"]}
    root = f"{endpoint.rstrip('/')}/harbour/lantern-135m"
    assert found["distribution"]["url"] == f"{root}/tree/{subject.commit}"
    assert found["model-card"]["url"] == f"{root}/blob/{subject.commit}/README.md"
    assert found["model-card"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]


@pytest.mark.parametrize(
    "endpoint", ["https://user:secret@hub.example", "file:///etc", "https://a b", "https://x/?q=1"]
)
def test_other_addresses_are_left_out(endpoint: str) -> None:
    attestation = attestations.allowed()
    found = model_of(replace(attestation, subject=replace(attestation.subject, endpoint=endpoint)))
    assert [each["type"] for each in found["externalReferences"]] == ["attestation"]


def test_ten_thousand_files_are_listed() -> None:
    found = model_of(attestations.large(files=10_000, findings=1))
    assert len(found["components"]) == 10_000
