"""What holds for all provenance checks alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gatekeeper.artifact import Kind, Scheme
from gatekeeper.checks.provenance import ALL
from gatekeeper.evidence import FactValue, Severity, Status
from gatekeeper.policy.facts import BY_NAME, VOCABULARY, Fact, FactType
from tests.support.hub_artifacts import CONTEXT, crashed, folder, hub, locked, offline, run

_TYPES: dict[FactType, type] = {
    FactType.BOOL: bool,
    FactType.INT: int,
    FactType.DOUBLE: float,
    FactType.STRING: str,
    FactType.LIST: tuple,
}
_ARTIFACTS = {
    "hub": hub(),
    "offline": offline(),
    "folder": folder(),
    "file": folder(scheme=Scheme.FILE),
    "adapter folder": folder(kind=Kind.ADAPTER),
    "metadata only": hub(metadata_only=True),
}
each = pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)


def _fits(value: FactValue, fact: Fact) -> bool:
    return type(value) is _TYPES[fact.type] and (not fact.values or value in fact.values)


def test_report_order_is_fixed() -> None:
    names = ["revision", "bytes", "lock", "redirect", "publisher", "history", "lineage", "licence", "platform-scan"]
    assert [check.id for check in ALL] == [f"provenance/{name}" for name in names]


@each
def test_each_check_explains_itself(check) -> None:
    description = check.describe()
    assert description.title
    assert len({rule.id for rule in description.rules}) == len(description.rules)
    assert all(rule.title and rule.mend.endswith(".") for rule in description.rules)


@each
def test_each_check_declares_the_facts_that_the_vocabulary_gives_it(check) -> None:
    assert set(check.facts) == {fact.name for fact in VOCABULARY if fact.set_by == check.id}


@each
@pytest.mark.parametrize("artifact", _ARTIFACTS.values(), ids=_ARTIFACTS)
def test_facts_fit_the_vocabulary_and_were_declared(check, artifact) -> None:
    result = run(check, artifact)
    assert not crashed(result)
    assert set(result.facts) <= set(check.facts)
    for name, value in result.facts.items():
        assert _fits(value, BY_NAME[name]), (name, value)


@each
def test_a_well_kept_repo_of_a_trusted_publisher_passes(check) -> None:
    result = run(check, hub(), replace(CONTEXT, locked=locked(hub())))
    assert (result.status, result.findings, result.gaps) == (Status.PASS, (), ())
    assert set(result.facts) == set(check.facts)


@each
@pytest.mark.parametrize("kind", list(Kind))
def test_no_check_is_unknown_for_a_local_folder(check, kind) -> None:
    assert run(check, folder(kind=kind)).status is not Status.UNKNOWN


def test_a_local_folder_is_never_without_a_finding() -> None:
    findings = [finding for check in ALL for finding in run(check, folder()).findings]
    assert any(finding.severity >= Severity.MEDIUM for finding in findings)


def test_checks_that_need_the_hub_do_not_pass_without_it() -> None:
    unknown = {check.id for check in ALL if run(check, offline(), CONTEXT).status is Status.UNKNOWN}
    assert unknown == {f"provenance/{name}" for name in ("bytes", "redirect", "history", "platform-scan")}
