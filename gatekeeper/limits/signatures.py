"""How signatures, statements and sign-offs are read."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.limits.units import KIB, MIB


@dataclass(frozen=True, kw_only=True)
class SignatureLimits:
    """Bounds on what is signed."""

    signed_bytes: int = 64 * MIB
    """Bytes of an envelope, a bundle or a statement; one subject for each of 20,000 files takes a tenth of this."""

    signed_depth: int = 64
    """Nesting of an envelope, a bundle or a statement."""

    statement_subjects: int = 21_000
    """Subjects of one statement: one for each file of an artifact, and a few for the whole."""

    publisher_signature_bytes: int = 24 * MIB
    """Bytes of a publisher's signature; one over 20,000 files has three, and parsing takes ten times its size."""

    signed_resources: int = 100_000
    """Files, or slices of them, in a publisher's signature; 20,000 files and slices of 1 GB of the largest models."""

    approval_files: int = 1_000
    """Approvals in one folder."""

    approval_ids: int = 2_000
    """Findings, or checks that could not look, that one approval covers."""

    bundle_certificates: int = 16
    """Certificates in one bundle; chains of public authorities have three."""

    certificate_bytes: int = 64 * KIB
    """Bytes of one certificate."""

    key_bytes: int = 64 * KIB
    """Bytes of a file with a key."""

    signer_seconds: float = 120
    """Wall-clock seconds that a signing command may take; a person may have to touch a token."""

    signer_output_bytes: int = 16 * KIB
    """Bytes that a signing command may write, on either stream."""
