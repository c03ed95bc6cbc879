from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.artifact import Kind
from gatekeeper.checks.provenance.publisher import Publisher
from gatekeeper.evidence import Hazard, Severity, Status
from tests.support.hub_artifacts import CONTEXT, folder, hub, offline, platform, run, slugs


@pytest.mark.parametrize("name", ["acme-models/tiny", "ACME-models/tiny", "Google/x"])
def test_a_trusted_publisher_passes_in_any_letter_case(name: str) -> None:
    result = run(Publisher(), hub(name))
    assert slugs(result) == []
    assert result.facts["publisher.trusted"] is True
    assert result.facts["publisher.name"] == name.split("/")[0]


def test_the_model_part_of_the_id_is_not_the_publisher() -> None:
    result = run(Publisher(), hub("somebody/google"))
    assert slugs(result) == ["unlisted"]
    assert result.facts["publisher.trusted"] is False


def test_an_unlisted_publisher_is_unverified_and_of_an_adapter_unproven() -> None:
    model = run(Publisher(), hub("somebody/tiny"))
    adapter = run(Publisher(), hub("somebody/tiny", kind=Kind.ADAPTER))
    assert slugs(model) == slugs(adapter) == ["unlisted"]
    assert model.findings[0].hazard is Hazard.UNVERIFIED
    assert adapter.findings[0].hazard is Hazard.UNPROVEN
    assert model.findings[0].severity is adapter.findings[0].severity is Severity.MEDIUM


def test_a_denied_publisher_is_denied_even_when_trusted_too() -> None:
    context = replace(CONTEXT, trusted_publishers=frozenset({"Mallory"}))
    result = run(Publisher(), hub("MALLORY/tiny"), context)
    assert slugs(result) == ["denied"]
    assert (result.findings[0].hazard, result.findings[0].severity) == (Hazard.DENIED, Severity.CRITICAL)
    assert (result.facts["publisher.denied"], result.facts["publisher.trusted"]) == (True, False)


def test_an_imitation_is_suspicious_and_unlisted() -> None:
    result = run(Publisher(), hub("acme_mode1s/tiny"))
    assert slugs(result) == ["lookalike", "unlisted"]
    assert result.findings[0].hazard is Hazard.SUSPICIOUS
    assert result.facts["publisher.lookalike"] == "Acme-Models"


def test_a_letter_that_only_unicode_calls_equal_is_not_trusted() -> None:
    context = replace(CONTEXT, trusted_publishers=frozenset({"kimi"}))
    result = run(Publisher(), hub("\u212aimi/tiny"), context)
    assert slugs(result) == ["lookalike", "unlisted"]
    assert result.facts["publisher.trusted"] is False


@pytest.mark.parametrize(
    ("asked", "answered", "expected", "trusted"),
    [
        ("acme-models/tiny", "somebody/tiny", ["unlisted"], False),
        ("somebody/tiny", "acme-models/tiny", [], True),
        ("mallory/tiny", "acme-models/tiny", ["denied"], False),
        ("acme-models/tiny", "mallory/tiny", ["denied"], False),
        ("g00gle/tiny", "acme-models/tiny", ["lookalike"], True),
        ("acme-models/tiny", "tiny", ["unlisted"], False),
        ("tiny", "acme-models/tiny", [], True),
    ],
)
def test_the_id_that_was_answered_counts_and_the_one_asked_for_is_looked_at(asked, answered, expected, trusted) -> None:
    result = run(Publisher(), hub(asked, record=platform(requested_id=asked, returned_id=answered)))
    assert slugs(result) == expected
    assert result.facts["publisher.trusted"] is trusted


def test_an_id_without_a_publisher_is_nobodys() -> None:
    context = replace(CONTEXT, trusted_publishers=frozenset({"gpt2", ""}))
    result = run(Publisher(), offline("gpt2"), context)
    assert slugs(result) == ["unlisted"]
    assert result.facts["publisher.name"] == ""


def test_offline_the_reference_says_who_publishes() -> None:
    assert run(Publisher(), offline()).facts["publisher.trusted"] is True


@pytest.mark.parametrize(("told", "expected"), [(None, "unknown"), (True, "yes"), (False, "no")])
def test_the_hubs_word_on_the_organisation_is_passed_on(told: bool | None, expected: str) -> None:
    result = run(Publisher(), hub(record=platform(publisher_verified=told)))
    assert result.facts["publisher.verified"] == expected


def test_a_local_model_has_no_publisher_and_a_local_adapter_lacks_one() -> None:
    assert run(Publisher(), folder()).status is Status.NOT_APPLICABLE
    result = run(Publisher(), folder(kind=Kind.ADAPTER))
    assert slugs(result) == ["unlisted"]
    assert (result.findings[0].hazard, result.facts["publisher.name"]) == (Hazard.UNPROVEN, "")


def test_hostile_names_are_shown_printable() -> None:
    result = run(Publisher(), hub("goo\u202egle\x1b/tiny"))
    assert slugs(result) == ["lookalike", "unlisted"]
    assert all(finding.message.isprintable() for finding in result.findings)
