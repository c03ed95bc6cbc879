"""A verdict read back: two envelopes that must say the same thing about the same files by the same key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatekeeper.artifact import artifact_digest
from gatekeeper.attest.decision import GateDecision
from gatekeeper.attest.predicates import decode
from gatekeeper.attest.summary import (
    FAILED,
    LEVELS,
    Inputs,
    Result,
    Summary,
    approvals_of,
    files_of,
    inputs_of,
    levels_of,
    read_summary,
)
from gatekeeper.decision import Action
from gatekeeper.errors import Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.signing import (
    DECISION,
    PAYLOAD_TYPE,
    VSA,
    Bundle,
    Envelope,
    PublicKey,
    Statement,
    parse_bundle,
    parse_envelope,
    parse_statement,
    verify_bundle,
    verify_envelope,
)
from gatekeeper.text import plural, printable

VERDICT_FILE = "verdict.intoto.jsonl"
"""Name of the file that `write` puts both envelopes into."""

_LINES = 16
"""Envelopes in one file that are read; a verdict has two."""

_KINDS = {VSA: "summary", DECISION: "decision"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What two statements say. Nothing in it is to be believed before `verify_verdict`."""

    summary: Summary
    decision: GateDecision
    files: Mapping[str, str]
    """Path → SHA-256, hexadecimal."""

    commit: str
    """Whose files these are; empty when the statements name none."""

    key_id: str
    """The key that is said to have signed it, a hint; empty when none is named."""

    signed: bool
    """Whether there are signatures at all."""

    sealed: tuple[Envelope | Bundle, ...] = field(repr=False, compare=False)
    """The two documents that they stand in."""


def read_verdict(*documents: bytes) -> Verdict:
    """Read a verdict: one `*.intoto.jsonl`, or the two Sigstore bundles of one decision.

    Raises:
        SignatureError: When the documents do not hold just one summary and one decision, or these two disagree; each
            with its own words.
    """
    sealed = [each for data in documents for each in parse_sealed(data)]
    found: dict[str, tuple[Envelope | Bundle, Statement]] = {}
    for each in sealed:
        statement = _statement(each)
        kind = _KINDS[statement.predicate_type]
        if kind in found:
            raise _malformed(f"there are two statements of the kind {kind}; a verdict has one")
        found[kind] = each, statement
    if missing := [kind for kind in _KINDS.values() if kind not in found]:
        raise _malformed(
            f"the {missing[0]} is missing: a verdict is a summary and a decision",
            hint=f"give {VERDICT_FILE}, or both bundles",
        )
    return _verdict(found["summary"], found["decision"])


def verify_verdict(verdict: Verdict, keys: Sequence[PublicKey]) -> PublicKey:
    """Say which of these keys signed both statements.

    Raises:
        SignatureError: When none did; see `gatekeeper.signing.verify_envelope`.
    """
    first, *others = [verify_sealed(each, keys) for each in verdict.sealed]
    if any(each != first for each in others):
        raise SignatureError("the summary and the decision were signed by two keys", refusal=Refusal.OTHER_KEY)
    return first


def verify_sealed(sealed: Envelope | Bundle, keys: Sequence[PublicKey]) -> PublicKey:
    """Say which of these keys signed an envelope, bare or in a bundle.

    Raises:
        SignatureError: When none did.
    """
    return verify_bundle(sealed, keys) if isinstance(sealed, Bundle) else verify_envelope(sealed, keys)


def envelope_of(sealed: Envelope | Bundle) -> Envelope:
    """Give the envelope, bare or out of its bundle."""
    return sealed.envelope if isinstance(sealed, Bundle) else sealed


def key_hint(sealed: Envelope | Bundle) -> str:
    """Give the id of the key that is said to have signed it; empty when none is named."""
    named = [each.key_id for each in envelope_of(sealed).signatures]
    return (sealed.key_hint if isinstance(sealed, Bundle) else "") or "".join(named)


