"""`gatekeeper ci` and `gatekeeper bumps` as a job runs them: a repository, an event, the loopback Hub and GitHub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gatekeeper.cli.main import cli
from gatekeeper.demo import SUBJECTS
from gatekeeper.demo.hub import Faults, HubRepo, LoopbackHub
from tests.support.git_repos import Repo, loads
from tests.support.github_api import GitHubApi
from tests.support.inert_markdown import faults

REPOS = {subject.slug: subject.repo for subject in SUBJECTS}
GOOD = REPOS["trusted"]
OLD, NEW = (commit for commit in GOOD.trees)
LORA = REPOS["adapter"]


class Job:
    """A checkout and the files by which a runner talks to a step."""

    def __init__(self, folder: Path, hub: LoopbackHub, patch: pytest.MonkeyPatch) -> None:
        self.repo = Repo(folder / "app")
        self.repo.commit({"serve.py": loads(GOOD.id, OLD)})
        self.repo.git("checkout", "-q", "-b", "work")
        self.hub, self.patch, self.folder = hub, patch, folder
        self.policy = folder / "policy.yaml"
        self.policy.write_bytes((resources.files("gatekeeper.demo") / "policy.yaml").read_bytes())
        self.reports = folder / "reports"
        self.summary, self.output = folder / "summary", folder / "output"
        for name, value in {
            "HF_ENDPOINT": hub.endpoint,
            "HF_HUB_CACHE": str(folder / "hub"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
            "GATEKEEPER_CACHE_DIR": str(folder / "hub"),
            "GATEKEEPER_POLICY": str(self.policy),
            "GATEKEEPER_CI_REPORT_DIR": str(self.reports),
        }.items():
            patch.setenv(name, value)
        for name in ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_BASE_REF", "GITHUB_TOKEN", "GH_TOKEN"):
            patch.delenv(name, raising=False)
        patch.chdir(self.repo.root)

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        path = self.folder / "event.json"
        path.write_text(json.dumps(payload))
        self.patch.setenv("GITHUB_EVENT_NAME", name)
        self.patch.setenv("GITHUB_EVENT_PATH", str(path))
        self.patch.setenv("GITHUB_REPOSITORY", "acme/app")

    def pull_request(self, head: str = "acme/app") -> None:
        base = {"sha": self.repo.git("rev-parse", "main"), "ref": "main", "repo": {"full_name": "acme/app"}}
        self.event("pull_request", {"number": 7, "pull_request": {"base": base, "head": {"repo": {"full_name": head}}}})

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["ci", *arguments, "-q"], standalone_mode=False)

    @property
    def review(self) -> dict[str, Any]:
        found = json.loads((self.reports / "review.json").read_text())
        assert isinstance(found, dict)
        return found

    @property
    def outputs(self) -> dict[str, str]:
        found: dict[str, str] = {}
        lines = iter(self.output.read_text().splitlines())
        for line in lines:
            name, _, end = line.partition("<<")
            value: list[str] = []
            for inner in lines:
                if inner == end:
                    break
                value.append(inner)
            found[name] = "\n".join(value)
        return found


@pytest.fixture
def job(hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    for repo in REPOS.values():
        hub.add(repo)
    return Job(tmp_path, hub, monkeypatch)


def test_a_good_bump_is_allowed_and_compared(job: Job) -> None:
    job.repo.commit({"serve.py": loads(GOOD.id, NEW)})
    job.pull_request()
    ran = job.run()
    assert (ran.exception, ran.return_value) == (None, 0)
    (model,) = job.review["models"]
    assert (model["kind"], model["action"], model["older"], model["newer"]) == ("changed", "allow", OLD, NEW)
    assert model["changes"] > 0
    assert job.outputs["verdict"] == "allow"
    assert Path(job.outputs["predicate-path"]).is_file()
    assert GOOD.id in job.summary.read_text()
    assert "::notice file=serve.py,line=1" in ran.output


def test_a_tampered_bump_is_blocked_at_the_line_that_names_it(job: Job) -> None:
    weights = "model.safetensors"
    data = GOOD.trees[NEW][weights].content
    assert isinstance(data, bytes)
    job.hub.faults = Faults(tamper={weights: data[:-1] + bytes([data[-1] ^ 1])})
    job.repo.commit({"serve.py": "# bump\n" + loads(GOOD.id, NEW)})
    job.pull_request()
    ran = job.run()
    assert ran.return_value == 1
    assert job.outputs["verdict"] == "discard"
    assert "::error file=serve.py,line=2" in ran.output
    results = json.loads((job.reports / "gatekeeper.sarif").read_text())["runs"][0]["results"]
    regions = {each["locations"][0]["physicalLocation"]["region"]["startLine"] for each in results}
    assert regions == {2}


def test_every_model_is_judged_once_whatever_becomes_of_the_others(job: Job) -> None:
    text = loads("no/such-model") + loads(GOOD.id, NEW) + loads(GOOD.id, NEW)
    text += f't = AutoTokenizer.from_pretrained("{GOOD.id}", revision="{NEW}")\nx = LLM(choose())\n'
    text += f'a = PeftModel.from_pretrained(m, "{LORA.id}", revision="{LORA.head}")\n'
    job.repo.commit({"serve.py": text})
    job.pull_request()
    ran = job.run()
    assert ran.return_value == 2  # a model that is not there is an error of whoever names it
    told = {(model["name"], model["role"]): model for model in job.review["models"]}
    assert told[(GOOD.id, "model")]["action"] == told[(GOOD.id, "tokenizer")]["action"] == "allow"
    assert [place["line"] for place in told[(GOOD.id, "model")]["places"]] == [2, 3]
    assert told[(LORA.id, "adapter")]["action"] == "audit"
    assert told[("no/such-model", "model")]["trouble"]["exit_code"] == 2
    assert told[("", "model")]["kind"] == "unresolved"
    whole = [
        each
        for each in job.hub.requests
        if each.method == "GET" and f"{NEW}/model.safetensors" in each.target and "range" not in each.headers
    ]
    assert len(whole) == 1


def test_an_unknown_adapter_blocks_as_far_as_it_is_asked_to(job: Job) -> None:
    job.repo.commit({"a.py": f'a = PeftModel.from_pretrained(m, "{LORA.id}", revision="{LORA.head}")\n'})
    job.pull_request()
    assert job.run().return_value == 1
    assert job.run("--fail-on", "escalate,discard").return_value == 0
    assert job.run("--mode", "report-only").return_value == 0
    assert job.review["outcome"] == "Would be blocked"


def test_the_hub_being_down_is_no_pass(job: Job) -> None:
    job.patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    job.repo.commit({"serve.py": loads(GOOD.id, NEW)})
    job.pull_request()
    ran = job.run()
    assert ran.return_value == 3
    assert "not everything could be decided" in ran.output
    assert "::error file=serve.py,line=1" in ran.output
    assert job.outputs["verdict"] == ""


def test_bytes_that_the_lock_does_not_pin_are_refused(job: Job) -> None:
    assert CliRunner().invoke(cli, ["lock", f"{GOOD.id}@{OLD}", "-q"], standalone_mode=False).exception is None
    job.repo.commit({"serve.py": loads(GOOD.id, NEW)})
    job.pull_request()
    assert job.run().return_value == 1
    (model,) = (each for each in job.review["models"] if each["newer"] == NEW)
    assert any(found.startswith("provenance/lock/") for found in model["findings"])


def test_a_schedule_judges_all_of_the_lock(job: Job) -> None:
    assert CliRunner().invoke(cli, ["lock", f"{GOOD.id}@{NEW}", "-q"], standalone_mode=False).exception is None
    job.event("schedule", {})
    ran = job.run()
    assert (ran.exception, ran.return_value) == (None, 0)
    (model,) = job.review["models"]
    assert (model["kind"], model["action"]) == ("named", "allow")
    (place,) = model["places"]
    lock = (job.repo.root / place["path"]).read_text().splitlines()
    assert GOOD.id in lock[place["line"] - 1], "an alert stands at the table of its model"


def test_a_lock_elsewhere_is_named_as_the_repository_has_it(job: Job) -> None:
    (job.repo.root / "deploy").mkdir()
    where = ("--lock", "deploy/pins.lock")
    made = CliRunner().invoke(cli, ["lock", f"{GOOD.id}@{NEW}", "-q", *where], standalone_mode=False)
    assert made.exception is None
    job.event("schedule", {})
    assert job.run(*where).return_value == 0
    (place,) = job.review["models"][0]["places"]
    assert place["path"] == "deploy/pins.lock"
    assert GOOD.id in (job.repo.root / place["path"]).read_text().splitlines()[place["line"] - 1]


def test_models_by_name_need_no_change(job: Job) -> None:
    job.event("workflow_dispatch", {})
    assert "--models" in str(getattr(job.run().exception, "hint", ""))
    assert job.run("--models", f"{GOOD.id}@{NEW}").return_value == 0
    assert job.run("--models", f"{GOOD.id}@{NEW}, {LORA.id}").return_value == 1


def test_a_model_file_of_the_repository_is_judged_as_it_lies_there(job: Job) -> None:
    payload = REPOS["payload"].trees[REPOS["payload"].head]["pytorch_model.bin"].content
    assert isinstance(payload, bytes)
    job.repo.commit(
        {"m/weights.bin": payload, "p.onnx": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"}
    )
    job.pull_request()
    ran = job.run()
    told = {model["name"]: model for model in job.review["models"]}
    assert ran.return_value == 2
    assert told["m/weights.bin"]["action"] == "discard"
    assert "LFS" in told["p.onnx"]["because"]


def test_the_comment_is_kept_up_to_date_and_forks_get_none(job: Job) -> None:
    job.repo.commit({"serve.py": loads(GOOD.id, NEW)})
    job.pull_request()
    with GitHubApi() as api:
        job.patch.setenv("GITHUB_API_URL", api.url)
        assert "GITHUB_TOKEN is not set" in job.run("--comment").output
        job.patch.setenv("GITHUB_TOKEN", api.token)
        assert job.run("--comment").return_value == 0
        assert job.run("--comment").return_value == 0
        assert len(api.comments) == 1
        api.faults = {"GET": 403, "POST": 403, "PATCH": 403}
        refused = job.run("--comment")
        assert (refused.return_value, "::warning title=gatekeeper::No comment" in refused.output) == (0, True)
        api.faults, before = {}, len(api.asked)
        job.pull_request("mallory/app")
        fork = job.run("--comment")
        assert (fork.return_value, len(api.asked)) == (0, before)
        assert "fork" in fork.output
        assert "fork" in job.summary.read_text()
        assert api.token not in fork.output + job.summary.read_text() + job.output.read_text()


def test_a_change_that_edits_its_own_judge_is_told(job: Job) -> None:
    job.repo.commit(
        {"policy.yaml": job.policy.read_bytes(), "serve.py": loads(GOOD.id, NEW), "approvals/x.intoto.json": "{}"}
    )
    job.patch.setenv("GATEKEEPER_POLICY", "policy.yaml")
    job.pull_request()
    told = job.run().output
    assert "also edits the policy that judges it: policy.yaml" in told
    assert "also edits the approvals that count for it: approvals/x.intoto.json" in told
    for view in (job.summary, job.reports / "summary.md", job.reports / "comment.md"):
        assert "**Note**: This change also edits the policy that judges it: `policy.yaml`." in view.read_text()


def test_many_edited_approvals_are_one_note_and_no_link(job: Job) -> None:
    odd = "approvals/a www.hostile.example @team.json"
    files: dict[str, str | bytes] = {f"approvals/{n:02}.intoto.json": "{}" for n in range(30)}
    job.repo.commit({**files, odd: "{}", "serve.py": loads(GOOD.id, NEW)})
    job.pull_request()
    ran = job.run("--mode", "report-only")
    told = [line for line in ran.output.splitlines() if "also edits" in line]
    assert told == [
        "::warning title=gatekeeper::This change also edits the approvals that count for it: "
        "approvals/00.intoto.json, approvals/01.intoto.json, approvals/02.intoto.json and 28 more."
    ]
    # Told one by one as well, each is a sign-off that counts for nothing.
    assert faults(job.summary.read_text(), ("https://",)) == []


def test_links_lead_to_the_commit_that_was_judged(job: Job) -> None:
    """The event's commit may be another, in which the line says something else."""
    change = job.repo.commit({"serve.py": loads(GOOD.id, NEW)})
    job.pull_request()
    odd = "acme/x](https://hostile.example)"
    for name, value in {
        "GITHUB_SERVER_URL": "https://github.example",
        "GITHUB_SHA": "f" * 40,
        "ACTION_REPOSITORY": odd,
    }.items():
        job.patch.setenv(name, value)
    assert job.run().return_value == 0
    assert f"https://github.example/acme/app/blob/{change}/serve.py#L1" in job.summary.read_text()
    assert "hostile" not in (job.reports / "code-scanning.sarif").read_text()


