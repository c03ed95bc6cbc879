"""Evidence → decision: the deployer's table over a typed vocabulary of facts, and the laws above it.

`load` reads a policy, `decide` applies it to evidence. Importing this package is cheap; the expression engine,
pydantic and yaml are loaded with the first name that needs them.

Example:
    >>> from datetime import datetime, timezone
    >>> from gatekeeper.evidence import Evidence
    >>> from gatekeeper.policy import SubjectKey, decide, load
    >>> nothing = Evidence(results=())
    >>> subject = SubjectKey(reference="hf://org/name", commit="0" * 40)
    >>> decision = decide(nothing, load(), subject=subject, now=datetime.now(timezone.utc))
    >>> decision.action.value, decision.row
    ('escalate', 'required-unknown')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.lazy import lazy

if TYPE_CHECKING:
    from gatekeeper.policy.approvals import APPROVED, obstacle
    from gatekeeper.policy.builtin import BUILTIN_POLICIES
    from gatekeeper.policy.facts import VOCABULARY
    from gatekeeper.policy.gathering import FactError
    from gatekeeper.policy.linting import LintFinding, lint
    from gatekeeper.policy.loading import KnownChecks, load
    from gatekeeper.policy.policy import Policy, PolicySource, Row, SubjectKey, Thresholds, Waiver
    from gatekeeper.policy.schema import json_schema
    from gatekeeper.policy.table import decide, decide_facts, explain
    from gatekeeper.policy.testing import CaseResult, PolicyTestReport, builtin_tests, read_tests, run_tests

_HOMES = {
    "APPROVED": "approvals",
    "BUILTIN_POLICIES": "builtin",
    "VOCABULARY": "facts",
    "CaseResult": "testing",
    "FactError": "gathering",
    "KnownChecks": "loading",
    "LintFinding": "linting",
    "Policy": "policy",
    "PolicySource": "policy",
    "Row": "policy",
    "SubjectKey": "policy",
    "PolicyTestReport": "testing",
    "Thresholds": "policy",
    "Waiver": "policy",
    "builtin_tests": "testing",
    "decide": "table",
    "decide_facts": "table",
    "explain": "table",
    "json_schema": "schema",
    "lint": "linting",
    "load": "loading",
    "obstacle": "approvals",
    "read_tests": "testing",
    "run_tests": "testing",
}

__all__ = [
    "APPROVED",
    "BUILTIN_POLICIES",
    "VOCABULARY",
    "CaseResult",
    "FactError",
    "KnownChecks",
    "LintFinding",
    "Policy",
    "PolicySource",
    "PolicyTestReport",
    "Row",
    "SubjectKey",
    "Thresholds",
    "Waiver",
    "builtin_tests",
    "decide",
    "decide_facts",
    "explain",
    "json_schema",
    "lint",
    "load",
    "obstacle",
    "read_tests",
    "run_tests",
]

__getattr__ = lazy(__name__, _HOMES)
