"""The audit report as JSON: written out whole, and read back strictly to be compared with a later one."""

from __future__ import annotations

from gatekeeper.report.audit import AUDIT_VERSION, AuditReport
from gatekeeper.report.document import dump, load


def to_audit_json(audit: AuditReport) -> str:
    """Write the document: ASCII, indented by two; the same audit report always gives the same text."""
    return dump(audit)


def from_audit_json(text: str | bytes) -> AuditReport:
    """Read a document that `to_audit_json` wrote, or one of a later minor version; strict as `from_json` is.

    Raises:
        InputError: When it is not such a document; the message says what is wrong and where.
        LimitError: When it is larger than `Limits.report_bytes`.
    """
    return load(AuditReport, text, AUDIT_VERSION, "give the audit.json that `gatekeeper audit-report` wrote")
