"""What an attestation is evidence of: told from what it holds, and never more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from gatekeeper.attestation import Attestation
from gatekeeper.evidence import Gap, Status
from gatekeeper.report import ControlEvidence, controls_for
from gatekeeper.report.controls import KindEvidence, Relevance, catalogue, covers, held_kinds, kinds
from tests.support import attestations
from tests.support.attestation_strategy import ATTESTATIONS


def told(attestation: Attestation, framework: str, control: str, *outputs: str) -> ControlEvidence:
    (found,) = (
        each for each in controls_for(attestation, outputs) if each.framework == framework and each.control == control
    )
    return found


def with_status(attestation: Attestation, check: str, status: Status) -> Attestation:
    results = tuple(
        replace(result, status=status, findings=(), gaps=(Gap(reason="no"),) if status is Status.UNKNOWN else ())
        if result.check.id == check
        else result
        for result in attestation.results
    )
    return replace(attestation, results=results)


def test_every_control_of_the_catalogue_is_told_with_its_edition() -> None:
    found = controls_for(attestations.scanned())
    expected = [(each.name, each.edition, control.id) for each in catalogue() for control in each.controls]
    assert [(each.framework, each.edition, each.control) for each in found] == expected
    assert all(each.edition and each.reason for each in found)
    assert all("+" not in name for each in found for name in (*each.evidence, *each.missing))


@pytest.mark.parametrize("status", [Status.PASS, Status.FAIL])
def test_a_check_that_came_to_an_answer_is_evidence(status: Status) -> None:
    attestation = with_status(attestations.allowed(), "files/structure", status)
    found = told(attestation, "MITRE ATLAS", "AML.T0076")
    assert "files/structure" in found.evidence
    assert "files/structure" not in found.missing


@pytest.mark.parametrize("status", [Status.UNKNOWN, Status.NOT_APPLICABLE])
def test_a_check_that_came_to_none_is_missing_and_no_evidence(status: Status) -> None:
    attestation = with_status(attestations.allowed(), "files/structure", status)
    for found in controls_for(attestation):
        assert "files/structure" not in found.evidence
    assert "files/structure" in told(attestation, "MITRE ATLAS", "AML.T0076").missing


def test_a_check_that_never_ran_is_missing() -> None:
    attestation = replace(attestations.allowed(), results=())
    found = told(attestation, "MITRE ATLAS", "AML.M0013")
    assert found.evidence == ()
    assert found.missing == ("provenance/signature",)
    assert "files/*" in told(attestation, "MITRE ATLAS", "AML.M0016").missing


def test_what_a_check_found_before_it_had_to_stop_is_no_evidence() -> None:
    attestation = attestations.discarded()
    results = tuple(
        replace(result, status=Status.UNKNOWN, gaps=(Gap(reason="too long"),))
        if result.check.id == "provenance/revision"
        else result
        for result in attestation.results
    )
    assert any(result.check.id == "provenance/revision" and result.findings for result in results)
    found = told(replace(attestation, results=results), "MITRE ATLAS", "AML.T0109")
    assert "provenance/revision" not in found.evidence
    assert "provenance/revision" in found.missing


def test_records_alone_make_no_control_relevant() -> None:
    """An attestation and a decision are there in every run; they say nothing about what was looked at."""
    attestation = replace(attestations.allowed(), results=())
    found = controls_for(attestation, outputs=("bom", "signed-verdict", "lock"))
    assert any(each.records for each in found)
    assert {each.relevance for each in found} == {Relevance.NONE}
    assert not any(each.evidence or each.kinds for each in found)
    archive = told(attestations.allowed(), "NIST SP 800-218A", "PS.3.1")
    assert (archive.records, archive.relevance) == (("output:attestation",), Relevance.NONE)


def test_the_row_that_decided_and_the_hazards_that_were_found_are_records() -> None:
    found = told(attestations.discarded(), "MITRE ATLAS", "AML.T0011.000")
    assert {"hazard:payload", "row:payload"} <= set(found.records)
    assert not {"hazard:payload", "row:payload"} & set(
        told(attestations.allowed(), "MITRE ATLAS", "AML.T0011.000").records
    )


def test_a_row_that_was_signed_off_is_still_the_row_that_was_reached() -> None:
    attestation = attestations.audited()
    assert attestation.decision is not None
    approved = replace(attestation, decision=replace(attestation.decision, row="approved:adapter-unproven"))
    assert "row:adapter-unproven" in told(approved, "ISO/IEC 42001 Annex A", "A.10.3").records


def test_a_scan_is_no_decision() -> None:
    found = controls_for(attestations.scanned())
    assert not any("output:decision" in each.records for each in found)
    assert not any(name.startswith("row:") for each in found for name in each.records)
    assert not any("output:digests" in each.records for each in found)


def test_a_signature_on_the_verdict_counts_when_the_caller_has_seen_it() -> None:
    attestation = attestations.allowed()
    assert "output:signed-verdict" not in told(attestation, "NIST SP 800-218A", "PS.2.1").records
    assert "output:signed-verdict" in told(attestation, "NIST SP 800-218A", "PS.2.1", "signed-verdict").records


def test_ids_from_secondary_sources_say_so() -> None:
    found = controls_for(attestations.allowed())
    assert all("secondary source" in each.title for each in found if each.framework.startswith("ISO/IEC 42001"))
    assert not any("secondary source" in each.title for each in found if each.framework == "MITRE ATLAS")


def test_covers_group_by_edition_and_keep_all() -> None:
    found = controls_for(attestations.allowed())
    grouped = covers(found)
    assert [control for cover in grouped for control in cover.controls] == list(found)
    assert len({(cover.framework, cover.edition) for cover in grouped}) == len(grouped) == len(catalogue())


def test_a_kind_is_held_by_the_checks_of_it_that_came_to_an_answer() -> None:
    attestation = attestations.allowed()
    answered = {result.check.id for result in attestation.results if result.status in (Status.PASS, Status.FAIL)}
    told_of = {each.kind.id: each for each in held_kinds(attestation)}
    assert list(told_of) == [kind.id for kind in kinds()]
    for each in told_of.values():
        assert set(each.held) == answered & set(each.kind.checks)
        assert {*each.held, *each.missing} == set(each.kind.checks)
        assert bool(each.asked_by) == bool(each.held)
    assert "AML.T0018.000" not in _asking(told_of["origin"])
    assert "AML.T0109" in _asking(told_of["origin"])


def test_a_kind_of_which_no_check_answered_is_asked_for_by_nobody() -> None:
    attestation = attestations.allowed()
    (form,) = (kind for kind in kinds() if kind.id == "form")
    for check in form.checks:
        attestation = with_status(attestation, check, Status.NOT_APPLICABLE)
    (told_of,) = (each for each in held_kinds(attestation) if each.kind is form)
    assert (told_of.held, told_of.missing, told_of.asked_by) == ((), form.checks, ())


def _asking(kind: KindEvidence) -> set[str]:
    return {control.control for cover in kind.asked_by for control in cover.controls}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(ATTESTATIONS)
def test_any_attestation_is_told_and_only_a_check_that_came_to_an_answer_counts(attestation: Attestation) -> None:
    answered = {result.check.id for result in attestation.results if result.status in (Status.PASS, Status.FAIL)}
    for found in controls_for(attestation):
        assert set(found.evidence) <= answered
        assert not answered & set(found.missing)
        assert (found.relevance is Relevance.RELEVANT) == bool(found.evidence)
