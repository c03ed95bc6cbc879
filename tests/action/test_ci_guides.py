"""What the guides tell of the action, the workflows and the make file is so."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.action_runner import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GUIDES = ("CONTRIBUTING.md", "SECURITY.md", "docs/ci.md", "docs/bumps.md", "docs/pull-requests.md", "docs/reports.md")


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def used(name: str) -> list[dict[str, Any]]:
    """Give the `with:` of every step of a guide's snippets that uses this action."""
    blocks = re.findall(r"```yaml\n(.*?)```", text(name), re.DOTALL)
    steps = [step for block in blocks for step in re.findall(r"(?ms)^ *- uses: OWNER/gatekeeper.*?(?=^ *- |\Z)", block)]
    read = [yaml.safe_load(re.sub(r"(?m)^ {6}", "", step)) for step in steps]
    return [each.get("with", {}) for found in read for each in found]


@pytest.mark.parametrize("name", ["README.md", "docs/ci.md"])
def test_snippets_give_inputs_that_there_are(name: str) -> None:
    given = used(name)
    assert given
    for each in given:
        assert set(each) <= set(ACTION["inputs"])


def test_checkouts_of_the_guides_have_the_history_and_keep_no_token() -> None:
    """Without the history nothing is judged, and a token that stays in the checkout is any later step's."""
    for path in (ROOT / "README.md", ROOT / "docs" / "ci.md"):
        blocks = re.findall(r"```yaml\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
        found = [line for block in blocks for line in re.findall(r"actions/checkout@.*\n *with: (\{.*\})", block)]
        assert found
        for each in map(yaml.safe_load, found):
            assert each["persist-credentials"] is False
            assert each.get("fetch-depth") == 0 or each.get("path") == "trusted"


def test_the_selftest_has_the_history_that_tells_whether_the_change_is_checked_out() -> None:
    workflow = yaml.safe_load(text(".github/workflows/selftest.yml"))
    (checkout,) = (
        each for each in workflow["jobs"]["action"]["steps"] if each.get("uses", "").startswith("actions/checkout@")
    )
    assert checkout["with"]["fetch-depth"] == 0


@pytest.mark.parametrize("name", GUIDES)
def test_every_make_target_that_is_named_is_one(name: str) -> None:
    make = text("Makefile")
    named = set(re.findall(r"(?:`|\$ )make ([a-z][a-z-]*)", text(name)))
    assert {target for target in named if not re.search(rf"(?m)^{target}:", make)} == set()


@pytest.mark.parametrize("name", GUIDES)
def test_every_link_and_folder_that_is_named_is_there(name: str) -> None:
    page = ROOT / name
    links = [
        each.partition("#") for each in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")) if "://" not in each
    ]
    for path, _, heading in links:
        target = page.parent / path if path else page
        assert target.exists(), path
        if heading:
            headings = re.findall(r"(?m)^#+ (.*)$", target.read_text("utf-8"))
            slugs = {re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in headings}
            assert heading in slugs, f"{path}#{heading}"
    for path in re.findall(
        r"`((?:gatekeeper|tests|policies|docs|reports)/[\w./-]*(?:/|\.\w+))`", page.read_text("utf-8")
    ):
        assert (ROOT / path).exists(), path


def test_the_fuzz_command_of_the_guide_runs_one_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "`python -m tests.fuzz.run NAME --replay FILE`" in text("CONTRIBUTING.md").replace("\n", " ")
    case = tmp_path / "case"
    case.write_bytes(b"{}")
    target = sorted((ROOT / "tests" / "fuzz" / "targets").glob("[a-z]*.py"))[0].stem
    monkeypatch.setattr(sys, "argv", ["run", target, "--replay", str(case)])
    monkeypatch.delitem(sys.modules, "tests.fuzz.run", raising=False)  # a shell begins without it
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("tests.fuzz.run", run_name="__main__")
    assert ended.value.code == 0


@pytest.mark.parametrize("target", ["locks", "heavy-lock"])
def test_locks_are_made_on_a_bare_machine_too(target: str, tmp_path: Path) -> None:
    """With the environment that the command makes itself, or with the uv that a release has installed by hash."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("there is no make")

    def told(*more: str) -> str:
        asked = [make, "--dry-run", target, f"VENV={tmp_path / 'venv'}", *more]
        return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "-m venv" in told()
    assert "-m venv" not in told("UV=uv")


def test_the_gitlab_template_runs_where_there_is_something_to_compare_with() -> None:
    """By schedule and by hand the commit before is forty zeros."""
    job = yaml.safe_load(text("docs/ci/gitlab.yml"))["gatekeeper"]
    rules = [each["if"] for each in job["rules"]]
    assert all('$CI_PIPELINE_SOURCE == "' in rule for rule in rules)
    assert not any("schedule" in rule for rule in rules)
