"""Attestation → text: views of one document; none of them computes a verdict."""
