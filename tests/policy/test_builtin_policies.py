"""The policies that come with gatekeeper say what the design says, and their tests reach every row."""

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.errors import PolicyError
from gatekeeper.evidence import Hazard
from gatekeeper.policy import builtin, builtin_tests, json_schema, lint, load, read_tests, run_tests
from gatekeeper.policy.facts import BY_NAME, VOCABULARY, misfit

ROOT = Path(__file__).parents[2]
DESIGN = [
    ("bytes-differ", "discard"),
    ("payload", "discard"),
    ("graph-implant", "discard"),
    ("denied", "discard"),
    ("remedy-again", "patch"),
    ("remedy-exhausted", "escalate"),
    ("failure-content", "patch"),
    ("failure-other", "escalate"),
    ("required-unknown", "escalate"),
    ("suspicious", "escalate"),
    ("adapter-unproven", "audit"),
    ("unverified", "audit"),
    ("unknown", "audit"),
    ("remedy-verified", "allow"),
    ("known-good", "allow"),
    ("otherwise", "audit"),
]


def test_the_default_table_is_the_design_s_in_its_order() -> None:
    assert [(row.slug, row.action.value) for row in load().rows] == DESIGN


def test_the_readme_shows_the_default_table() -> None:
    lines = (ROOT / "policies" / "README.md").read_text().splitlines()
    shown = [line.split("|") for line in lines if line.startswith("| `")]
    rows = [(cells[1].strip(" `"), cells[3].strip()) for cells in shown if len(cells) == 6]
    assert rows == DESIGN


@pytest.mark.parametrize("name", builtin.BUILTIN_POLICIES)
def test_every_row_has_a_test_and_nothing_is_to_be_remarked(name: str) -> None:
    policy = load(name)
    report = run_tests(policy, builtin_tests(name))
    assert [case for case in report.cases if not case.passed] == []
    assert report.unreached == ()
    assert lint(policy, now=datetime(2026, 11, 23, tzinfo=UTC), report=report) == ()


@pytest.mark.parametrize("name", builtin.BUILTIN_POLICIES)
def test_every_row_but_those_that_allow_and_the_last_asks_something(name: str) -> None:
    assert all(row.ask for row in load(name).rows if row.slug != "known-good")


def test_strict_requires_more_and_keeps_what_the_default_requires() -> None:
    assert set(load("default").required) < set(load("strict").required)


def test_files_on_disk_are_the_built_in_ones() -> None:
    assert load(ROOT / "policies" / "default.yaml").digest == load("default").digest
    assert load(ROOT / "policies" / "strict.yaml").digest == load("strict").digest


def test_a_name_that_is_not_built_in_is_refused() -> None:
    with pytest.raises(KeyError):
        builtin.read("../secret")
    with pytest.raises(PolicyError, match="no such file"):
        load("lenient")


def test_every_fact_has_a_default_that_fits_and_a_unique_name() -> None:
    assert len(BY_NAME) == len(VOCABULARY)
    assert [fact.name for fact in VOCABULARY if misfit(fact, fact.default)] == []


def test_hazards_that_move_the_decision_are_words_of_the_vocabulary() -> None:
    assert set(BY_NAME["findings.hazards"].values) == {hazard.value for hazard in Hazard} - {"none"}


@pytest.mark.parametrize("name", builtin.BUILTIN_POLICIES)
def test_the_json_schema_accepts_the_built_in_policies(name: str) -> None:
    import jsonschema
    import yaml

    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = yaml.safe_load(builtin.read(name))
    assert list(validator.iter_errors(document)) == []
    assert list(validator.iter_errors({**document, "requird": []}))


def test_an_installed_package_has_them_inside(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gatekeeper", tmp_path / "gatekeeper", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "policies", tmp_path / "gatekeeper" / "policies")
    code = (
        "from gatekeeper.policy import builtin_tests, load, run_tests;"
        "print(load('strict').digest, run_tests(load('strict'), builtin_tests('strict')).passed)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == f"{load('strict').digest} True\n", done.stderr


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, gatekeeper.policy, gatekeeper.policy.facts;"
        "heavy = {'pydantic', 'yaml', 'cel_expr_python', 'rich', 'click'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    import gatekeeper.policy as package

    assert all(getattr(package, name) is not None for name in package.__all__)
    assert set(package._HOMES) == set(package.__all__)
    with pytest.raises(AttributeError):
        package.nothing_of_the_kind  # noqa: B018


class TestCases:
    """Test files of a policy are as strict as the policy."""

    HEAD = "apiVersion: gatekeeper/v1\nkind: PolicyTest\npolicy: x\n"

    def _error(self, folder: Path, cases: str) -> PolicyError:
        (folder / "a.yaml").write_text(self.HEAD + cases)
        with pytest.raises(PolicyError) as caught:
            run_tests(load(), read_tests(folder))
        return caught.value

    @pytest.mark.parametrize(
        ("cases", "line", "words"),
        [
            ("cases: []\n", 4, "at least 1"),
            ("cases:\n  - name: a\n    expect: {action: audit}\n", 6, "`row` is missing"),
            ("cases:\n  - name: a\n    fact: {}\n    expect: {action: audit, row: x}\n", 6, "unknown key `fact`"),
            (
                "cases:\n  - name: a\n    facts: {byts.hub: match}\n    expect: {action: audit, row: x}\n",
                6,
                "`byts.hub` is no fact",
            ),
            (
                "cases:\n  - name: a\n    facts: {bytes.hub: mis}\n    expect: {action: audit, row: x}\n",
                6,
                "`bytes.hub` may not be 'mis'",
            ),
            (
                "cases:\n  - name: a\n    facts: {source.pinned: 1}\n    expect: {action: audit, row: x}\n",
                6,
                "not of type bool",
            ),
        ],
    )
    def test_mistakes_are_found_where_they_are(self, tmp_path: Path, cases: str, line: int, words: str) -> None:
        error = self._error(tmp_path, cases)
        assert words in str(error)
        assert error.line == line

    def test_an_empty_folder_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PolicyError, match="no tests"):
            read_tests(tmp_path)

    def test_a_wrong_expectation_fails_and_a_row_without_test_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text(
            self.HEAD
            + "cases:\n  - name: a\n    facts: {bytes.hub: mismatch}\n    expect: {action: audit, row: payload}\n"
        )
        report = run_tests(load(), read_tests(tmp_path))
        assert not report.passed
        assert [(case.row, case.passed) for case in report.cases] == [("bytes-differ", False)]
        assert report.unreached == tuple(slug for slug, _ in DESIGN if slug != "bytes-differ")
