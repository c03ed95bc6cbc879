"""Linting finds what loads and is most likely a mistake."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.evidence import CheckDescription, Hazard, RuleDescription, Severity
from gatekeeper.policy import lint, load, read_tests, run_tests

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
Write = Callable[..., Path]


def _remarks(path: Path, **options: object) -> list[tuple[str, int]]:
    return [(item.rule, item.origin.line) for item in lint(load(path), now=NOW, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "remarks"),
    [
        (["when: source.pinned, action: audit"], []),
        (["when: true, action: audit", "when: source.pinned, action: audit"],
         [("unreachable-row", 7), ("unreachable-row", 8)]),
        (["when: 1 < 2, action: audit"], [("unreachable-row", 7)]),
        (["when: source.pinned, action: audit", 'when: "  source.pinned ", action: discard'], [("unreachable-row", 7)]),
        (["when: false, action: audit"], [("dead-row", 6)]),
        (["when: true, action: allow"], [("unreachable-row", 7)]),
    ],
)  # fmt: skip
def test_rows(write: Write, rows: list[str], remarks: list[tuple[str, int]]) -> None:
    lines = [f"  - {{row: r{index}, {row}}}" for index, row in enumerate(rows)]
    lines.append("  - {row: rest, when: true, action: audit}")
    assert _remarks(write("required: [a/b]\nrows:\n" + "\n".join(lines) + "\n")) == remarks


@pytest.mark.parametrize(
    ("created", "expires", "rules"),
    [
        ("2026-11-01", "2026-12-31", []),
        ("2026-09-01", "2026-11-22", ["expired-waiver"]),
        ("2026-09-01", "2026-11-23", ["expiring-waiver"]),
        ("2026-09-25", "2026-12-07", ["expiring-waiver"]),
        ("2026-12-01", "2026-12-31", ["future-waiver"]),
    ],
)
def test_waivers(write: Write, created: str, expires: str, rules: list[str]) -> None:
    waiver = (
        f"  - finding: a/b/c\n    subject: sha256:{'a' * 64}\n    reason: r\n    approver: a\n"
        f"    created: {created}\n    expires: {expires}\n"
    )
    path = write("extends: default\nwaivers:\n" + waiver)
    assert _remarks(path) == [(rule, 6) for rule in rules]
    twice = write("extends: default\nwaivers:\n" + waiver + waiver)
    assert [rule for rule, _ in _remarks(twice)].count("double-waiver") == 2


def test_a_waiver_that_a_law_makes_powerless(write: Write) -> None:
    rule = RuleDescription(id="a/b/c", title="t", severity=Severity.HIGH, hazard=Hazard.PAYLOAD, mend="m")
    check = CheckDescription(
        id="a/b", title="t", version=1, looks_at="l", why="w", cannot_see="c", mend="m", rules=(rule,), facts=()
    )
    body = (
        f"required: [a/b]\nrows: [{{row: rest, when: true, action: audit}}]\nwaivers:\n  - finding: a/b/c\n"
        f"    subject: sha256:{'a' * 64}\n    reason: r\n    approver: a\n"
        "    created: 2026-11-01\n    expires: 2026-12-31\n"
    )
    assert _remarks(write(body), known_checks={"a/b": check}) == [("powerless-waiver", 7)]


def test_names_that_are_listed_both_ways(write: Write) -> None:
    path = write("extends: default\npublishers: {trusted: [a], denied: [A]}\nlicences: {refused: [mit]}\n")
    assert [rule for rule, _ in _remarks(path)] == ["contradiction", "contradiction"]


def test_rows_without_tests(write: Write, tmp_path: Path) -> None:
    path = write("extends: default\nrows:\n  - {row: old, when: 'repo.age_days > 3', action: audit}\n")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.yaml").write_text(
        "apiVersion: gatekeeper/v1\nkind: PolicyTest\npolicy: mine\ncases:\n"
        "  - name: a\n    expect: {action: audit, row: otherwise}\n"
    )
    report = run_tests(load(path), read_tests(tmp_path / "t"))
    assert report.unreached == ("old",)
    assert _remarks(path, report=report) == [("untested-row", 6)]
