"""The published JSON Schema of the decision predicate, and how it is made from the nouns.

`python -m gatekeeper.attest.schema` prints it anew after a noun has changed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from gatekeeper.attest.decision import GateDecision
from gatekeeper.attest.predicates import PREDICATE
from gatekeeper.codec.schema import inline_schema, schema_document, schema_text

FILE = "gate-decision-v1.json"
"""Name of the published schema, beside this module."""


def json_schema() -> dict[str, Any]:
    """Give the published schema (JSON Schema draft 2020-12) of the predicate `signing.DECISION`."""
    return cast("dict[str, Any]", json.loads(Path(__file__).with_name(FILE).read_bytes()))


def generate() -> dict[str, Any]:
    """Make the schema from the nouns: what should be published."""
    shape = inline_schema(GateDecision, PREDICATE)
    head = {"description": shape.pop("description")}
    return schema_document("gate-decision-v1", "gatekeeper gate decision v1", {**head, **shape})


def render() -> str:
    """Give the text of the published file."""
    return schema_text(generate())
