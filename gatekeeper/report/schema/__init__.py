"""The published JSON Schemas of the documents, and how they are made from the nouns and their docstrings.

`python -m gatekeeper.report.schema` prints that of the attestation anew after a noun has changed, and
`python -m gatekeeper.report.schema audit` that of the audit report.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import Enum
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin

from gatekeeper.attestation import SCHEMA_VERSION, Attestation
from gatekeeper.evidence import FactValue
from gatekeeper.report.audit import AUDIT_VERSION, AuditReport
from gatekeeper.report.document import DATE, NON_FINITE, TIME, hints, label, optional

Kind = Literal["attestation", "audit"]
"""Name of a document."""

_NOUNS: Mapping[Kind, tuple[type, str]] = {
    "attestation": (Attestation, SCHEMA_VERSION),
    "audit": (AuditReport, AUDIT_VERSION),
}


def file_of(kind: Kind) -> Path:
    """Give the path of a published schema, beside this module."""
    return Path(__file__).with_name(f"{kind}-{_NOUNS[kind][1]}.json")


def json_schema(kind: Kind = "attestation") -> dict[str, Any]:
    """Give the published schema (JSON Schema draft 2020-12) of what `to_json` or `to_audit_json` writes."""
    return cast("dict[str, Any]", json.loads(file_of(kind).read_bytes()))


def generate(kind: Kind = "attestation") -> dict[str, Any]:
    """Make the schema from the nouns: what should be published.

    Raises:
        OSError: When the nouns' source can't be read, since descriptions come from it.
    """
    noun, version = _NOUNS[kind]
    definitions: dict[str, Any] = {}
    root = _shape(noun, definitions)
    definitions[noun.__name__]["properties"]["schema_version"]["const"] = version
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:gatekeeper:schema:{kind}-{version}",
        "title": f"gatekeeper {kind} {version}",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def render(kind: Kind = "attestation") -> str:
    """Give the text of a published file."""
    return json.dumps(generate(kind), indent=2, ensure_ascii=False) + "\n"


def _shape(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    inner = optional(hint)
    if inner is not None:
        return {"anyOf": [_shape(inner, definitions), {"type": "null"}]}
    if hint == FactValue:
        definitions.setdefault("FactValue", _FACT)
        return {"$ref": "#/$defs/FactValue"}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _shape(get_args(hint)[0], definitions)}
    if get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": _shape(get_args(hint)[1], definitions)}
    if hint in _SCALARS:
        return dict(_SCALARS[hint])
    if hint.__name__ not in definitions:
        definitions[hint.__name__] = {}  # holds the place, should a noun ever hold itself
        definitions[hint.__name__] = _noun(hint, definitions) if is_dataclass(hint) else _words(hint)
    return {"$ref": f"#/$defs/{hint.__name__}"}


def _noun(noun: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    said = _docstrings(noun)
    properties = {}
    for name, hint in hints(noun).items():
        properties[name] = _shape(hint, definitions)
        if name in said:
            properties[name]["description"] = said[name]
    return {
        "type": "object",
        "description": _first_paragraph(noun),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _words(enumeration: type[Enum]) -> dict[str, Any]:
    said = _docstrings(enumeration)
    meanings = [f"{label(member)}: {said[member.name]}" for member in enumeration if member.name in said]
    return {
        "type": "string",
        "description": "\n".join([_first_paragraph(enumeration), *meanings]),
        "enum": [label(member) for member in enumeration],
    }


def _first_paragraph(noun: Any) -> str:
    return " ".join(inspect.cleandoc(noun.__doc__ or "").split("\n\n")[0].split())


def _docstrings(noun: Any) -> dict[str, str]:
    """Give the strings that stand right under a class's fields or members."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(noun))).body
    body = cast("ast.ClassDef", tree).body
    said: dict[str, str] = {}
    for field, after in pairwise(body):
        if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
            continue
        target = field.target if isinstance(field, ast.AnnAssign) else getattr(field, "targets", [None])[0]
        if isinstance(target, ast.Name):
            said[target.id] = " ".join(str(after.value.value).split())
    return said


_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    datetime: {"type": "string", "format": "date-time", "pattern": TIME},
    date: {"type": "string", "format": "date", "pattern": DATE},
}
_FACT: dict[str, Any] = {
    "description": "What a fact may hold.",
    "anyOf": [
        {"type": ["boolean", "number", "string"]},
        {"type": "array", "items": {"type": "string"}},
        {
            "description": "A number that JSON can't write.",
            "type": "object",
            "properties": {NON_FINITE: {"enum": ["nan", "inf", "-inf"]}},
            "required": [NON_FINITE],
            "additionalProperties": False,
        },
    ],
}
