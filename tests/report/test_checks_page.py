"""The page on checks is that of the checks, and every alert's address leads to a heading of it."""

from __future__ import annotations

import re

from gatekeeper import checks
from gatekeeper.report.sarif_rules import anchor, rules_of
from tests.support.checks_page import PAGE, page


def test_the_page_is_what_the_checks_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.support.checks_page --write"


def test_every_rule_leads_to_a_heading() -> None:
    # GitHub's anchors: lower case, without punctuation but hyphens.
    headings = {re.sub(r"[^a-z0-9-]", "", line[3:].lower()) for line in page().splitlines() if line.startswith("## ")}
    ids = [rule.id for check in checks.ALL for rule in check.describe().rules]
    without_rules = [f"{check.id}/" for check in checks.ALL]
    assert {anchor(id) for id in [*ids, *without_rules, *rules_of([])]} == headings
