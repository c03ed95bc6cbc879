"""Attestation → text: views of one document; none of them computes a verdict.

`to_json` and `from_json` are the document itself, `json_schema` its published shape; `to_html` and `to_console` show
it to people, `to_sarif` to code scanning, and `write` puts views into a folder. `record` and `assemble` make one audit
report of many attestations, which `to_audit_json` and `to_audit_html` show. The views of a pull request's review begin
with `review_`. Each is imported when first used, since pages and consoles need libraries that the document doesn't.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.lazy import lazy

if TYPE_CHECKING:
    from gatekeeper.report.audit import AuditReport
    from gatekeeper.report.audit_assembly import LockInput, assemble
    from gatekeeper.report.audit_attested import AuditInput, SignatureState, SignedState
    from gatekeeper.report.audit_changes import Earlier
    from gatekeeper.report.audit_document import from_audit_json, to_audit_json
    from gatekeeper.report.audit_files import find, read_input, write_audit
    from gatekeeper.report.audit_html import to_audit_html
    from gatekeeper.report.audit_record import Record, record
    from gatekeeper.report.console import to_console
    from gatekeeper.report.controls import ControlEvidence, Framework, catalogue, controls_for
    from gatekeeper.report.document import from_json, to_json
    from gatekeeper.report.files import FORMATS, read, write, write_one, write_page
    from gatekeeper.report.html import IndexEntry, to_html, to_index
    from gatekeeper.report.review_document import review_json
    from gatekeeper.report.review_page import review_html
    from gatekeeper.report.review_summary import MARKER, review_comment, review_markdown
    from gatekeeper.report.review_words import ReviewLinks
    from gatekeeper.report.sarif import review_sarif, to_sarif
    from gatekeeper.report.schema import json_schema
    from gatekeeper.report.workflow_commands import review_annotations

__all__ = [
    "FORMATS",
    "MARKER",
    "AuditInput",
    "AuditReport",
    "ControlEvidence",
    "Earlier",
    "Framework",
    "IndexEntry",
    "LockInput",
    "Record",
    "ReviewLinks",
    "SignatureState",
    "SignedState",
    "assemble",
    "catalogue",
    "controls_for",
    "find",
    "from_audit_json",
    "from_json",
    "json_schema",
    "read",
    "read_input",
    "record",
    "review_annotations",
    "review_comment",
    "review_html",
    "review_json",
    "review_markdown",
    "review_sarif",
    "to_audit_html",
    "to_audit_json",
    "to_console",
    "to_html",
    "to_index",
    "to_json",
    "to_sarif",
    "write",
    "write_audit",
    "write_one",
    "write_page",
]

_HOMES = {
    "FORMATS": "files",
    "MARKER": "review_summary",
    "AuditInput": "audit_attested",
    "AuditReport": "audit",
    "ControlEvidence": "controls",
    "Earlier": "audit_changes",
    "Framework": "controls",
    "IndexEntry": "html",
    "LockInput": "audit_assembly",
    "Record": "audit_record",
    "ReviewLinks": "review_words",
    "SignatureState": "audit_attested",
    "SignedState": "audit_attested",
    "assemble": "audit_assembly",
    "catalogue": "controls",
    "controls_for": "controls",
    "find": "audit_files",
    "from_audit_json": "audit_document",
    "from_json": "document",
    "json_schema": "schema",
    "read": "files",
    "read_input": "audit_files",
    "record": "audit_record",
    "review_annotations": "workflow_commands",
    "review_comment": "review_summary",
    "review_html": "review_page",
    "review_json": "review_document",
    "review_markdown": "review_summary",
    "review_sarif": "sarif",
    "to_audit_html": "audit_html",
    "to_audit_json": "audit_document",
    "to_console": "console",
    "to_html": "html",
    "to_index": "html",
    "to_json": "document",
    "to_sarif": "sarif",
    "write": "files",
    "write_audit": "audit_files",
    "write_one": "files",
    "write_page": "files",
}

__getattr__ = lazy(__name__, _HOMES)
