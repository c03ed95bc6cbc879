"""Every rule of the adapter checks is broken by its subject and spared by an honest near miss; none is left out."""

from __future__ import annotations

import pytest

from gatekeeper.checks.adapter import ALL
from gatekeeper.checks.adapter.claims import AdapterClaims
from gatekeeper.checks.adapter.scope import AdapterScope
from gatekeeper.evidence import Severity, Status
from tests.checks_adapter.adapter_pairs import PAIRS, judged

# Rules of weights have a file of pairs of their own.
CHECKS = {
    f"{check.id}/{rule.slug}": check
    for check in ALL
    for rule in check.rules
    if isinstance(check, AdapterClaims | AdapterScope)
}


def test_every_rule_has_a_pair_and_every_pair_a_rule() -> None:
    assert sorted(PAIRS) == sorted(CHECKS)


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_a_rule_is_broken_by_its_subject(rule: str) -> None:
    result = judged(CHECKS[rule], PAIRS[rule].fires())
    assert rule in {finding.id for finding in result.findings}
    assert result.status is not Status.PASS


@pytest.mark.parametrize("rule", sorted(PAIRS))
def test_an_honest_near_miss_is_spared_by_both_checks(rule: str) -> None:
    for check in (AdapterClaims(), AdapterScope()):
        result = judged(check, PAIRS[rule].near())
        assert [finding.message for finding in result.findings if finding.severity > Severity.INFO] == []
        assert [gap.reason for gap in result.gaps] == []
