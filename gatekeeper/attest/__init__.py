"""Attestation → signed statements, and back: what somebody else can check later.

`statements` says a decision in two statements, `write` puts them into a folder, `read_verdict` and `verify_verdict`
give them back to whoever deploys. `approval_statement` says a person's sign-off, `read_approval` and `read_approvals`
give it back. `bom` lists models as a bill of materials. Each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.lazy import lazy

if TYPE_CHECKING:
    from gatekeeper.attest.approval import APPROVAL_ENDING, approval_statement, read_approval, read_approvals
    from gatekeeper.attest.bom_component import Attested
    from gatekeeper.attest.bom_document import SPECS, bom, bom_json
    from gatekeeper.attest.decision import GateDecision
    from gatekeeper.attest.expectations import Expectations, Outcome, Step, check_verdict
    from gatekeeper.attest.inspection import Inspection, inspect
    from gatekeeper.attest.resource import DEFAULT_VERIFIER, hub_uri, resource_uri
    from gatekeeper.attest.schema import json_schema
    from gatekeeper.attest.stating import refusal, statements
    from gatekeeper.attest.summary import LEVELS, Result, Summary
    from gatekeeper.attest.verdict import VERDICT_FILE, Verdict, read_verdict, verify_verdict
    from gatekeeper.attest.writing import remove, write

_HOMES = {
    "APPROVAL_ENDING": "approval",
    "Attested": "bom_component",
    "DEFAULT_VERIFIER": "resource",
    "LEVELS": "summary",
    "VERDICT_FILE": "verdict",
    "Expectations": "expectations",
    "GateDecision": "decision",
    "Inspection": "inspection",
    "Outcome": "expectations",
    "Result": "summary",
    "SPECS": "bom_document",
    "Step": "expectations",
    "Summary": "summary",
    "Verdict": "verdict",
    "approval_statement": "approval",
    "bom": "bom_document",
    "bom_json": "bom_document",
    "check_verdict": "expectations",
    "hub_uri": "resource",
    "inspect": "inspection",
    "json_schema": "schema",
    "read_approval": "approval",
    "read_approvals": "approval",
    "read_verdict": "verdict",
    "refusal": "stating",
    "remove": "writing",
    "resource_uri": "resource",
    "statements": "stating",
    "verify_verdict": "verdict",
    "write": "writing",
}

__all__ = [
    "APPROVAL_ENDING",
    "DEFAULT_VERIFIER",
    "LEVELS",
    "SPECS",
    "VERDICT_FILE",
    "Attested",
    "Expectations",
    "GateDecision",
    "Inspection",
    "Outcome",
    "Result",
    "Step",
    "Summary",
    "Verdict",
    "approval_statement",
    "bom",
    "bom_json",
    "check_verdict",
    "hub_uri",
    "inspect",
    "json_schema",
    "read_approval",
    "read_approvals",
    "read_verdict",
    "refusal",
    "remove",
    "resource_uri",
    "statements",
    "verify_verdict",
    "write",
]

__getattr__ = lazy(__name__, _HOMES)
