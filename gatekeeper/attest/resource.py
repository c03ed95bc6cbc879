"""URIs of what is decided on, and of what decides."""

from __future__ import annotations

from urllib.parse import quote

from gatekeeper.attestation import Subject

DEFAULT_VERIFIER = "urn:gatekeeper:verifier"
"""Who decides, when nobody says otherwise. Teams with several gates name each."""


def hub_uri(name: str, commit: str) -> str:
    """Give the package URL of a repo on the Hub at one commit.

    Source: https://github.com/package-url/purl-spec, type `huggingface`.

    Args:
        name: `org/name`, or a name alone.
        commit: Forty hexadecimal digits; empty when nobody knows it.
    """
    path = "/".join(quote(part, safe="") for part in name.split("/"))
    return f"pkg:huggingface/{path}@{quote(commit, safe='')}" if commit else f"pkg:huggingface/{path}"


def resource_uri(subject: Subject) -> str:
    """Name what a verdict is about.

    A folder or a file has no address that means the same to whoever deploys it, and its path is nobody else's
    business: it is named by its content.
    """
    if subject.reference.startswith("hf://"):
        return hub_uri(subject.name, subject.commit)
    return f"urn:gatekeeper:artifact:sha256:{subject.digest}"


def policy_uri(name: str) -> str:
    """Name a policy; its digest says which bytes of it."""
    return f"urn:gatekeeper:policy:{quote(name, safe='')}"
