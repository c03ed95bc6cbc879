"""The published JSON Schema of the decision predicate, and how it is made from the nouns.

`python -m gatekeeper.attest.schema` prints it anew after a noun has changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from gatekeeper.attest.codec import schema
from gatekeeper.attest.decision import GateDecision
from gatekeeper.signing import DECISION

FILE = "gate-decision-v1.json"
"""Name of the published schema, beside this module."""


def json_schema() -> dict[str, Any]:
    """Give the published schema (JSON Schema draft 2020-12) of the predicate `DECISION`."""
    return cast("dict[str, Any]", json.loads(Path(__file__).with_name(FILE).read_bytes()))


def generate() -> dict[str, Any]:
    """Make the schema from the nouns: what should be published."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:gatekeeper:schema:gate-decision-v1",
        "title": "gatekeeper gate decision v1",
        "description": f"Predicate {DECISION} of an in-toto statement. Consumers pass over unknown fields.",
        **schema(GateDecision),
    }


def render() -> str:
    """Give the text of the published file."""
    return json.dumps(generate(), indent=2, ensure_ascii=False) + "\n"
