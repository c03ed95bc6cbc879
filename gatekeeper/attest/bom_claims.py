"""The verdict in a bill of materials: a declared claim about each model, its evidence, and the policy it was held to.

CycloneDX (1.6 and later) has declarations for this: a standard with requirements, claims about targets, evidence, and
attestations in which an assessor maps claims to requirements. Here the standard is the deployer's own policy, and its
one requirement is that the decision be `allow`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, time

from gatekeeper.attest.bom_component import Attested, reference_of
from gatekeeper.attest.bom_words import MAX_VERSION, Object, name_text, sha256_hashes, time_text, words
from gatekeeper.decision import Action, ApprovalState, Decision, WaiverState
from gatekeeper.text import plural, printable

ASSESSOR = "assessor:gatekeeper"


def declarations(models: Sequence[Attested]) -> Object:
    """Give `declarations` and `definitions` for the models that a policy decided on; empty when there are none."""
    decided = [(model, model.attestation.decision) for model in models]
    verdicts = [(model, decision) for model, decision in decided if decision]
    if not verdicts:
        return {}
    evidence = [each for model, decision in verdicts for each in (_evidence(model), *_allowances(model, decision))]
    return {
        "declarations": {
            "assessors": [{"bom-ref": ASSESSOR, "thirdParty": False, "organization": {"name": "gatekeeper"}}],
            "attestations": [_attestation(model, decision) for model, decision in verdicts],
            "claims": [_claim(model, decision) for model, decision in verdicts],
            "evidence": evidence,
        },
        "definitions": {"standards": _standards([decision for _, decision in verdicts])},
    }


def _policy_ref(decision: Decision) -> str:
    # Hashed, since a name may hold anything and no reference may read as another one.
    named = f"{decision.policy_digest}\0{decision.policy_name}".encode("utf-8", "surrogatepass")
    return f"policy:{hashlib.sha256(named).hexdigest()}"


def _standards(decisions: Sequence[Decision]) -> list[Object]:
    by_ref = {_policy_ref(decision): decision for decision in decisions}
    return [
        {
            "bom-ref": ref,
            "name": name_text(decision.policy_name),
            "version": printable(decision.policy_digest, MAX_VERSION) or "unknown",
            "description": "The deployer's policy for admitting models.",
            "requirements": [
                {
                    "bom-ref": f"{ref}/allow",
                    "identifier": "allow",
                    "title": "The decision is allow",
                    "text": "The first row of the policy that holds asks to allow the model, and no law forbids it.",
                }
            ],
        }
        for ref, decision in sorted(by_ref.items())
    ]


def _claim(model: Attested, decision: Decision) -> Object:
    about = f" under the policy {decision.policy_name}" if decision.policy_name else ""
    used = [f"allowance:{model.digest}/{number}" for number in range(len(_used(decision)))]
    return {
        "bom-ref": f"claim:{model.digest}",
        "target": reference_of(model),
        "predicate": words(f"The decision{about} is {decision.action.value}, by {decision.row}."),
        "reasoning": words(decision.because),
        "evidence": [f"evidence:{model.digest}"],
        **({"mitigationStrategies": used} if used else {}),
        "externalReferences": [
            {
                "type": "attestation",
                "url": f"urn:gatekeeper:report:sha256:{model.digest}",
                **sha256_hashes(model.digest),
            }
        ],
    }


def _attestation(model: Attested, decision: Decision) -> Object:
    allowed = decision.action is Action.ALLOW
    rationale = "; ".join((f"decided by {decision.row}", *decision.laws))
    return {
        "summary": words(f"{decision.action.value}: {decision.because}"),
        "assessor": ASSESSOR,
        "map": [
            {
                "requirement": f"{_policy_ref(decision)}/allow",
                "claims": [f"claim:{model.digest}"],
                "conformance": {"score": 1 if allowed else 0, "rationale": words(rationale)},
            }
        ],
    }


def _evidence(model: Attested) -> Object:
    attestation = model.attestation
    looked = f"{plural(len(attestation.results), 'check')} with {plural(len(attestation.findings), 'finding')}"
    return {
        "bom-ref": f"evidence:{model.digest}",
        "description": f"Results of {looked}, as gatekeeper recorded them.",
        "created": time_text(attestation.created_at),
        "data": [
            {"name": "report.json", "contents": {"url": f"urn:gatekeeper:report:sha256:{model.digest}"}},
        ],
    }


def _used(decision: Decision) -> list[tuple[str, str, datetime]]:
    """Give what let the model pass beside the table: words, who answers for them, and until when."""
    waivers = [
        (f"Waiver of {waiver.finding}: {waiver.reason}", waiver.approver, waiver.expires)
        for waiver in decision.waivers
        if waiver.state is WaiverState.USED
    ]
    approvals = [
        (f"Approval of {use.approval.row}: {use.approval.reason}", use.approval.by, use.approval.expires)
        for use in decision.approvals
        if use.state is ApprovalState.USED
    ]
    last = time(23, 59, 59, tzinfo=UTC)
    return sorted((told, who, datetime.combine(day, last)) for told, who, day in (*waivers, *approvals))


def _allowances(model: Attested, decision: Decision) -> list[Object]:
    return [
        {
            "bom-ref": f"allowance:{model.digest}/{number}",
            "description": words(told),
            "created": time_text(model.attestation.created_at),
            "expires": time_text(expires),
            "reviewer": {"name": name_text(who)},
        }
        for number, (told, who, expires) in enumerate(_used(decision))
    ]
