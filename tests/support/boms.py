"""Bills of materials in tests: made from attestations, walked, and held against the specification's own schemas."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from gatekeeper.attest import Attested, bom, bom_json
from gatekeeper.attestation import Attestation
from gatekeeper.report import to_json


def attested(attestation: Attestation) -> Attested:
    """Pair an attestation with the digest that its report.json would have."""
    return Attested(attestation=attestation, digest=hashlib.sha256(to_json(attestation).encode()).hexdigest())


def model_of(attestation: Attestation) -> dict[str, Any]:
    """Give the one component of a bill of materials of one attestation."""
    (found,) = bom([attested(attestation)])["components"]
    assert isinstance(found, dict)
    return found


def value_of(described: dict[str, Any], name: str) -> str | None:
    """Give the value of a property, which must not stand twice."""
    values = [each["value"] for each in described.get("properties", ()) if each["name"] == name]
    assert len(values) <= 1
    return values[0] if values else None


def each_reference(value: Any, key: str) -> Iterator[str]:
    """Give every string under a key, however deep, also those in arrays; objects in such arrays are not references."""
    if isinstance(value, list):
        for item in value:
            yield from each_reference(item, key)
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield from (item for item in (inner if isinstance(inner, list) else [inner]) if isinstance(item, str))
            yield from each_reference(inner, key)


@cache
def _validator(spec: str) -> Any:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from jsonschema import Draft7Validator

    # Its grammar takes 50 ms for one address; most documents here have the same ones.
    known = Draft7Validator.FORMAT_CHECKER.checkers
    judge, errors = known["iri-reference"]
    known["iri-reference"] = cache(judge), errors
    return JsonStrictValidator({"1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}[spec])


def strict_errors(document: dict[str, Any], spec: str) -> object | None:
    """Give what the specification's strict schema has against a document, or None."""
    found: object | None = _validator(spec).validate_str(bom_json(document))
    return found
