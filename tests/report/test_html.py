"""The page: what it says, how it holds large reports, and that its colours can be read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import gatekeeper.report
from gatekeeper.artifact import CommitInfo
from gatekeeper.decision import Action, RowState
from gatekeeper.evidence import Severity
from gatekeeper.report import to_html, view
from gatekeeper.report.html import MAX_FILES, MAX_FINDINGS
from tests.support.attestation_parts import finding, results
from tests.support.attestations import CASES, allowed, audited, discarded, escalated, large, scanned
from tests.support.hostile import MARKUP, everywhere

_STYLE = (Path(gatekeeper.report.__file__).parent / "templates" / "report.css").read_text("utf-8")


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)

    def handle_data(self, data: str) -> None:
        if data != _STYLE:
            self.parts.append(data)


def _read(page: str) -> _Text:
    parser = _Text()
    parser.feed(page)
    parser.close()
    return parser


def _words(page: str) -> str:
    return " ".join(" ".join(_read(page).parts).split())


@pytest.mark.parametrize("case", CASES)
def test_page_tells_its_parts_in_order(case: str) -> None:
    ids = re.findall(r'<h2 id="([a-z-]+)"', to_html(CASES[case]()))
    decided = ["ask", "why", "evidence", "table", "not-checked", "controls", "record"]
    if CASES[case]().remedy is not None:
        decided.insert(2, "failure")
    assert ids == (decided if case != "scan" else ["evidence", "not-checked", "controls", "record"])


@pytest.mark.parametrize("case", CASES)
def test_headings_go_down_one_step_at_a_time(case: str) -> None:
    levels = [int(heading[1]) for heading in _read(to_html(CASES[case]())).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("case", CASES)
def test_page_asks_for_nothing(case: str) -> None:
    page = to_html(CASES[case]())
    assert "default-src 'none'; style-src 'sha256-" in page
    assert "<script" not in page
    assert not re.search(
        r"""(src|href|action|srcset|poster|data)\s*=\s*["']?(?!#|data:,)[^"' >]""", page.split("</style>")[1]
    )
    assert not re.search(r"url\(|@import", _STYLE)


def test_every_row_of_the_table_is_there_with_its_outcome() -> None:
    attestation = escalated()
    assert attestation.decision
    text = _words(to_html(attestation))
    for row in attestation.decision.rows:
        assert (
            f"{row.row} → {row.action.value} {view.row_word(row, attestation.decision)} When {row.words} {row.because}"
            in text
        )
    assert "could not be told" in text


@pytest.mark.parametrize(("case", "word"), [("allow", "fired"), ("approved", "fired, signed off")])
def test_the_row_that_decided_stands_open_and_those_that_do_not_hold_are_folded(case: str, word: str) -> None:
    attestation = CASES[case]()
    decision = attestation.decision
    assert decision
    table = to_html(attestation).split('id="table"')[1].split("</section>")[0]
    shown, _, folded = table.partition("<details>")
    (fired,) = (row for row in decision.rows if view.fired(row, decision))
    assert table.count('class="fired"') == shown.count('class="fired"') == 1
    assert f"{fired.row}</code>" in shown
    assert f">{word}</span>" in shown
    for place, row in enumerate(decision.rows, 1):
        part = folded if row.state is RowState.FAILS else shown
        assert f'<span class="count">{place}</span> <code>{row.row}</code>' in part


def test_laws_waivers_and_gaps_are_told() -> None:
    text = _words(to_html(escalated()))
    assert "A row that can't be evaluated ends in at least escalate." in text
    assert "optimizer.pt : the scanner ran out of its 30 CPU seconds" in text
    assert "case-collision Config.json" in text
    text = _words(to_html(discarded()))
    assert "refused files/pickle/payload We need it by Friday." in text
    assert "last day 2027-01-31 (an executable payload can't be waived)" in text
    text = _words(to_html(allowed()))
    assert "waived by m.ortiz@example.com until 2026-12-02: Legal read it on 2 November." in text


