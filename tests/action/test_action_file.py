"""`action.yml`, the workflows and the locks keep the rules that a gate of supply chains must keep itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from gatekeeper.ci import extract
from gatekeeper.cli.ci import command
from gatekeeper.cli.main import COMMANDS, cli
from tests.support.action_expressions import filled_in

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = sorted((ROOT / ".github" / "requirements").glob("*.txt"))
DOCUMENT: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
STEPS: list[dict[str, Any]] = DOCUMENT["runs"]["steps"]

INPUTS = (
    *("models", "policy", "base-ref", "head-ref", "mode", "fail-on", "failure-case", "patch", "sarif", "comment"),
    *("report-dir", "attest", "cache-dir", "hf-token", "offline", "version"),
)
OUTPUTS = (
    *("verdict", "verdicts", "report-html", "report-json", "sarif-file", "predicate-path", "checksums-path"),
    "changed-models",
)
SCHEMAS = {
    "vendor.github-actions": [ACTION],
    "vendor.github-workflows": WORKFLOWS,
    "vendor.dependabot": [ROOT / ".github" / "dependabot.yml"],
    "vendor.github-issue-config": [ROOT / ".github" / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.github-issue-forms": [
        path for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")) if path.stem != "config"
    ],
    "vendor.gitlab-ci": [ROOT / "docs" / "ci" / "gitlab.yml"],
    "vendor.renovate": [ROOT / "docs" / "ci" / "renovate.json"],
}


def test_the_action_has_the_inputs_and_outputs_that_it_promises() -> None:
    assert tuple(DOCUMENT["inputs"]) == INPUTS
    assert tuple(DOCUMENT["outputs"]) == OUTPUTS


def test_inputs_reach_scripts_through_the_environment_alone() -> None:
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert scripts
    for script in scripts:
        assert "${{" not in script
        assert script.startswith("set -euo pipefail\n")


@pytest.mark.parametrize(("name", "given"), [("HF_TOKEN", "hf-token"), ("GATEKEEPER_POLICY", "policy")])
def test_an_input_wins_over_the_jobs_variable_and_an_empty_one_hides_none(name: str, given: str) -> None:
    (gate,) = (step for step in STEPS if step.get("id") == "gate")
    for value, expected in (("of the input", "of the input"), ("", "of the job")):
        contexts = {"inputs": {given: value}, "env": {name: "of the job"}}
        assert filled_in(gate["env"][name], contexts, {}) == expected


def test_every_script_names_its_shell_and_is_one() -> None:
    for step in STEPS:
        if "run" in step:
            assert step["shell"] == "bash"
            subprocess.run(["bash", "-n"], input=step["run"], text=True, check=True)


def test_a_variable_that_a_script_reads_is_one_that_it_was_given() -> None:
    platform = re.compile(r"GITHUB_\w+|RUNNER_\w+|BASH_REMATCH")
    for step in STEPS:
        script = step.get("run", "")
        read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", script))
        assert {name for name in read if not platform.fullmatch(name)} <= set(step.get("env", {}))


@pytest.mark.parametrize("secret", ["inputs.hf-token", "github.token"])
def test_a_secret_is_in_one_step_alone(secret: str) -> None:
    holders = [step.get("id") for step in STEPS if secret in str(step)]
    assert holders == ["gate"]


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_what_others_wrote_is_pinned_by_commit_and_its_source_is_told(path: Path) -> None:
    text = path.read_text("utf-8")
    uses = re.findall(r"uses: (?!\./)(\S+)(?: # (\S+))?", text)
    told = re.findall(r"# (v[\d.]+), as read in [\w.-]+/[\w.-]+, \.github/workflows/", text)
    assert uses
    for action, tag in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert tag in told, f"{path.name}: {action} is {tag}, which no comment gives a source for"


def test_one_release_of_an_action_is_one_commit_everywhere() -> None:
    texts = [path.read_text("utf-8") for path in (ACTION, *WORKFLOWS, ROOT / "README.md", ROOT / "docs" / "ci.md")]
    pins: dict[str, set[str]] = {}
    for owner, commit in re.findall(r"uses: ([\w.-]+/[\w.-]+)[\w./-]*@([0-9a-f]{40})", "\n".join(texts)):
        pins.setdefault(owner, set()).add(commit)
    assert {name: commits for name, commits in pins.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_with_the_least_rights(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {}
    # YAML 1.1 reads the key `on` as true.
    assert "pull_request_target" not in workflow[True]
    for name, job in workflow["jobs"].items():
        writes = {scope for scope, right in job["permissions"].items() if right == "write"}
        assert not writes or path.stem == "release", f"{path.name}: {name} may write {writes}"
        assert job["timeout-minutes"] <= 90


def test_zizmor_finds_nothing() -> None:
    program = _zizmor()
    ran = subprocess.run(
        [program, "--offline", "--no-progress", ACTION, ROOT / ".github"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "No findings to report" in ran.stdout


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_are_what_their_platforms_take(schema: str) -> None:
    check = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed").main
    ran = CliRunner().invoke(check, ["--builtin-schema", schema, *map(str, SCHEMAS[schema])])
    assert ran.exit_code == 0, ran.output


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_nothing_but_hashed_releases_of_wheels(path: Path) -> None:
    text = path.read_text("utf-8")
    entries = _entries(path)
    assert len(entries) == len(re.findall(r"(?m)^[A-Za-z0-9]", text))
    assert re.findall(r"(?m)^-.*", text) == ["--only-binary :all:"], "no index of any machine, nothing from a source"
    for name, block in re.findall(r"(?m)^([\w.-]+)==[^\n]*\\\n((?:    --hash=[^\n]*\n?)+)", text):
        hashes = block.split()
        assert any(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), name
    assert "file:" not in text
    assert "://" not in text


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_the_versions_that_are_tested(path: Path) -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = {
        canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines) if version
    }
    for name, requirement in _entries(path).items():
        version = str(requirement.specifier).removeprefix("==")
        assert pins.get(name, version) == version, "remake it with `make locks`"


def test_the_actions_lock_satisfies_pyproject_without_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    locked = _entries(ROOT / ".github" / "requirements" / "action.txt")
    for text in project["dependencies"]:
        wanted = Requirement(text)
        entry = locked.get(canonicalize_name(wanted.name))
        assert entry is not None, f"{wanted.name} is not locked: remake it with `make locks`"
        version = Version(str(entry.specifier).removeprefix("=="))
        assert version in wanted.specifier, f"{entry} does not satisfy {text}: remake it with `make locks`"
    assert "torch" not in locked


def test_the_release_lock_can_build_it() -> None:
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    locked = _entries(ROOT / ".github" / "requirements" / "release.txt")
    for text in backend:
        wanted = Requirement(text)
        version = Version(str(locked[canonicalize_name(wanted.name)].specifier).removeprefix("=="))
        assert version in wanted.specifier


def _entries(path: Path) -> dict[str, Requirement]:
    lines = re.findall(r"(?m)^([A-Za-z0-9][^\\\n]*)", path.read_text("utf-8"))
    found = [Requirement(line.strip()) for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def _zizmor() -> str:
    beside = Path(sys.executable).with_name("zizmor")
    program = str(beside) if beside.exists() else shutil.which("zizmor")
    if program is None:
        pytest.skip("zizmor is not installed")
    return program


def test_the_readmes_first_screen_has_ten_lines_to_copy(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    snippet = _snippet(text)
    assert snippet == _snippet((ROOT / "docs" / "ci.md").read_text("utf-8"))
    assert len(snippet.splitlines()) == 10
    assert text[: text.index(snippet)].count("\n") + 10 <= 40
    workflow = tmp_path / ".github" / "workflows" / "models.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(snippet.replace("OWNER", "acme").replace("COMMIT", "0" * 40))
    ran = subprocess.run([_zizmor(), "--offline", "--no-progress", tmp_path], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    check = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed").main
    assert CliRunner().invoke(check, ["--builtin-schema", "vendor.github-workflows", str(workflow)]).exit_code == 0


def test_the_guide_tells_of_every_input_and_output() -> None:
    guide = (ROOT / "docs" / "ci.md").read_text("utf-8")
    table = guide[guide.index("### Inputs") : guide.index("### Outputs")]
    rows = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert tuple(re.findall(r"`([\w-]+)`", rows)) != ()
    assert set(re.findall(r"`([\w-]+)`", rows)) == set(INPUTS)
    outputs = guide[guide.index("### Outputs") : guide.index("### Permissions")]
    assert set(OUTPUTS) <= set(re.findall(r"`([\w-]+)`", outputs))


def test_every_variable_of_ours_is_an_option_of_the_command_that_the_action_runs() -> None:
    given = {name for step in STEPS for name in step.get("env", {}) if name.startswith("GATEKEEPER_")}
    assert given
    assert given <= {parameter.envvar for parameter in command.params}


def test_the_gitlab_template_gives_options_that_there_are() -> None:
    job = yaml.safe_load((ROOT / "docs" / "ci" / "gitlab.yml").read_text("utf-8"))["gatekeeper"]
    (line,) = job["script"]
    options = {option for parameter in command.params for option in parameter.opts}
    assert "-m gatekeeper ci " in line
    assert set(re.findall(r"--[\w-]+", line)) <= options
    variables = {parameter.envvar for parameter in command.params}
    assert {name for name in job["variables"] if name.startswith("GATEKEEPER_")} <= variables
    assert any("--require-hashes" in each for each in job["before_script"])


def test_the_hook_runs_a_command_that_there_is() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    program, name, *options = hook["entry"].split()
    assert program == "gatekeeper"
    assert name in COMMANDS
    assert CliRunner().invoke(cli, [name, *options, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    "text",
    [
        f"model: acme/tiny\nrevision: {'a' * 40} # gatekeeper: hf=acme/tiny\n",
        f"# gatekeeper: hf=acme/tiny\nREVISION={'a' * 40}\n",
        f'// gatekeeper: hf=acme/tiny role=adapter\nconst revision = "{"a" * 40}"\n',
    ],
)
def test_what_renovate_moves_is_what_the_gate_reads(text: str) -> None:
    (manager,) = json.loads((ROOT / "docs" / "ci" / "renovate.json").read_text("utf-8"))["customManagers"]
    patterns = [re.compile(each.replace("(?<", "(?P<")) for each in manager["matchStrings"]]
    found = {(match["depName"], match["currentDigest"]) for each in patterns for match in each.finditer(text)}
    assert found == {("acme/tiny", "a" * 40)}
    assert found == {(each.name, each.revision) for each in extract("deploy/setting.ts", text.encode())}


def _snippet(text: str) -> str:
    found = re.search(r"<!-- begin snippet -->\n```yaml\n(.*?)```\n<!-- end snippet -->", text, re.DOTALL)
    assert found is not None
    return found[1]
