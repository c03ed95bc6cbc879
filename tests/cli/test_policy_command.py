"""`gatekeeper policy`: what it prints, and the exit code that a pipeline relies on."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gatekeeper.cli.policy import command
from gatekeeper.errors import InputError, PolicyError
from gatekeeper.policy.facts import VOCABULARY

OVERLAY = (
    "apiVersion: gatekeeper/v1\nkind: Policy\nname: mine\nextends: default\n"
    "rows:\n  - {row: old, when: 'repo.age_days > 3', action: audit, before: remedy-verified}\n"
)
CASES = (
    "apiVersion: gatekeeper/v1\nkind: PolicyTest\npolicy: mine\ncases:\n"
    "  - {name: an old repo, facts: {repo.age_days: 4}, expect: {action: ACTION, row: old}}\n"
)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(OVERLAY)
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "a.yaml").write_text(CASES.replace("ACTION", "audit"))
    return path


@pytest.mark.parametrize("name", ["default", "strict"])
def test_the_built_in_policies_pass(name: str) -> None:
    assert _run("lint", name).exit_code == 0
    result = _run("test", name)
    assert result.exit_code == 0
    assert "cases pass" in result.output


def test_a_remark_ends_in_1(overlay: Path) -> None:
    assert _run("lint", str(overlay)).exit_code == 0
    overlay.write_text(OVERLAY + "publishers: {trusted: [a], denied: [a]}\n")
    result = _run("lint", str(overlay))
    assert result.exit_code == 1
    assert f"{overlay}:1:1: `a` is listed both ways" in result.output
    as_json = json.loads(_run("lint", str(overlay), "--format", "json").output)
    assert [item["rule"] for item in as_json["findings"]] == ["contradiction"]


def test_a_policy_that_does_not_load_is_an_error_with_its_place(overlay: Path) -> None:
    overlay.write_text(OVERLAY.replace("repo.age_days", "repo.age_day"))
    result = _run("lint", str(overlay))
    assert isinstance(result.exception, PolicyError)
    assert result.exception.exit_code == 2
    assert str(result.exception).startswith(f"{overlay}:6:23: row `old`: unknown fact `repo.age_day`")


def test_the_cases_of_a_team_s_own_policy(overlay: Path) -> None:
    cases = overlay.parent / "cases"
    assert _run("test", str(overlay), "--tests", str(cases)).exit_code == 0
    (cases / "a.yaml").write_text(CASES.replace("ACTION", "discard"))
    result = _run("test", str(overlay), "--tests", str(cases))
    assert result.exit_code == 1
    assert "expected discard (old), got audit (old): repo.age_days is 4" in result.output
    report = json.loads(_run("test", str(overlay), "--tests", str(cases), "--format", "json").output)
    assert (report["passed"], report["unreached"], report["cases"][0]["passed"]) == (False, [], False)


def test_a_row_that_no_case_reaches_fails(overlay: Path) -> None:
    cases = overlay.parent / "cases"
    (cases / "a.yaml").write_text(
        CASES.replace("{repo.age_days: 4}", "{}").replace("ACTION, row: old", "audit, row: otherwise")
    )
    result = _run("test", str(overlay), "--tests", str(cases))
    assert result.exit_code == 1
    assert "row `old` is reached by no test" in result.output
    assert _run("lint", str(overlay), "--tests", str(cases)).exit_code == 1


def test_without_tests_there_is_nothing_to_run(overlay: Path) -> None:
    assert isinstance(_run("test", str(overlay)).exception, InputError)


def test_explain_prints_the_table(overlay: Path) -> None:
    output = _run("explain", str(overlay)).output
    assert "known-good" in output
    assert "repo.age_days > 3" in output
    rows = json.loads(_run("explain", "--format", "json").output)["rows"]
    assert rows[0]["row"] == "bytes-differ"
    assert rows[-1]["when"] == "true"


def test_explain_says_why_each_row_holds_or_not(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"bytes.hub": "match", "findings.hazards": ["unverified"]}))
    output = _run("explain", "--facts", str(facts)).output
    assert "no `payload` in findings.hazards" in output
    assert "audit: somebody's word is missing (unverified)\n" in output
    decision = json.loads(_run("explain", "--facts", str(facts), "--format", "json").output)
    assert (decision["action"], decision["row"]) == ("audit", "unverified")
    assert all(row["because"] for row in decision["rows"])


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"byts.hub": "match"}', '{"bytes.hub": 3}', '{"a": NaN}', "\xff", '{"bytes.hub": "x"}']
)
def test_facts_that_cannot_be_used(tmp_path: Path, content: str) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(content, encoding="latin-1")
    result = _run("explain", "--facts", str(facts))
    assert isinstance(result.exception, InputError)
    assert str(facts) in str(result.exception)


def test_huge_facts_are_refused(tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_bytes(b" " * 2_000_000)
    assert "larger than" in str(_run("explain", "--facts", str(facts)).exception)


def test_markup_and_escapes_in_a_policy_are_shown_as_text(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(OVERLAY.replace("action: audit", 'action: audit, ask: "[bold]x[/bold]\\e[31m"'))
    output = _run("explain", str(path)).output
    assert "[bold]x[/bold]\\u001b[31m" in output.replace("\n", "")
    assert "\x1b" not in output


def test_schema_and_facts() -> None:
    assert json.loads(_run("schema").output)["title"] == "PolicyDocument"
    assert "bytes.hub" in _run("facts").output
    assert [fact["name"] for fact in json.loads(_run("facts", "--format", "json").output)] == [
        fact.name for fact in VOCABULARY
    ]
