"""Every rule of every file check is broken by its subject and spared by an honest near miss; no rule is left out."""

from __future__ import annotations

import pytest

from gatekeeper.checks.files import ALL
from gatekeeper.evidence import Severity
from tests.checks_files.rule_pairs import FAMILIES, PAIRS
from tests.support.artifacts import look

CHECKS = {f"{check.id}/{rule.slug}": check for check in ALL for rule in check.rules}


def test_the_registry_of_pairs_covers_every_rule_exactly_once() -> None:
    assert sorted(PAIRS) == sorted(CHECKS)
    assert sum(len(family) for family in FAMILIES) == len(PAIRS)


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_a_rule_is_broken_by_its_subject(rule: str) -> None:
    result = look(CHECKS[rule], PAIRS[rule].fires())
    assert rule in {finding.id for finding in result.findings}


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_an_honest_near_miss_is_spared(rule: str) -> None:
    result = look(CHECKS[rule], PAIRS[rule].near())
    assert [finding.message for finding in result.findings if finding.severity > Severity.INFO] == []
    assert [gap.reason for gap in result.gaps] == []
