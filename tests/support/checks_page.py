"""`docs/checks.md`, the page that code scanning leads to: `python -m tests.support.checks_page --write` remakes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from gatekeeper import checks
from gatekeeper.evidence import CheckDescription
from gatekeeper.report.sarif_rules import rules_of

PAGE = Path(__file__).parents[2] / "docs" / "checks.md"
_HEAD = """# Checks and their findings

What `gatekeeper explain ID` prints, on one page: each check with what it looks at, why, what it cannot see and how to
mend, and the findings that it can make. What a hazard leads to is the policy's to say
(`policies/default.yaml`). Alerts of code scanning lead here. Made from the checks themselves by
`python -m tests.support.checks_page --write`.
"""


def page() -> str:
    """Write the page."""
    return "\n".join([_HEAD, *_own(), *(line for check in checks.ALL for line in _check(check.describe()))])


def _own() -> Iterator[str]:
    yield from ("## gatekeeper", "", "Results of a pull request that no check makes.", "")
    yield from ("| result | what it says |", "|---|---|")
    yield from (f"| `{rule.id}` | {rule.says} |" for rule in rules_of([]).values())
    yield ""


def _check(check: CheckDescription) -> Iterator[str]:
    yield from (f"## {check.id}", "", f"**{check.title}.**", "")
    parts = {
        "What it looks at": check.looks_at,
        "Why it matters": check.why,
        "What it cannot see": check.cannot_see,
        "How to mend": check.mend,
    }
    for heading, text in parts.items():
        yield from (f"- **{heading}**: {' '.join(text.split())}",)
    yield from ("", "| finding | severity | hazard | what to do |", "|---|---|---|---|")
    for rule in check.rules:
        yield f"| `{rule.id}`: {rule.title} | {rule.severity.label} | {rule.hazard.value} | {rule.mend} |"
    yield ""


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page())
