"""What a conversion leaves behind: digests in and out, tensor by tensor, and what was left out and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from gatekeeper.codec import DOCUMENT, encode
from gatekeeper.tensors.readback import TensorRecord

SCHEMA_VERSION = "1.0"
SCHEMA = f"conversion-{SCHEMA_VERSION}.json"
"""Name of the published schema, beside this module."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bytes:
    """One file by its bytes."""

    path: str
    """Relative to the root that it lies in."""

    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertedFile:
    """One torch file and what was made of it."""

    source: Bytes
    result: Bytes
    key: str
    """Where the state dict lay in the source; empty when the file was nothing else."""

    dropped: tuple[str, ...]
    """What lay beside the state dict, with its type."""

    tensors: tuple[TensorRecord, ...]
    """Sorted by name; the digests are of what the child sent and of what was read back alike."""

    aliases: Mapping[str, str]
    """Further name of a tensor → the name that holds its bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptFile:
    """A file that was copied, or an index that was rewritten."""

    source: Bytes
    result: Bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A file that is not in the result."""

    source: Bytes
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why nothing was made."""

    path: str
    """File of the source that is to blame; empty when the whole is."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """All of one conversion."""

    reference: str
    commit: str
    """Of the source, when it comes from a Hub; else empty."""

    digest: str
    """Of the source, as attestations name it."""

    created_at: datetime
    tool_versions: Mapping[str, str]
    checks: Mapping[str, int]
    """Check that looked at the source and at the result → its version."""

    converted: tuple[ConvertedFile, ...] = ()
    copied: tuple[KeptFile, ...] = ()
    rewritten: tuple[KeptFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """When not empty, there is no result and nothing above is filled."""


def to_json(conversion: Conversion) -> str:
    """Write a conversion as the published schema has it."""
    document: dict[str, Any] = {"schema_version": SCHEMA_VERSION, **encode(conversion, DOCUMENT)}
    # Names of files may be no Unicode; escapes keep the text plain ASCII whatever they hold.
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def json_schema() -> dict[str, Any]:
    """Give the published schema (JSON Schema draft 2020-12) of `conversion.json`."""
    return cast("dict[str, Any]", json.loads(Path(__file__).with_name(SCHEMA).read_bytes()))