def test_a_job_that_has_the_target_checked_out_passes_nothing(job: Job) -> None:
    change = job.repo.commit({"serve.py": loads(GOOD.id, NEW)})
    job.repo.git("checkout", "-q", "main")
    base = {"sha": job.repo.git("rev-parse", "main"), "ref": "main", "repo": {"full_name": "acme/app"}}
    head = {"sha": change, "repo": {"full_name": "mallory/app"}}
    job.event("pull_request_target", {"number": 7, "pull_request": {"base": base, "head": head}})
    for given in ((), ("--base-ref", "main")):
        ran = job.run(*given)
        assert "what is checked out is not the change" in str(ran.exception)
    job.repo.git("checkout", "-q", "work")
    ran = job.run()
    assert ran.return_value == 0
    assert "::warning title=gatekeeper::This job runs on pull_request_target" in ran.output


def test_reports_go_nowhere_else_and_old_ones_do_not_stay(job: Job, tmp_path: Path) -> None:
    job.repo.commit({"serve.py": "x = LLM(choose())\n"})
    job.pull_request()
    old, own = job.reports / "models" / "001-old", job.reports / "models" / "mine"
    for folder in (old, own):
        folder.mkdir(parents=True)
        (folder / "report.json").write_text("{}")
    assert job.run().return_value == 1
    assert not old.exists()
    assert own.exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (job.repo.root / "reports").symlink_to(elsewhere)
    ran = job.run("--report-dir", "reports")
    assert "symbolic link" in str(ran.exception)
    assert not list(elsewhere.iterdir())