def parse_sealed(data: bytes) -> tuple[Envelope | Bundle, ...]:
    """Read whatever holds envelopes: lines of them, or one bundle.

    Raises:
        SignatureError: When it is neither, or too large.
    """
    if len(data) > DEFAULT_LIMITS.signed_bytes:
        raise SignatureError(
            f"it has more than {plural(DEFAULT_LIMITS.signed_bytes, 'byte')} (signed_bytes)", refusal=Refusal.TOO_LARGE
        )
    lines = [line for line in data.split(b"\n") if line.strip()]
    if not lines:
        raise _malformed("it is empty")
    if len(lines) > _LINES and lines[0].rstrip().endswith(b"}"):
        raise _malformed(f"it has more than {_LINES} lines; a verdict has two")
    if b'"dsseEnvelope"' in data or b'"messageSignature"' in data:
        return (parse_bundle(data),)
    if not lines[0].rstrip().endswith(b"}"):
        return (parse_envelope(data),)  # one envelope over several lines
    return tuple(parse_envelope(line) for line in lines)


def _statement(sealed: Envelope | Bundle) -> Statement:
    envelope = envelope_of(sealed)
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureError(
            f"the envelope holds {printable(envelope.payload_type, 80)!r}, and {PAYLOAD_TYPE!r} was expected",
            refusal=Refusal.OTHER_TYPE,
        )
    statement = parse_statement(envelope.payload)
    if statement.predicate_type not in _KINDS:
        raise SignatureError(
            f"it states {printable(statement.predicate_type, 120)!r}, which is no part of a verdict",
            refusal=Refusal.OTHER_TYPE,
            hint=f"give {VERDICT_FILE}; `gatekeeper verify` says what a file is",
        )
    return statement


def _verdict(summary: tuple[Envelope | Bundle, Statement], decision: tuple[Envelope | Bundle, Statement]) -> Verdict:
    sealed = (summary[0], decision[0])
    said, decided = summary[1], decision[1]
    if said.subjects != decided.subjects:
        raise _malformed("the summary and the decision are about different subjects")
    hints = {key_hint(each) for each in sealed}
    signed = {bool(envelope_of(each).signatures) for each in sealed}
    if len(signed) > 1:
        raise SignatureError("only one of the two statements is signed", refusal=Refusal.NO_SIGNATURE)
    if len(hints) > 1:
        raise SignatureError("the summary and the decision name two keys", refusal=Refusal.OTHER_KEY)
    files, commit = files_of(said)
    verdict = Verdict(
        summary=read_summary(said.predicate),
        decision=decode(GateDecision, dict(decided.predicate), "the decision"),
        files=files,
        commit=commit,
        key_id="".join(hints),
        signed=signed == {True},
        sealed=sealed,
    )
    if what := _disagreement(verdict, inputs_of(said.predicate)):
        raise _malformed(f"the summary and the decision disagree about {what}")
    return verdict


def _disagreement(verdict: Verdict, inputs: Inputs) -> str:
    """Say in what the two statements differ; empty when they agree.

    One key may sign two verdicts on the same files within a second, so that halves of both would seem to be one.

    Args:
        verdict: As read.
        inputs: What the summary lists; a report need not be listed, the sign-offs that counted must be.
    """
    summary, decision = verdict.summary, verdict.decision
    passed = summary.verification_result is Result.PASSED
    pairs: tuple[tuple[str, object, object], ...] = (
        ("the result", passed, decision.verdict is Action.ALLOW),
        ("its levels", FAILED in summary.verified_levels, not passed),
        # Only those known here are held against facts: another version may have more.
        ("its levels", set(summary.verified_levels) & set(LEVELS) - set(levels_of(decision)), set()),
        ("the resource", summary.resource_uri, decision.artifact.resource_uri),
        ("the policy's digest", _sha256_of(summary.policy.digest), decision.policy.digest),
        ("the time", summary.time_verified, decision.decided_at),
        ("the verifier", summary.verifier.id, decision.verifier_id),
        ("the versions of the tools", summary.verifier.version, decision.tool_versions),
        ("the report", inputs.report or decision.report_sha256, decision.report_sha256),
        ("the sign-offs", inputs.approvals, approvals_of(decision)),
        ("the digest of all files", artifact_digest(verdict.files.items()), decision.artifact.digest),
        ("the commit", verdict.commit or decision.artifact.commit, decision.artifact.commit),
    )
    return next((what for what, one, other in pairs if one != other), "")


def _sha256_of(digest: Mapping[str, str]) -> str:
    return f"sha256:{digest.get('sha256', '')}"


def _malformed(message: str, *, hint: str = "") -> SignatureError:
    return SignatureError(message, refusal=Refusal.MALFORMED, hint=hint)
