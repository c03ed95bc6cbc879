"""The SLSA Verification Summary (VSA): passed or failed, for any consumer that knows the standard.

Source: https://slsa.dev/spec/v1.2/verification_summary, read at version 1.2 of the specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gatekeeper.attest.decision import GateDecision
from gatekeeper.attest.predicates import decode, encode
from gatekeeper.attest.resource import policy_uri
from gatekeeper.attestation import Subject
from gatekeeper.decision import Action, ApprovalState
from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.evidence import FactValue
from gatekeeper.signing import Statement, StatementSubject, strict

SLSA_VERSION = "1.2"
FAILED = "FAILED"
"""The one level of whatever did not pass (SlsaResult in the specification)."""

LEVELS: Mapping[str, str] = {
    "GATEKEEPER_ALLOW": "the verdict is allow",
    "GATEKEEPER_PINNED": "the reference named one commit",
    "GATEKEEPER_LOCKED": "the bytes are those that a lock pins",
    "GATEKEEPER_TRUSTED_PUBLISHER": "the policy trusts the publisher",
    "GATEKEEPER_SIGNED_PUBLISHER": "a signer whom the policy trusts signed the files",
    "GATEKEEPER_APPROVED": "somebody signed off an audit or an escalation",
    "GATEKEEPER_PATCHED": "the weights were repaired, and the repair was verified",
}
"""Properties that a passed summary can have, as the specification lets verifiers define their own → meaning."""

_BY_FACT: tuple[tuple[str, str, FactValue], ...] = (
    ("GATEKEEPER_PINNED", "source.pinned", True),
    ("GATEKEEPER_LOCKED", "bytes.lock", "match"),
    ("GATEKEEPER_TRUSTED_PUBLISHER", "publisher.trusted", True),
    ("GATEKEEPER_SIGNED_PUBLISHER", "signature.trusted", True),
    ("GATEKEEPER_PATCHED", "remedy.verified", True),
)
_PUBLISHER_SIGNATURE = "model.sig"
_REPORT = "report.json"
_APPROVAL = "application/vnd.in-toto.approval+dsse"
"""Media type of a sign-off, as the envelope layer of in-toto has them be named."""


class Result(StrEnum):
    """What a summary says."""

    PASSED = "PASSED"
    FAILED = "FAILED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verifier:
    """Who decided."""

    id: str
    version: Mapping[str, str]
    """Component → version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """A resource, as in-toto describes one."""

    uri: str
    digest: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """The predicate of a VSA, as far as gatekeeper reads it."""

    verifier: Verifier
    time_verified: datetime
    resource_uri: str
    policy: Descriptor
    verification_result: Result
    verified_levels: tuple[str, ...]


def predicate_of(decision: GateDecision, subject: Subject) -> Mapping[str, Any]:
    """Write the predicate of the VSA that goes with a decision.

    It makes no claim about dependencies (`dependencyLevels`): nothing of a base model is looked at through an adapter.
    """
    summary = Summary(
        verifier=Verifier(id=decision.verifier_id, version=decision.tool_versions),
        time_verified=decision.decided_at,
        resource_uri=decision.artifact.resource_uri,
        policy=Descriptor(
            uri=policy_uri(decision.policy.name), digest={"sha256": decision.policy.digest.removeprefix("sha256:")}
        ),
        verification_result=Result.PASSED if decision.verdict is Action.ALLOW else Result.FAILED,
        verified_levels=levels_of(decision),
    )
    predicate: dict[str, Any] = {**encode(summary), "slsaVersion": SLSA_VERSION}
    if inputs := _inputs(decision, subject):
        predicate["inputAttestations"] = inputs
    return predicate


