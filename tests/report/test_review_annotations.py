"""Annotations: one command a line, worst first, no more than are shown, and nothing in them is another command."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gatekeeper.decision import Action
from gatekeeper.mention import Mention
from gatekeeper.report import review_annotations
from gatekeeper.review import Mode
from tests.support import attestations
from tests.support.hostile import MARKUP, everywhere_in
from tests.support.reviews import REVIEWS, full, judged, review

_COMMAND = re.compile(
    r"::(?P<level>error|warning|notice) (?:file=(?P<file>[^:,\r\n]+),)?(?:line=(?P<line>[0-9]+),)?"
    r"title=(?P<title>[^:,\r\n]+)::(?P<message>[^\r\n]+)"
)
HOSTILE = ("a\n::error::b", "a\r\n::set-output name=x::y", "%0A::error::x", "a,line=1::b", "::add-mask::x", "$(id)")


def read(lines: tuple[str, ...]) -> list[dict[str, str | None]]:
    """Take commands apart as the runner does."""
    return [match.groupdict() if (match := _COMMAND.fullmatch(line)) else {"bad": line} for line in lines]


@pytest.mark.parametrize("name", REVIEWS)
def test_each_model_has_one_at_its_place(name: str) -> None:
    shown = REVIEWS[name]
    told = [(each["file"], each["line"] or "") for each in read(review_annotations(shown)) if each["file"]]
    # A line of the older commit is none of the newer one.
    places = [(each.bump.new[0].path, str(each.bump.new[0].line)) for each in shown.judged if each.bump.new]
    gone = [(each.bump.old[0].path, "") for each in shown.judged if not each.bump.new]
    assert sorted(told) == sorted(places + gone)


def test_what_is_gone_says_where_it_was() -> None:
    (line,) = review_annotations(REVIEWS["removed"])
    assert line.startswith("::notice file=app/serve.py,title=old/model%3A removed::")
    assert line.endswith("The older commit named it in app/serve.py:12.")


def test_many_things_of_one_kind_hide_no_verdict() -> None:
    """Whoever makes a change can put any number of unreadable files and edited approvals into it."""
    models = [judged(attestations.discarded(), Mention(path=f"{n}.py", line=n + 1)) for n in range(3)]
    for mode, level in ((Mode.ENFORCE, "error"), (Mode.REPORT_ONLY, "warning")):
        shown = review(*models, unread=tuple(f"link-{n} is a symbolic link" for n in range(50)), mode=mode)
        lines = read(review_annotations(shown, ["The change edits its policy.", "No comment was written."]))
        assert [each["file"] for each in lines if each["level"] == level and each["file"]] == ["0.py", "1.py", "2.py"]
        assert [each["message"] for each in lines if each["title"] == "Models could not be looked for"] == [
            "link-0 is a symbolic link. And 49 more things: see the summary of the job."
        ]


def test_notes_come_first_of_the_warnings_and_count_among_those_that_are_shown() -> None:
    models = [judged(attestations.audited(), Mention(path=f"{n}.py", line=1)) for n in range(20)]
    shown = replace(review(*models), fail_on=frozenset({Action.DISCARD}))
    lines = read(review_annotations(shown, ["one\n::error::two", "three"]))
    assert [each["level"] for each in lines] == ["warning"] * 10
    assert [each["message"] for each in lines[:2]] == ["one\\u000a::error::two", "three"]
    assert lines[9]["message"] == "13 further warnings: see the summary of the job"


def test_worst_come_first_and_nothing_is_an_error_in_a_report_only() -> None:
    levels = [each["level"] for each in read(review_annotations(full()))]
    assert levels == sorted(levels, key=("error", "warning", "notice").index)
    assert levels.count("error") == 5
    quiet = [each["level"] for each in read(review_annotations(full(Mode.REPORT_ONLY)))]
    assert set(quiet) == {"warning", "notice"}


def test_the_last_of_too_many_says_how_many_more() -> None:
    models = [judged(attestations.discarded(), Mention(path=f"{n}.py", line=n + 1)) for n in range(25)]
    models += [judged(attestations.allowed(), Mention(path=f"ok-{n}.py", line=n + 1)) for n in range(11)]
    lines = read(review_annotations(review(*models)))
    assert [each["level"] for each in lines] == ["error"] * 10 + ["notice"] * 10
    assert lines[9]["message"] == "16 further errors: see the summary of the job"
    assert lines[19]["message"] == "2 further notices: see the summary of the job"


def test_ten_are_shown_as_they_are() -> None:
    models = [judged(attestations.discarded(), Mention(path=f"{n}.py", line=n + 1)) for n in range(10)]
    assert [each["file"] for each in read(review_annotations(review(*models)))] == [f"{n}.py" for n in range(10)]


@pytest.mark.parametrize("text", [*MARKUP, *HOSTILE])
def test_hostile_text_is_no_command_of_its_own(text: str) -> None:
    for shown in (everywhere_in(full(), lambda _: text), everywhere_in(full(), lambda old: f"{old}{text}{old}")):
        lines = review_annotations(shown)
        assert len(lines) == len(review_annotations(full()))
        assert all("bad" not in each for each in read(lines)), lines
        "\n".join(lines).encode("utf-8")


def test_a_file_is_named_as_the_runner_reads_it_back() -> None:
    place = Mention(path="100%, a:b.py", line=3)
    (line,) = review_annotations(review(judged(attestations.allowed(), place)))
    assert "file=100%25%2C a%3Ab.py,line=3," in line
    (hidden,) = review_annotations(review(judged(attestations.allowed(), replace(place, path="a\u202eb.py"))))
    assert "file=" not in hidden


def test_a_cell_has_no_line() -> None:
    place = Mention(path="try.ipynb", cell=2, line=5)
    (line,) = review_annotations(review(judged(attestations.discarded(), place)))
    assert "line=" not in line.split("::")[1]
    assert "cell 2, line 5" in line
