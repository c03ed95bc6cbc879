"""The published JSON Schemas of the documents, and how they are made from the nouns and their docstrings.

`python -m gatekeeper.report.schema` prints that of the attestation anew after a noun has changed, and
`python -m gatekeeper.report.schema audit` or `… review` that of the audit report or of a pull request's review.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

from gatekeeper.attestation import SCHEMA_VERSION, Attestation
from gatekeeper.codec import DOCUMENT
from gatekeeper.codec.schema import described_schema, schema_document, schema_text
from gatekeeper.report.audit import AUDIT_VERSION, AuditReport
from gatekeeper.report.review_document import REVIEW_VERSION, ReviewRecord

Kind = Literal["attestation", "audit", "review"]
"""Name of a document."""

_NOUNS: Mapping[Kind, tuple[type, str]] = {
    "attestation": (Attestation, SCHEMA_VERSION),
    "audit": (AuditReport, AUDIT_VERSION),
    "review": (ReviewRecord, REVIEW_VERSION),
}


def kind_of(name: str) -> Kind:
    """Take a word of the command line for a document, the attestation when it is none."""
    return next((kind for kind in get_args(Kind) if kind == name), "attestation")


def file_of(kind: Kind) -> Path:
    """Give the path of a published schema, beside this module."""
    return Path(__file__).with_name(f"{kind}-{_NOUNS[kind][1]}.json")


def json_schema(kind: Kind = "attestation") -> dict[str, Any]:
    """Give the published schema (JSON Schema draft 2020-12) of a document that this room writes."""
    return cast("dict[str, Any]", json.loads(file_of(kind).read_bytes()))


def generate(kind: Kind = "attestation") -> dict[str, Any]:
    """Make the schema from the nouns: what should be published.

    Raises:
        OSError: When the nouns' source can't be read, since descriptions come from it.
    """
    noun, version = _NOUNS[kind]
    schema = described_schema(noun, DOCUMENT)
    schema["$defs"][noun.__name__]["properties"]["schema_version"]["const"] = version
    return schema_document(f"{kind}-{version}", f"gatekeeper {kind} {version}", schema)


def render(kind: Kind = "attestation") -> str:
    """Give the text of a published file."""
    return schema_text(generate(kind))
