"""The signed verdict beside a report, as an audit report shows it: verified, unsigned, or refused and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError, Refusal, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.report import AuditInput, SignedState
    from gatekeeper.signing import Envelope, PublicKey

VERDICT_NAME = "verdict.intoto.jsonl"
"""File name of a verdict, beside the report that it is about."""

REPORT_DIGEST = "report_sha256"
"""Field of the decision with the SHA-256 of the report.json that it was given with."""

_ENVELOPES = 2


class VerdictStates:
    """Holds the verdicts beside reports against the keys that were given.

    Args:
        keys: Files with public keys; none to verify nothing.

    Raises:
        InputError: When one holds no key.
    """

    def __init__(self, keys: tuple[Path, ...]) -> None:
        """Read the keys once, before any report."""
        self._keys: tuple[PublicKey, ...] = ()
        if keys:
            from gatekeeper.signing import read_public_key

            self._keys = tuple(read_public_key(path) for path in keys)

    def of(self, given: AuditInput, report: Path) -> AuditInput:
        """Give the input with what is known of the verdict beside its report.

        Raises:
            InputError: When there is a verdict that can't be opened.
        """
        path = report.with_name(VERDICT_NAME)
        try:
            with path.open("rb") as stream:
                data = stream.read(DEFAULT_LIMITS.signed_bytes + 1)
        except FileNotFoundError:
            return given
        except OSError as error:
            raise InputError(f"{printable(str(path), 400)} can't be read: {error.strerror}") from error
        return replace(given, signed=self._state(data, given.digest))

    def _state(self, data: bytes, digest: str) -> SignedState:
        from gatekeeper.report import SignatureState, SignedState
        from gatekeeper.signing import verify_envelope

        try:
            envelopes = _envelopes(data)
            _hold_against(envelopes, digest)
            if not any(each.signatures for each in envelopes):
                return SignedState(state=SignatureState.UNSIGNED)
            if not self._keys:
                return SignedState(state=SignatureState.UNVERIFIED)
            signers = {verify_envelope(each, self._keys).key_id for each in envelopes}
            if len(signers) > 1:
                raise SignatureError("its two statements have different signers", refusal=Refusal.OTHER_KEY)
        except SignatureError as error:
            return SignedState(state=SignatureState.REFUSED, words=error.message)
        return SignedState(state=SignatureState.VERIFIED, key_id=signers.pop())


def _envelopes(data: bytes) -> tuple[Envelope, ...]:
    """Read the two envelopes of a verdict: the summary (VSA) and the decision.

    Raises:
        SignatureError: When it holds anything else.
    """
    from gatekeeper.signing import parse_envelope

    lines = data.splitlines()
    if len(lines) != _ENVELOPES:
        raise SignatureError(f"{VERDICT_NAME} has {len(lines)} lines, and two were expected", refusal=Refusal.MALFORMED)
    return tuple(parse_envelope(line) for line in lines)


def _hold_against(envelopes: tuple[Envelope, ...], digest: str) -> None:
    """Refuse a verdict that was given for another report.

    Raises:
        SignatureError: When a statement is malformed, or the decision names another report.json.
    """
    from gatekeeper.signing import DECISION, VSA, parse_statement

    statements = {each.predicate_type: each for each in (parse_statement(each.payload) for each in envelopes)}
    if statements.keys() != {VSA, DECISION}:
        raise SignatureError("it does not hold one summary and one decision", refusal=Refusal.OTHER_TYPE)
    if statements[DECISION].predicate.get(REPORT_DIGEST) != digest:
        raise SignatureError("it was given for another report.json than this one", refusal=Refusal.MALFORMED)