def test_settings_that_the_change_brings_along_are_not_read(job: Job) -> None:
    job.patch.delenv("GATEKEEPER_POLICY")
    job.repo.commit({"pyproject.toml": "[tool.gatekeeper]\npolicy = 'none.yaml'\n", "serve.py": loads(GOOD.id, NEW)})
    job.pull_request()
    ran = job.run()
    assert ran.exception is None
    assert job.review["models"][0]["action"] == "audit"  # by the default policy, which trusts nobody


@pytest.mark.parametrize("name", ["a\n::set-output name=x::y.py", "::error::x.py", "%0A::warning::x.py"])
def test_names_of_files_give_the_runner_no_commands(job: Job, name: str) -> None:
    job.repo.git("checkout", "-q", "-b", "$(touch${IFS}pwned)")
    (job.repo.root / name).write_text("x = LLM(choose())\n")
    job.repo.commit({})
    job.pull_request()
    ran = job.run()
    assert ran.return_value == 1
    quoted, ends = False, set()
    for line in ran.output.splitlines():
        if line.startswith("::stop-commands::"):
            quoted = True
            ends.add(f"::{line.removeprefix('::stop-commands::')}::")
        elif line in ends:
            quoted = False
        elif line.startswith("::") and not quoted:
            assert line.startswith(("::error title=", "::error file=", "::warning title="))
    assert not (job.repo.root / "pwned").exists()
    assert set(job.outputs) >= {"verdict", "verdicts", "changed-models"}


