"""Signers: whose signatures a deployer believes. Plain data, from the policy, without any cryptography."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedSigner:
    """A publisher's signer. Exactly one of `key`, `certificates` and `identity` is set."""

    name: str
    """By which reports and the lock name it."""

    key: str = ""
    """Public key, PEM."""

    certificates: str = ""
    """Root certificates that its certificate must lead to, PEM."""

    identity: str = ""
    """Keyless: the identity (e-mail address or workflow) in the certificate."""

    issuer: str = ""
    """Keyless: the OpenID Connect issuer that vouched for the identity."""

    publishers: tuple[str, ...] = ()
    """Organisations on the Hub whose models it may sign; empty for any."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Approver:
    """Somebody whose sign-off counts."""

    name: str
    key: str
    """Public key, PEM."""
