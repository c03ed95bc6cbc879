"""The console view: the same words in every terminal, and nobody else's commands in any."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from gatekeeper.attestation import Attestation
from gatekeeper.report import to_console
from gatekeeper.report.console import MAX_PLACES, MAX_POINTS
from tests.support.attestations import CASES, discarded, large, scanned
from tests.support.hostile import MARKUP, everywhere


def _print(attestation: Attestation, *, colour: bool = False, width: int = 80, verbose: bool = False) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=colour, color_system="truecolor" if colour else None)
    to_console(attestation, console, verbose=verbose)
    return file.getvalue()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("verbose", [False, True])
def test_colour_adds_nothing_but_colour(case: str, verbose: bool) -> None:
    plain = _print(CASES[case](), verbose=verbose)
    coloured = _print(CASES[case](), colour=True, verbose=verbose)
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [80, 60])
def test_lines_fit_the_terminal(case: str, width: int) -> None:
    assert max(map(len, _print(CASES[case](), width=width, verbose=True).splitlines())) <= width


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("verbose", [False, True])
def test_hostile_text_stays_text_and_in_its_column(text: str, verbose: bool) -> None:
    told = _print(everywhere(discarded(), lambda value: value + text), colour=True, verbose=verbose)
    assert set(re.findall(r"\x1b\S", told)) <= {"\x1b["}
    assert not set(re.findall(r"\x1b\[[^a-zA-Z]*([a-zA-Z])", told)) - {"m"}
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told)
    headings = ("Checks", "Decision table", "Evidence relevant to controls", "Not checked", "Why")
    ours = ("DISCARD", "What is asked", "Findings: ", *headings, "")
    assert all(
        line.startswith("  ") or line in ours or line.startswith(("Findings: ", "What is"))
        for line in plain.splitlines()
    )


def test_markup_of_rich_is_shown_as_written() -> None:
    told = _print(everywhere(discarded(), lambda value: value + "[bold]:skull:[/bold]"), width=300)
    assert "breakwater/tide-7b[bold]:skull:[/bold]" in told


def test_ascii_terminals_get_escapes() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii", write_through=True) as file:
        to_console(everywhere(scanned(), lambda value: value + "é模"), Console(file=file, width=80))
        assert b"./models/lantern\\xe9\\u6a21" in raw.getvalue()


def test_next_command_holds_no_text_that_a_shell_could_misread() -> None:
    assert "gatekeeper explain files/pickle\n" in _print(discarded())
    for text in (";id", "$(id)", " --x", "\n", "`id`", "й"):
        assert "gatekeeper explain" not in _print(everywhere(discarded(), lambda value, text=text: value + text))  # type: ignore[misc]


def test_an_unpinned_reference_is_offered_pinned_in_one_piece() -> None:
    attestation = discarded()
    commit = attestation.subject.commit
    pinned = f"  gatekeeper gate {attestation.subject.name}@{commit}\n"
    moving = replace(attestation, subject=replace(attestation.subject, requested_revision="main"))
    assert pinned in _print(moving, width=40)
    assert pinned not in _print(replace(moving, subject=replace(moving.subject, requested_revision=commit)))
    for name in ("$(id)/x", "-h/x", "a/b/c", "a/b;id"):
        assert "gatekeeper gate" not in _print(replace(moving, subject=replace(moving.subject, name=name)))


def test_much_is_cut_unless_asked_for() -> None:
    attestation = large(files=10, findings=300)
    attestation = replace(attestation, not_checked=attestation.not_checked * 50)
    told = _print(attestation)
    assert f"and {300 - MAX_PLACES} more places" in told
    assert f"and {50 - MAX_POINTS} more points" in told
    assert len(told.splitlines()) < 60
    every = _print(attestation, verbose=True)
    assert "shards/00299.bin" in every
    assert "more places" not in every


def test_paths_of_reports_are_whole_lines_to_copy() -> None:
    file = io.StringIO()
    path = Path("/long") / ("folder" * 30) / "report.html"
    to_console(discarded(), Console(file=file, width=80), paths={"html": path})
    assert f"  {path}\n" in file.getvalue()