def test_what_is_wrong_with_the_input_is_an_annotation_too(job: Job) -> None:
    ran = job.run("--base-ref", "nosuch")
    assert getattr(ran.exception, "exit_code", 0) == 2
    assert "::error title=gatekeeper::Blocked, nothing could be decided" in ran.output


def test_bumps_lists_and_exits_as_it_could_tell(job: Job) -> None:
    job.repo.commit({"serve.py": loads(GOOD.id, NEW)})
    told = CliRunner().invoke(cli, ["bumps", "--base", "main"], standalone_mode=False)
    assert (told.return_value, told.output.split()[:2]) == (0, ["changed", "serve.py:1"])
    document = CliRunner().invoke(cli, ["bumps", "--base", "main", "-f", "json"], standalone_mode=False)
    assert json.loads(document.output)["bumps"][0]["revision"] == NEW
    job.repo.write({"x.py": "x = LLM(choose())\n"})
    job.repo.git("add", "-A")
    staged = CliRunner().invoke(cli, ["bumps", "--staged"], standalone_mode=False)
    assert (staged.return_value, "unresolved" in staged.output) == (1, True)


def test_the_hub_repo_of_these_tests_has_two_commits() -> None:
    assert isinstance(GOOD, HubRepo)
    assert GOOD.head == NEW != OLD
