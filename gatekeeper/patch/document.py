"""`remedy.json`: what was found and done about failures, written out whole, and read back strictly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from gatekeeper.codec import DOCUMENT, ShapeError, decode, encode
from gatekeeper.errors import InputError, LimitError
from gatekeeper.limits import DEFAULT_LIMITS
from gatekeeper.parsing import ParseError, load_json_object
from gatekeeper.remedy import Remedy

REMEDY_VERSION = "1.0"
REMEDY_SCHEMA = f"remedy-{REMEDY_VERSION}.json"
"""Name of the published schema, beside this module."""

_VERSION = "schema_version"
_HINT = "give the remedy.json that gatekeeper wrote"


def remedy_to_json(remedy: Remedy) -> str:
    """Write the document, of which `remedy_from_json` gives the same remedy.

    Returns:
        ASCII text with a newline at the end; the same remedy always gives the same text.
    """
    document = {_VERSION: REMEDY_VERSION, **encode(remedy, DOCUMENT)}
    return json.dumps(document, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def remedy_from_json(data: bytes) -> Remedy:
    """Read a document that `remedy_to_json` wrote. What it says is believed of nobody: it says what a run claimed.

    Raises:
        InputError: When it is no such document; the message says where.
        LimitError: When it is too large.
    """
    if len(data) > DEFAULT_LIMITS.report_bytes:
        raise LimitError(f"the remedy has {len(data)} bytes; at most {DEFAULT_LIMITS.report_bytes} are read")
    try:
        raw = load_json_object(data, depth=DEFAULT_LIMITS.json_depth, half_pairs=True)
        if raw.pop(_VERSION, None) != REMEDY_VERSION:
            raise InputError(f"not a remedy of version {REMEDY_VERSION}", hint=_HINT)
        return decode(Remedy, raw, DOCUMENT)
    except ParseError as error:
        raise InputError(f"not a remedy: {error}", hint=_HINT) from error
    except ShapeError as error:
        raise InputError(f"not a remedy: {error.place.removeprefix('.') or 'it'}: {error.fault}", hint=_HINT) from error


def without_text(remedy: Remedy) -> Remedy:
    """Give the same remedy with every unsafe text taken out; what is left are counts and digests."""
    diagnosis = remedy.diagnosis
    cases = tuple(
        replace(case, prompt=replace(case.prompt, text=""), response=replace(case.response, text=""))
        for case in diagnosis.cases
    )
    triggers = tuple(
        replace(trigger, core=replace(trigger.core, text=""), extent=replace(trigger.extent, text=""))
        for trigger in diagnosis.triggers
    )
    return replace(remedy, diagnosis=replace(diagnosis, cases=cases, triggers=triggers))


def remedy_schema() -> dict[str, Any]:
    """Give the published schema (JSON Schema draft 2020-12) of `remedy.json`."""
    return cast("dict[str, Any]", json.loads(Path(__file__).with_name(REMEDY_SCHEMA).read_bytes()))


def generate_remedy_schema() -> dict[str, Any]:
    """Make the schema from the nouns: what should be published."""
    from gatekeeper.codec.schema import described_schema, schema_document

    schema = described_schema(Remedy, DOCUMENT)
    noun = schema["$defs"]["Remedy"]
    noun["properties"] = {_VERSION: {"type": "string", "const": REMEDY_VERSION}, **noun["properties"]}
    noun["required"] = [_VERSION, *noun["required"]]
    return schema_document(f"remedy-{REMEDY_VERSION}", f"gatekeeper remedy {REMEDY_VERSION}", schema)
