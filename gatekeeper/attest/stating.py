"""An attestation as two statements: the summary for everybody, the decision for whoever wants to know why."""

from __future__ import annotations

from gatekeeper.artifact import artifact_digest
from gatekeeper.attest.decision import decision_of
from gatekeeper.attest.predicates import encode
from gatekeeper.attest.resource import DEFAULT_VERIFIER
from gatekeeper.attest.summary import predicate_of, subjects_of
from gatekeeper.attestation import Attestation
from gatekeeper.errors import InputError
from gatekeeper.signing import DECISION, VSA, Statement
from gatekeeper.text import printable


def refusal(attestation: Attestation) -> str:
    """Say why nothing can be stated of an attestation: a few words; empty when it can."""
    decision, subject = attestation.decision, attestation.subject
    if decision is None:
        return "a scan decides nothing"
    if subject.metadata_only or not subject.digest or not all(each.sha256 for each in subject.files):
        return "not every file was hashed, so nothing says which bytes it would be about"
    if not subject.files:
        return "it is about no file"
    paths = [*(each.path for each in subject.files), *(each.path for each in subject.excluded)]
    if odd := next((path for path in paths if not _is_text(path)), ""):
        return f"the name of {printable(odd)} is no Unicode, which a statement can't hold"
    if artifact_digest((each.path, each.sha256) for each in subject.files) != subject.digest:
        return "its digest is not that of its files"
    if not decision.policy_digest:
        return "it names no policy by its digest"
    return ""


def statements(
    attestation: Attestation, *, report_sha256: str, verifier_id: str = DEFAULT_VERIFIER
) -> tuple[Statement, Statement]:
    """Say an attestation in two statements about the same subjects.

    Args:
        attestation: Of a gate that hashed every file.
        report_sha256: SHA-256 of the bytes of its report.json, hexadecimal.
        verifier_id: URI of who decides.

    Returns:
        The SLSA Verification Summary, and gatekeeper's own decision.

    Raises:
        InputError: When nothing can be stated of it; see `refusal`.
    """
    if why := refusal(attestation):
        raise InputError(
            f"there is no verdict to write: {why}", hint="gate the whole artifact, without --metadata-only"
        )
    decision = decision_of(attestation, report_sha256=report_sha256, verifier_id=verifier_id)
    matches_commit = decision.facts.get("bytes.hub") == "match"
    subjects = subjects_of(attestation.subject, matches_commit=matches_commit)
    return (
        Statement(subjects=subjects, predicate_type=VSA, predicate=predicate_of(decision, attestation.subject)),
        Statement(subjects=subjects, predicate_type=DECISION, predicate=encode(decision)),
    )


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)
