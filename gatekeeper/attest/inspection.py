"""What a signed file is, who signed it, and what it says: for people who were handed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gatekeeper.attest.verdict import (
    Verdict,
    envelope_of,
    key_hint,
    parse_sealed,
    read_verdict,
    verify_sealed,
    verify_verdict,
)
from gatekeeper.errors import SignatureError
from gatekeeper.signing import APPROVAL, DECISION, OMS, VSA, PublicKey, Statement, parse_statement

KINDS: Mapping[str, str] = {
    VSA: "a SLSA Verification Summary",
    DECISION: "a decision of gatekeeper",
    APPROVAL: "a sign-off",
    OMS: "a publisher's signature over a model",
}
"""Type of a predicate → what it is, in words."""

VERDICT = "a verdict of gatekeeper: a SLSA Verification Summary and a decision"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspection:
    """One signed file, as far as it can be told without the files that it is about."""

    what: str
    """In words; may quote the file, printable only after the medium's escaping."""

    statements: tuple[Statement, ...]
    key_ids: tuple[str, ...]
    """Keys that are said to have signed, hints; an empty text where none is named."""

    signed: bool
    verified_by: str
    """Id of the key that was verified; empty when none was."""

    refusal: str
    """Why the signature is not believed; empty when it is."""

    verdict: Verdict | None
    """When it is a whole verdict."""


def inspect(data: bytes, keys: Sequence[PublicKey]) -> Inspection:
    """Read and verify whatever somebody was handed.

    Args:
        data: Envelopes, one a line, or a Sigstore bundle.
        keys: Those that are believed; none to be told only what it claims.

    Raises:
        SignatureError: When it can't be read, or two statements of a verdict disagree.
    """
    sealed = parse_sealed(data)
    statements = tuple(parse_statement(envelope_of(each).payload) for each in sealed)
    types = sorted(each.predicate_type for each in statements)
    verdict = read_verdict(data) if types == sorted((VSA, DECISION)) else None
    signed = all(envelope_of(each).signatures or getattr(each, "certificates", ()) for each in sealed)
    verified_by, refusal = "", "no key was given to verify it with"
    if keys or not signed:
        try:
            # As `admit` does it: the halves of a verdict take one key, other statements stand for themselves.
            found = {verify_verdict(verdict, keys)} if verdict else {verify_sealed(each, keys) for each in sealed}
            verified_by, refusal = ", ".join(sorted(each.key_id for each in found)), ""
        except SignatureError as error:
            refusal = error.message
    return Inspection(
        what=VERDICT if verdict else " and ".join(KINDS.get(each, each) for each in types),
        statements=statements,
        key_ids=tuple(key_hint(each) for each in sealed),
        signed=signed,
        verified_by=verified_by,
        refusal=refusal,
        verdict=verdict,
    )
