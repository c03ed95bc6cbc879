"""What the Hub or its client answered → our errors, with what to do about each.

Everything that leaves here is redacted and printable: messages of the Hub are somebody else's text.
"""

from __future__ import annotations

from gatekeeper.errors import AccessError, GatekeeperError, NotFoundError, SourceError
from gatekeeper.redaction import redact
from gatekeeper.text import printable

RETRIED = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that a later attempt may not get."""

_PRIVATE_HINT = (
    "the Hub answers alike for repos that do not exist and for private ones: check the name, and whether HF_TOKEN "
    "belongs to somebody who may read it"
)


def refused(status: int, code: str, message: str, *, what: str) -> GatekeeperError:
    """Translate an answer that is no success.

    Args:
        status: HTTP status.
        code: `X-Error-Code`, or empty.
        message: `X-Error-Message`, or empty.
        what: The repo or address that was asked for, fit to be shown.
    """
    said = printable(redact(message))
    if code == "GatedRepo":
        return AccessError(
            f"{what} is gated and the token at hand has no access",
            hint="ask for access on its page, then set HF_TOKEN to a token of that account",
        )
    if "Access to this resource is disabled" in message or code == "DisabledRepo":
        return AccessError(f"the Hub has disabled {what}", hint="its page says why; choose another")
    if code == "RevisionNotFound":
        return NotFoundError(f"{what} has no such revision", hint="check the branch, tag or commit")
    if status == 401 and "Invalid credentials" in message:
        return AccessError("the Hub does not accept the token at hand", hint="set HF_TOKEN to a valid one")
    if code == "RepoNotFound" or status in (401, 404):
        return NotFoundError(f"{what} does not exist, or is private", hint=_PRIVATE_HINT)
    if status == 403:
        return AccessError(f"the Hub refuses access to {what}: {said or 'forbidden'}", hint=_PRIVATE_HINT)
    if status == 429:
        return SourceError(f"the Hub asks to slow down ({what})", hint="run again later, or with a token")
    return SourceError(f"the Hub answered {status} for {what}{': ' + said if said else ''}", hint="run again later")


def unreachable(error: BaseException, *, endpoint: str) -> SourceError:
    """Translate a request that got no answer: no such host, refused, dropped, timed out."""
    reason = printable(redact(str(error))).rstrip(".") or "no reason given"
    return SourceError(
        f"{printable(redact(endpoint))} could not be reached: {type(error).__name__}, {reason}",
        hint="check the network, HF_ENDPOINT and the proxy, or use --offline with what the cache holds",
    )


def nonsense(what: str, reason: str) -> SourceError:
    """Say that the Hub answered, but not as its API promises."""
    return SourceError(
        f"the Hub's answer for {what} is not what its API promises: {printable(redact(reason))}",
        hint="run again; if it stays, check that HF_ENDPOINT is a Hub",
    )