def read_summary(predicate: Mapping[str, Any]) -> Summary:
    """Read the predicate of a VSA.

    Raises:
        SignatureError: When it is of another shape (`malformed`).
    """
    return decode(Summary, dict(predicate), "the summary")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a verdict was made of, by its SHA-256."""

    report: str
    """Of report.json; empty when it is not listed."""

    approvals: frozenset[str]
    """Of the envelopes of the sign-offs that counted."""


def inputs_of(predicate: Mapping[str, Any]) -> Inputs:
    """Give what a summary lists as its inputs.

    Raises:
        SignatureError: When the list is of another shape (`malformed`).
    """
    report, approvals = "", set()
    for each in strict.items(predicate.get("inputAttestations", []), "the summary's inputAttestations"):
        if not isinstance(each, Mapping) or not isinstance(digest := each.get("digest"), Mapping):
            raise strict.malformed("an input of the summary is no object with a digest")
        if each.get("name") == _REPORT:
            report = strict.text(digest.get("sha256"), "the digest of the summary's report")
        if each.get("mediaType") == _APPROVAL:
            approvals.add(strict.text(digest.get("sha256"), "the digest of a sign-off in the summary"))
    return Inputs(report=report, approvals=frozenset(approvals))


def approvals_of(decision: GateDecision) -> frozenset[str]:
    """Give the sign-offs that counted, by their digests; none when not all of these are known."""
    digests = frozenset(use.approval.sha256 for use in decision.approvals if use.state is ApprovalState.USED)
    return frozenset() if "" in digests else digests


def levels_of(decision: GateDecision) -> tuple[str, ...]:
    """Give the properties that a decision has, in the order of `LEVELS`; FAILED alone when it is not allow."""
    if decision.verdict is not Action.ALLOW:
        return (FAILED,)
    held = {level for level, fact, value in _BY_FACT if decision.facts.get(fact) == value}
    if any(each.state is ApprovalState.USED for each in decision.approvals):
        held.add("GATEKEEPER_APPROVED")
    return tuple(level for level in LEVELS if level == "GATEKEEPER_ALLOW" or level in held)


def subjects_of(subject: Subject, *, matches_commit: bool) -> tuple[StatementSubject, ...]:
    """Name every file by its digest, and the commit where the bytes are known to be its and all of it.

    Args:
        subject: With a digest for each file.
        matches_commit: Whether the Hub's listing of the commit agrees with our digests.
    """
    files = tuple(StatementSubject(name=each.path, digest={"sha256": each.sha256}) for each in subject.files)
    # Somebody who matches by the commit alone must not take a verdict on some of its files for one on all.
    if not (subject.commit and matches_commit and not subject.exclude):
        return files
    commit = StatementSubject(name=f"{subject.name}@{subject.commit}", digest={"gitCommit": subject.commit})
    # Names stand once in a statement, and a file may be called anything.
    return files if any(each.path == commit.name for each in subject.files) else (*files, commit)


def files_of(statement: Statement) -> tuple[dict[str, str], str]:
    """Take subjects apart again: path → SHA-256, and the commit (empty when none is named).

    Raises:
        SignatureError: When a subject is neither a file nor the commit (`malformed`).
    """
    files = {each.name: each.digest["sha256"] for each in statement.subjects if set(each.digest) == {"sha256"}}
    commits = [each.digest["gitCommit"] for each in statement.subjects if set(each.digest) == {"gitCommit"}]
    if len(files) + len(commits) != len(statement.subjects) or len(commits) > 1 or not files:
        raise SignatureError(
            "the statement's subjects are not one sha256 for each file and at most one commit",
            refusal=Refusal.MALFORMED,
        )
    return files, "".join(commits)


def _inputs(decision: GateDecision, subject: Subject) -> list[dict[str, Any]]:
    """List every attestation that was used, or nothing: the specification takes no incomplete list.

    So nothing is listed when a sign-off counted that came from no file.
    """
    approvals = approvals_of(decision)
    if not approvals and "GATEKEEPER_APPROVED" in levels_of(decision):
        return []
    inputs: list[dict[str, Any]] = [
        {"name": _REPORT, "mediaType": "application/json", "digest": {"sha256": decision.report_sha256}}
    ]
    signature = next((each for each in subject.files if each.path == _PUBLISHER_SIGNATURE), None)
    if signature is not None and decision.facts.get("signature.status", "none") != "none":
        inputs.append({"name": signature.path, "digest": {"sha256": signature.sha256}})
    inputs += [
        {"name": f"approval-{digest[:12]}", "mediaType": _APPROVAL, "digest": {"sha256": digest}}
        for digest in sorted(approvals)
    ]
    return inputs
