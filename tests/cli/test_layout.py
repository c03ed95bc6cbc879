"""What is laid out keeps to its width and its column, and shows hostile text as text."""

from __future__ import annotations

import pytest
from click import unstyle

from gatekeeper.cli.layout import columns, entry, section


@pytest.mark.parametrize("width", ["40", "80", "100"])
def test_entries_and_sections_keep_to_the_width(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    entry("\x1b[1mhead\x1b[0m  ", "word " * 60, "other " * 30)
    section("Heading", "word " * 60)
    lines = unstyle(capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= int(width)
    assert lines[0].startswith("head  word")
    assert all(line.startswith("      ") for line in lines[1 : lines.index("Heading")])


@pytest.mark.parametrize(("told", "expected"), [("1", 40), ("79", 79), ("500", 100)])
def test_widths_are_kept_readable(told: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", told)
    assert columns() == expected


def test_hostile_text_is_shown_and_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    entry("head ", "a\x1b[2Jb\nc\u202ed", "")
    assert capsys.readouterr().out == "head a\\u001b[2Jb\\u000ac\\u202ed\n"
