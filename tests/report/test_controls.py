"""The catalogue of controls is well formed, maps everything that the gate can say, and claims nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from gatekeeper.checks import ALL
from gatekeeper.evidence import Hazard
from gatekeeper.policy import VOCABULARY, load
from gatekeeper.policy.laws import LAWS
from gatekeeper.report.controls import OUTPUTS, Control, Framework, catalogue, kinds
from gatekeeper.report.controls.catalogue import FILE

ROOT = Path(__file__).parents[2]
RAW = yaml.safe_load(FILE.read_bytes())
OWASP = {"owasp-llm-2025", "owasp-llm-2026", "owasp-ml-2023"}
ATLAS = {"mitre-atlas"}
PATTERNS = {
    "owasp-llm-2025": r"LLM(0[1-9]|10):2025",
    "owasp-llm-2026": r"LLM(0[1-9]|10):2026",
    "owasp-ml-2023": r"ML(0[1-9]|10):2023",
    "mitre-atlas": r"AML\.(T\d{4}(\.\d{3})?|M\d{4})",
    "nist-sp-800-218a": r"(PO|PS|PW|RV)\.\d\.\d",
    "nist-ai-rmf": r"(GOVERN|MAP|MEASURE|MANAGE) \d\.\d{1,2}",
    "nist-ai-600-1": r"[A-Z][A-Za-z ]+",
    "iso-42001": r"A\.([2-9]|10)(\.\d){1,2}",
    "eu-ai-act": r"Art\. \d+(\(\d+\))?( and Annex IV\(2\)\([a-h]\))?",
    "g7-sbom-for-ai": r"Metadata|(System Level|Dataset|Security) Properties|Models|Infrastructure|KPI",
    "slsa": r"VSA",
}
# What the vocabulary of facts names as the source of a fact is a check, also where the check is still to be written.
CHECKS = {check.id for check in ALL} | {fact.set_by for fact in VOCABULARY if "/" in fact.set_by}
ROWS = {row.slug for name in ("default", "strict") for row in load(name).rows} | {f"law:{law.slug}" for law in LAWS}


def each_control() -> list[tuple[Framework, Control]]:
    return [(framework, control) for framework in catalogue() for control in framework.controls]


def matches(pattern: str, check: str) -> bool:
    return check.startswith(pattern[:-1]) if pattern.endswith("/*") else check == pattern


def frameworks_of(kind: str, name: str) -> set[str]:
    """Ids of the frameworks that a check, hazard or row is mapped to."""
    return {
        framework.id
        for framework, control in each_control()
        for mapping in control.mappings
        for pattern in getattr(mapping, kind)
        if (matches(pattern, name) if kind == "checks" else pattern == name)
    }


def test_the_data_has_its_published_shape() -> None:
    schema = json.loads(FILE.with_name("controls-1.0.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(RAW)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**RAW, "frameworks": [{"id": "x"}]})


def test_every_framework_has_a_pattern_and_every_id_matches_it() -> None:
    assert {framework.id for framework in catalogue()} == set(PATTERNS)
    for framework, control in each_control():
        assert re.fullmatch(PATTERNS[framework.id], control.id), control.id


def test_frameworks_and_controls_are_listed_once() -> None:
    ids = [framework.id for framework in catalogue()]
    named = [(framework.name, framework.edition) for framework in catalogue()]
    controls = [(framework.id, control.id) for framework, control in each_control()]
    assert len(set(ids)) == len(ids)
    assert len(set(named)) == len(named)
    assert len(set(controls)) == len(controls)


def test_no_mapping_names_what_does_not_exist() -> None:
    rooms = {check.split("/")[0] for check in CHECKS}
    for _, control in each_control():
        for mapping in control.mappings:
            for check in mapping.checks:
                assert check in CHECKS or (check.endswith("/*") and check[:-2] in rooms), check
            assert set(mapping.hazards) <= {hazard.value for hazard in Hazard}
            assert set(mapping.rows) <= ROWS
            assert set(mapping.outputs) <= set(OUTPUTS)


def test_every_group_is_used() -> None:
    text = FILE.read_text("utf-8")
    for kind in RAW["groups"].values():
        assert all(f"+{name}" in text for name in kind)


@pytest.mark.parametrize("check", sorted(CHECKS))
def test_every_check_is_mapped_to_owasp_and_atlas(check: str) -> None:
    assert frameworks_of("checks", check) & OWASP
    assert frameworks_of("checks", check) & ATLAS


@pytest.mark.parametrize("row", sorted(ROWS))
def test_every_row_and_law_is_mapped_to_owasp_and_atlas(row: str) -> None:
    assert frameworks_of("rows", row) & OWASP
    assert frameworks_of("rows", row) & ATLAS


@pytest.mark.parametrize("hazard", list(Hazard))
def test_every_hazard_is_mapped_to_owasp_and_atlas(hazard: Hazard) -> None:
    assert frameworks_of("hazards", hazard.value) & OWASP
    assert frameworks_of("hazards", hazard.value) & ATLAS


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_output_is_evidence_of_something(output: str) -> None:
    assert frameworks_of("outputs", output)


def test_every_check_is_named_by_itself_and_not_by_its_room_alone() -> None:
    named = {check for _, control in each_control() for mapping in control.mappings for check in mapping.checks}
    assert named >= CHECKS


def test_each_check_is_of_one_kind() -> None:
    named = [check for kind in kinds() for check in kind.checks]
    assert sorted(named) == sorted(CHECKS)


def test_no_report_tells_how_many_controls_have_evidence() -> None:
    """A ratio of our own list would read as coverage."""
    ratio = re.compile(r"\d+ (of|/) \d+ (mapped )?controls?|evidence for \d+", re.IGNORECASE)
    golden = ROOT / "tests" / "report" / "golden"
    samples = ROOT / "reports" / "samples"
    pages = [*golden.glob("*.txt"), *golden.glob("*.html"), *samples.rglob("*.html")]
    assert len(pages) > 20
    for page in pages:
        assert not ratio.search(page.read_text("utf-8")), page.name


def test_nothing_claims_that_a_control_is_met() -> None:
    claims = re.compile(r"complian|compli(es|ed)\b|comply|conform|certif(y|ied)\b|\bfulfil|\bsatisf", re.IGNORECASE)
    places = [FILE, *(ROOT / "gatekeeper" / "report").rglob("*.j2"), *(ROOT / "gatekeeper" / "report").rglob("*.py")]
    assert len(places) > 10
    for place in places:
        for line in place.read_text("utf-8").splitlines():
            assert not claims.search(line), f"{place.name}: {line.strip()}"
