"""What every check may rely on: `inspect` never lets a check end the run, and never calls a failure clean."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.artifact import Artifact, Kind, Reference, Scheme
from gatekeeper.checks import Check, Context, Outcome, Rule, inspect
from gatekeeper.checks.check import docstring_parts
from gatekeeper.evidence import Confidence, Gap, Hazard, Severity, Status, Strength

ARTIFACT = Artifact(reference=Reference(scheme=Scheme.FOLDER, name="x"), kind=Kind.MODEL, files=())
CONTEXT = Context(now=datetime(2026, 1, 1, tzinfo=UTC))
DOC = "What it looks at:\n  A.\nWhy it matters:\n  B\n  b.\nWhat it cannot see:\n  C.\nHow to mend:\n  D.\n"


class Sample(Check):
    """One line.

    What it looks at:
        Whatever the test hands it.

    Why it matters:
        It does not.

    What it cannot see:
        Anything else.

    How to mend:
        Nothing to mend.
    """

    id = "test/sample"
    title = "Sample"
    rules = (
        Rule(slug="low", title="Low", severity=Severity.LOW, hazard=Hazard.NONE, mend="Mend it."),
        Rule(
            slug="info",
            title="Info",
            severity=Severity.INFO,
            hazard=Hazard.NONE,
            mend="Read it.",
            confidence=Confidence.LOW,
            strength=Strength.PLATFORM,
        ),
    )
    facts = ("test.fact",)

    def __init__(self, outcome: object = None, reason: str = "", error: BaseException | None = None) -> None:
        self.outcome, self.reason, self.error = outcome, reason, error

    def not_applicable(self, artifact: Artifact, context: Context) -> str:
        return self.reason

    def run(self, artifact: Artifact, context: Context) -> Outcome:
        if self.error:
            raise self.error
        return self.outcome  # type: ignore[return-value]


def finding(slug: str, **changes):
    return Sample().finding(slug, "Something was found.", **changes)


@pytest.mark.parametrize(
    ("findings", "gaps", "expected"),
    [
        ((), (), Status.PASS),
        (("info",), (), Status.PASS),
        (("low",), (), Status.FAIL),
        (("info", "low"), (), Status.FAIL),
        ((), ("gap",), Status.UNKNOWN),
        (("low",), ("gap",), Status.UNKNOWN),
    ],
)
def test_how_a_check_ends(findings, gaps, expected) -> None:
    outcome = Outcome(
        findings=tuple(map(finding, findings)), gaps=tuple(Gap(reason=gap) for gap in gaps), facts={"test.fact": 1}
    )
    result = inspect(Sample(outcome), ARTIFACT, CONTEXT)
    assert result.status is expected
    assert (result.findings, result.gaps, result.facts) == (outcome.findings, outcome.gaps, {"test.fact": 1})


def test_the_reasons_of_gaps_are_told_once_each() -> None:
    gaps = (Gap(reason="b", path="1"), Gap(reason="a"), Gap(reason="b", path="2"))
    assert inspect(Sample(Outcome(gaps=gaps)), ARTIFACT, CONTEXT).reason == "b; a"


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), KeyError(), RecursionError("deep"), MemoryError(), StopIteration(), SystemExit(0), OSError(5)],
    ids=repr,
)
def test_a_check_that_raises_is_unknown_and_says_why(error: BaseException) -> None:
    result = inspect(Sample(error=error), ARTIFACT, CONTEXT)
    assert result.status is Status.UNKNOWN
    assert result.reason.startswith(type(error).__name__)
    assert result.findings == ()


def test_a_person_can_still_stop_the_run() -> None:
    with pytest.raises(KeyboardInterrupt):
        inspect(Sample(error=KeyboardInterrupt()), ARTIFACT, CONTEXT)


@pytest.mark.parametrize("outcome", [None, "pass", (), 7], ids=repr)
def test_a_check_that_gives_no_outcome_is_unknown(outcome: object) -> None:
    assert inspect(Sample(outcome), ARTIFACT, CONTEXT).status is Status.UNKNOWN


@given(st.text(st.characters()))
def test_the_reason_is_printable_and_bounded_whatever_the_error_quotes(text: str) -> None:
    for message in (text, text * 1000):
        reason = inspect(Sample(error=ValueError(message)), ARTIFACT, CONTEXT).reason
        assert reason.isprintable()
        assert len(reason) <= 500


def test_not_applicable_says_why_and_sets_what_it_declares() -> None:
    result = inspect(Sample(reason="no files"), ARTIFACT, CONTEXT)
    assert (result.status, result.reason, dict(result.facts)) == (Status.NOT_APPLICABLE, "no files", {})

    class Absent(Sample):
        __doc__ = Sample.__doc__
        not_applicable_facts = {"test.fact": "none"}  # noqa: RUF012

    assert inspect(Absent(reason="no files"), ARTIFACT, CONTEXT).facts == {"test.fact": "none"}


def test_a_finding_takes_what_its_rule_says() -> None:
    made = finding("info", path="a/b", offset=3, detail="key")
    assert (made.id, made.check, made.title, made.mend) == ("test/sample/info", "test/sample", "Info", "Read it.")
    assert (made.severity, made.confidence, made.strength) == (Severity.INFO, Confidence.LOW, Strength.PLATFORM)
    assert (made.location.path, made.location.offset, made.location.detail) == ("a/b", 3, "key")


def test_a_finding_may_differ_from_its_rule() -> None:
    made = finding("info", severity=Severity.HIGH, hazard=Hazard.UNPROVEN, confidence=Confidence.HIGH)
    assert (made.severity, made.hazard, made.confidence) == (Severity.HIGH, Hazard.UNPROVEN, Confidence.HIGH)


def test_a_finding_of_no_rule_is_an_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        finding("nothing")


def test_a_check_describes_itself() -> None:
    description = Sample().describe()
    assert (description.id, description.version, description.facts) == ("test/sample", 1, ("test.fact",))
    assert (description.looks_at, description.mend) == ("Whatever the test hands it.", "Nothing to mend.")
    assert [rule.id for rule in description.rules] == ["test/sample/low", "test/sample/info"]


def test_docstring_parts_are_joined_to_one_line_each() -> None:
    parts = docstring_parts(DOC)
    assert list(parts.values()) == ["A.", "B b.", "C.", "D."]


@pytest.mark.parametrize("part", ["What it looks at", "Why it matters", "What it cannot see", "How to mend"])
def test_a_missing_part_is_named(part: str) -> None:
    with pytest.raises(ValueError, match=part):
        docstring_parts(DOC.replace(part, "Other"))


def test_an_empty_part_is_missing() -> None:
    with pytest.raises(ValueError, match="How to mend"):
        docstring_parts(DOC.replace("  D.\n", ""))
