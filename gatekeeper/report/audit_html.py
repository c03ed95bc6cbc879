"""The audit page: one file over many models that asks for nothing and runs nothing.

It is made by the same environment as a single report's page, so the same escaping and the same
Content-Security-Policy hold.
"""

from __future__ import annotations

import base64
import hashlib

from gatekeeper.report import audit_plots, audit_view
from gatekeeper.report.audit import AuditReport
from gatekeeper.report.html import TEMPLATES, environment

MAX_LINKS = 24
"""Attestations that one number leads to; the JSON has them all."""

MAX_OPEN = 6
"""Attestations that stand open where something needs a person; more are folded."""

MAX_ROWS = 2_000
"""Models and attestations listed."""

MAX_SPANS = 60
"""Waivers and approvals on the time line, and in the table beside it."""

MAX_NAME = 120
"""Characters of a name in a list of links."""


def to_audit_html(audit: AuditReport) -> str:
    """Render the page.

    Lists longer than the limits above are cut, and the page says by how much and that the JSON has them all.

    Returns:
        A whole HTML document in UTF-8.
    """
    from markupsafe import Markup

    style = "".join((TEMPLATES / name).read_text("utf-8") for name in ("report.css", "audit.css"))
    fleet = audit.fleet
    # The page links to what it lists; a digest beyond that is text.
    listed = {report.digest: report for report in audit.reports[:MAX_ROWS]}
    return (
        environment()
        .get_template("audit.html.j2")
        .render(
            audit=audit,
            fleet=fleet,
            listed=listed,
            names={report.digest: report.name for report in audit.reports},
            known={report.digest: report for report in audit.reports},
            audit_view=audit_view,
            plots=audit_plots,
            verdicts=audit_plots.verdicts(fleet),
            ages=audit_plots.ages(fleet, audit.max_age_days),
            timeline=audit_plots.timeline(audit.waivers, audit.approvals, audit.created_at.date(), MAX_SPANS),
            heat=audit_view.heat(audit.findings),
            tree=audit_view.tree(audit),
            max_links=MAX_LINKS,
            max_open=MAX_OPEN,
            max_rows=MAX_ROWS,
            max_spans=MAX_SPANS,
            max_name=MAX_NAME,
            style=Markup(style),  # noqa: S704 - our own files
            style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
        )
    )