def test_evidence_is_told_worst_first() -> None:
    page = to_html(discarded())
    assert page.index("Loading would call code") < page.index("The reference names a branch")
    low = finding("files/structure", "a", "Low one", "", severity=Severity.LOW)
    high = finding("files/structure", "b", "High one", "", severity=Severity.HIGH)
    page = to_html(replace(scanned(), results=results(low, high)))
    assert page.index("High one") < page.index("Low one")


def test_large_reports_are_cut_and_say_so() -> None:
    page = to_html(large())
    text = _words(page)
    assert f"and {5_000 - MAX_FINDINGS:,} more findings (see the JSON)" in text
    assert f"and {20_000 - MAX_FILES:,} more files (see the JSON)" in text
    assert len(page) < 400_000


def test_every_list_is_cut() -> None:
    many = everywhere(audited(), lambda value: value)
    commit = many.subject.commits[0]
    gap = many.results[4].gaps[0]
    stretched = replace(
        many,
        subject=replace(many.subject, commits=(commit,) * 5_000, lineage=many.subject.lineage * 5_000),
        results=tuple(replace(result, gaps=(gap,) * 5_000) for result in many.results),
        not_checked=many.not_checked * 5_000,
    )
    assert len(to_html(stretched)) < 600_000


@pytest.mark.parametrize("text", MARKUP)
def test_hostile_text_is_shown_as_text(text: str) -> None:
    from gatekeeper.text import printable

    page = to_html(everywhere(discarded(), lambda value: value + text))
    assert printable("breakwater/tide-7b" + text, 2_000) in "".join(_read(page).parts)


def test_commit_dates_at_the_ends_of_the_calendar_are_shown() -> None:
    ends = (datetime.min, datetime.max)
    zones = (UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12)), None)
    commits = tuple(
        CommitInfo(id="a" * 40, title="t", date=end.replace(tzinfo=zone), authors=()) for end in ends for zone in zones
    )
    page = to_html(replace(scanned(), subject=replace(scanned().subject, commits=commits)))
    assert "9999-12-31 23:59:59" in page


def test_nothing_found_is_said_with_its_limits() -> None:
    nothing = replace(allowed(), results=results())
    assert "Nothing found, by these checks, within these limits." in _words(to_html(nothing))


def test_a_report_without_omissions_still_tells_the_limits_of_checks() -> None:
    text = _words(to_html(replace(scanned(), not_checked=())))
    assert "The checks that ran have limits of their own" in text
    assert "What each check cannot see" in text


def _palettes() -> dict[str, dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\n\s*\}", _STYLE, re.DOTALL)[:2]
    read = {name: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", text)) for name, text in (("l", light), ("d", dark))}
    return {"light": read["l"], "dark": read["l"] | read["d"]}


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2, relative luminance)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_has_the_contrast_of_level_aa(scheme: str) -> None:
    palette = _palettes()[scheme]
    words = ["ink", "soft", "link", "none", *(action.value for action in Action), *(s.label for s in Severity)]
    for word in words:
        for ground in ("paper", "card", "wash"):
            assert _contrast(palette[word], palette[ground]) >= 4.5, (word, ground)
    assert _contrast(palette["on-solid"], palette["critical"]) >= 4.5


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (269_060_552, "256.6 MiB"),
        (2**40, "1,024.0 GiB"),
    ],
)
def test_sizes_are_told_in_binary_units(size: int, text: str) -> None:
    assert view.size_text(size) == text


@pytest.mark.parametrize(
    ("digest", "text"), [("a" * 40, "a" * 12 + "…"), ("sha256:" + "b" * 64, "sha256:" + "b" * 12 + "…"), ("abc", "abc")]
)
def test_digests_are_cut_to_what_the_eye_compares(digest: str, text: str) -> None:
    assert view.short(digest) == text
