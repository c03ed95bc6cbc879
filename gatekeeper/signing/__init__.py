"""Signing: keys, envelopes (DSSE), statements (in-toto) and bundles (Sigstore). Nothing here knows what is signed.

Importing it loads no cryptography: each function does that when it needs it.
"""

from __future__ import annotations

from gatekeeper.signing.bundle import BUNDLE_TYPE, Bundle, parse_bundle, verify_bundle, wrap
from gatekeeper.signing.command import command_signer
from gatekeeper.signing.envelope import (
    PAYLOAD_TYPE,
    Envelope,
    Signature,
    envelope_json,
    pae,
    parse_envelope,
    sign,
    unsigned,
    verify_envelope,
)
from gatekeeper.signing.keys import (
    PUBLISHER_CURVES,
    VERDICT_CURVES,
    PublicKey,
    load_public_key,
    public_key_of,
    read_public_key,
)
from gatekeeper.signing.signer import PasswordError, Signer, generate, load_signer, open_to_others
from gatekeeper.signing.statement import (
    APPROVAL,
    DECISION,
    OMS,
    STATEMENT_TYPE,
    VSA,
    Statement,
    StatementSubject,
    parse_statement,
    statement_json,
)

__all__ = [
    "APPROVAL",
    "BUNDLE_TYPE",
    "DECISION",
    "OMS",
    "PAYLOAD_TYPE",
    "PUBLISHER_CURVES",
    "STATEMENT_TYPE",
    "VERDICT_CURVES",
    "VSA",
    "Bundle",
    "Envelope",
    "PasswordError",
    "PublicKey",
    "Signature",
    "Signer",
    "Statement",
    "StatementSubject",
    "command_signer",
    "envelope_json",
    "generate",
    "load_public_key",
    "load_signer",
    "open_to_others",
    "pae",
    "parse_bundle",
    "parse_envelope",
    "parse_statement",
    "public_key_of",
    "read_public_key",
    "sign",
    "statement_json",
    "unsigned",
    "verify_bundle",
    "verify_envelope",
    "wrap",
]
