"""Attestation → text: views of one document; none of them computes a verdict.

`to_json` and `from_json` are the document itself, `json_schema` its published shape; `to_html` and `to_console` show
it to people, and `write` puts views into a folder. Each is imported when first used, since pages and consoles need
libraries that the document doesn't.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.report.console import to_console
    from gatekeeper.report.controls import ControlEvidence, catalogue, controls_for
    from gatekeeper.report.document import from_json, to_json
    from gatekeeper.report.files import FORMATS, read, write, write_one, write_page
    from gatekeeper.report.html import IndexEntry, to_html, to_index
    from gatekeeper.report.schema import json_schema

__all__ = [
    "FORMATS",
    "ControlEvidence",
    "IndexEntry",
    "catalogue",
    "controls_for",
    "from_json",
    "json_schema",
    "read",
    "to_console",
    "to_html",
    "to_index",
    "to_json",
    "write",
    "write_one",
    "write_page",
]

_HOMES = {
    "FORMATS": "files",
    "ControlEvidence": "controls",
    "IndexEntry": "html",
    "catalogue": "controls",
    "controls_for": "controls",
    "from_json": "document",
    "json_schema": "schema",
    "to_console": "console",
    "read": "files",
    "to_html": "html",
    "to_index": "html",
    "to_json": "document",
    "write": "files",
    "write_one": "files",
    "write_page": "files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
