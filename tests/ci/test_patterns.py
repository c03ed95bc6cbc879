"""Patterns and names that a team gives: what they find, what they leave out, and that none can take for ever."""

from __future__ import annotations

import pytest

from gatekeeper.ci import Pattern, check, extract
from gatekeeper.ci.patterns import LONGEST_LINE
from gatekeeper.errors import InputError
from gatekeeper.mention import Role

FORM = Pattern(path="deploy/*.acme", regex=r"WEIGHTS (?P<name>[\w./-]+) AT (?P<revision>\w+)", role=Role.ADAPTER)


def test_a_pattern_finds_what_no_extractor_knows() -> None:
    (mention,) = extract("deploy/eu/x.acme", b"A\nWEIGHTS harbour/lora AT v1\n", [FORM])
    assert (mention.line, mention.name, mention.revision, mention.role) == (2, "harbour/lora", "v1", Role.ADAPTER)
    assert mention.path == "deploy/eu/x.acme"
    assert extract("src/x.acme", b"WEIGHTS harbour/lora AT v1\n", [FORM]) == ()
    assert extract("deploy/x.acme", b"WEIGHTS harbour/lora AT v1\n") == ()


def test_a_pattern_adds_to_an_extractor_and_tells_nothing_twice() -> None:
    data = b"model_id: harbour/tiny\n# weights harbour/other\n"
    patterns = [Pattern(path="*.yaml", regex=r"(?:weights|model_id:) (?P<name>\S+)")]
    assert [each.name for each in extract("a.yaml", data, patterns)] == ["harbour/tiny", "harbour/other"]


def test_a_match_that_is_no_id_is_listed() -> None:
    (mention,) = extract("deploy/x.acme", b"WEIGHTS ../../etc AT v1\n", [FORM])
    assert not mention.name
    assert "is not the id of a model" in mention.unresolved


def test_a_line_that_is_too_long_is_said_so() -> None:
    (mention,) = extract("deploy/x.acme", b"W" * (LONGEST_LINE + 1), [FORM])
    assert "no pattern was tried" in mention.unresolved


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        ("(?P<name>", "no regular expression"),
        (r"(\w+)/x", "no group"),
        (r"(?P<name>(\w+)+)x", "very long"),
        (r"(?P<name>(?:a|a)*)b", "very long"),
        (r"(?P<name>(\w*\.)*)b", "very long"),
        (r"(?P<name>\w)(?P=name)", "very long"),
        (r".*.*.*.*.*.*.*(?P<name>x)", "very long"),
        ("(?P<name>" + "a" * 500 + ")", "more than 500"),
    ],
)
def test_a_pattern_that_is_none_or_costs_too_much_is_refused(regex: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check(Pattern(path="*", regex=regex))


@pytest.mark.parametrize("regex", [FORM.regex, r"hf://(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?"])
def test_a_usual_pattern_is_taken(regex: str) -> None:
    check(Pattern(path="*", regex=regex))


def test_what_is_ignored_is_left_out() -> None:
    data = b"model_id: harbour/tiny\nbase_model: harbour-test/stub\n"
    assert [each.name for each in extract("a.yaml", data, ignore=["harbour-test/*"])] == ["harbour/tiny"]
    assert extract("tests/data/a.yaml", data, ignore=["tests/*"]) == ()
    assert len(extract("tests/data/a.yaml", data)) == 2
