"""The signed verdict beside a report, as an audit report shows it: verified, unsigned, or refused and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import InputError, SignatureError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.text import printable

if TYPE_CHECKING:
    from gatekeeper.report import AuditInput, SignedState
    from gatekeeper.signing import PublicKey


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
        from gatekeeper.attest import VERDICT_FILE

        path = report.with_name(VERDICT_FILE)
        try:
            if path.exists() and not path.is_file():  # a pipe would wait for ever
                raise InputError(f"{printable(str(path), 400)} is no regular file")
            with path.open("rb") as stream:
                data = stream.read(DEFAULT_LIMITS.signed_bytes + 1)
        except FileNotFoundError:
            return given
        except OSError as error:
            raise InputError(f"{printable(str(path), 400)} can't be read: {error.strerror}") from error
        return replace(given, signed=self._state(data, given.digest))

    def _state(self, data: bytes, digest: str) -> SignedState:
        from gatekeeper.attest import read_verdict, verify_verdict
        from gatekeeper.report import SignatureState, SignedState

        try:
            verdict = read_verdict(data)
            if verdict.decision.report_sha256 != digest:
                return SignedState(state=SignatureState.REFUSED, words="it was given for another report.json")
            if not verdict.signed:
                return SignedState(state=SignatureState.UNSIGNED)
            if not self._keys:
                return SignedState(state=SignatureState.UNVERIFIED)
            signer = verify_verdict(verdict, self._keys)
        except SignatureError as error:
            return SignedState(state=SignatureState.REFUSED, words=error.message)
        return SignedState(state=SignatureState.VERIFIED, key_id=signer.key_id)
