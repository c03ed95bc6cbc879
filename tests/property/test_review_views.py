"""Whatever the strings of a review are, its views stay valid, inert and within their limits."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from gatekeeper.attestation import Attestation
from gatekeeper.report import (
    MARKER,
    ReviewLinks,
    review_annotations,
    review_comment,
    review_html,
    review_sarif,
    to_sarif,
)
from gatekeeper.report.markdown import code, prose
from tests.support.attestation_strategy import ATTESTATIONS
from tests.support.hostile import everywhere_in
from tests.support.inert_markdown import faults, rows
from tests.support.reviews import full, sarif_schema

_LINKS = ReviewLinks(artifact="https://github.example/1", files="https://github.example/blob/1/")
_PIECES = st.sampled_from(
    [
        "`", "``", "|", "\\", "[x](y)", "![", "<!--", "-->", "<b>", "@a", "#1", "http://a.b", "www.a.b", "a@b.c",
        "*", "_", "~~", "&amp;", ":x:", "$", "\n", "\r", "\t", " ", "  ", "1.", "-", "+", "=", "---", "'", '"', "(",
        ")", "[", "]", "{", "}", "word", "deadbeef", "abc1234", "GH-1", "é", "\u202e", "\udcff", "%", "::", ",",
        "%0A", "§", "…", "!", "?", ";",
    ]
)  # fmt: skip
_TEXT = st.one_of(st.lists(_PIECES, min_size=1, max_size=8).map("".join), st.text(min_size=1, max_size=20))


@given(_TEXT)
@settings(max_examples=150)
def test_prose_and_code_are_inert(text: str) -> None:
    for markdown in (prose(text), f"- {prose(text)}", f"x {prose(text)} y", code(text), f"- {code(text)} z"):
        assert "\n" not in markdown
        assert faults(markdown, ()) == [], markdown
    table = f"| a | b |\n|---|---|\n| {code(text)} | {prose(text)} |"
    assert rows(table) == [2, 2], table
    assert faults(table, ()) == []


@given(_TEXT, _TEXT, st.booleans())
@settings(max_examples=20)
def test_views_of_any_review_hold_their_laws(before: str, after: str, keep: bool) -> None:
    shown = everywhere_in(full(), lambda old: f"{before}{old if keep else ''}{after}")
    comment = review_comment(shown, links=_LINKS)
    assert faults(comment, ("https://github.example/",)) == []
    assert set(rows(comment)) == {5}
    assert comment.count("<!--") == 1
    assert comment.startswith(MARKER)
    assert len(comment) <= 65_536
    Draft4Validator(sarif_schema()).validate(json.loads(review_sarif(shown)))
    assert all(line.startswith("::") and "\n" not in line and "\r" not in line for line in review_annotations(shown))
    review_html(shown).encode("utf-8")


@given(ATTESTATIONS)
@settings(max_examples=30)
def test_any_attestation_is_a_valid_log_with_every_finding_once(attestation: Attestation) -> None:
    log = json.loads(to_sarif(attestation))
    Draft4Validator(sarif_schema()).validate(log)
    results = [each for each in log["runs"][0]["results"] if not each["ruleId"].startswith("gatekeeper/verdict-")]
    assert len(results) == len(attestation.findings)
