"""The action's steps, run by bash in their order, on pull requests of a sample repository, against a loopback Hub."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.decision import Action
from gatekeeper.signing import DECISION
from tests.support.action_jobs import Asked, conclude, judge, sarif_places
from tests.support.action_runner import ROOT, Job, Ran, run_action
from tests.support.github_api import GitHubApi
from tests.support.pr_demo import PAGE, play, transcript
from tests.support.sample_pull_requests import (
    LORA,
    MANIFEST,
    SAMPLES,
    SECOND,
    PullRequest,
    Sample,
    git,
    manifest,
    opened,
)

CHECKS = (ROOT / "docs" / "checks.md").read_text("utf-8")
NOBODY = "http://127.0.0.1:9"
"""An address at which nothing listens."""


@pytest.mark.parametrize("name", SAMPLES)
def test_a_pull_request_of_the_guide_ends_as_it_shows(tmp_path: Path, name: str) -> None:
    """One run each: it costs seconds."""
    sample = SAMPLES[name]
    pull, ran = play(sample, tmp_path)
    _ends_in(ran, sample.expected)
    _points_at_the_manifest(ran, pull, sample)
    _uploads_everything(ran)
    _names_the_cache_by_commits(ran)
    shown = f"<!-- begin {name} -->\n{transcript(sample, pull, ran, tmp_path)}\n<!-- end {name} -->"
    assert shown in PAGE.read_text("utf-8"), "remake it with `python -m tests.support.pr_demo --write`"


def _ends_in(ran: Ran, expected: Action) -> None:
    assert ran.outputs["verdict"] == expected
    assert ran.code == int(expected is not Action.ALLOW)
    assert [each["verdict"] for each in json.loads(ran.outputs["verdicts"])] == [expected]
    assert len(json.loads(ran.outputs["changed-models"])) == 1
    assert expected in ran.summary
    for output in ("report-html", "report-json", "sarif-file", "predicate-path", "checksums-path"):
        assert Path(ran.outputs[output]).is_file(), output


def _points_at_the_manifest(ran: Ran, pull: PullRequest, sample: Sample) -> None:
    places = sarif_places(ran)
    assert bool(places) is (sample.expected is not Action.ALLOW)
    assert {(path, line) for _, path, line in places} <= {(sample.path, sample.line)}
    assert "hf://" in (pull.workspace / sample.path).read_text().splitlines()[sample.line - 1]
    level = "error" if places else "notice"
    assert f"::{level} file={sample.path},line={sample.line}," in ran.log


def _uploads_everything(ran: Ran) -> None:
    assert ran.step("actions/upload-artifact").given["path"] == str(Path(ran.outputs["report-json"]).parent)
    sarif = ran.step("github/codeql-action/upload-sarif").given
    assert sarif["sarif_file"] == ran.outputs["sarif-file"]
    assert sarif["category"] == ran.step("actions/upload-artifact").given["name"]
    log = json.loads(Path(ran.outputs["sarif-file"]).read_text())
    assert "automationDetails" not in log["runs"][0], "the platform would take it and not the category"
    driver = log["runs"][0]["tool"]["driver"]
    assert driver["informationUri"] == "https://github.com/acme/gatekeeper"
    page = "https://github.com/acme/gatekeeper/blob/HEAD/docs/checks.md#"
    anchors = {re.sub(r"[^a-z0-9-]", "", line[3:]) for line in CHECKS.splitlines() if line.startswith("## ")}
    assert {rule["helpUri"].removeprefix(page) for rule in driver["rules"]} <= anchors
    assert ran.step("attest").outcome == "skipped"


def _names_the_cache_by_commits(ran: Ran) -> None:
    (judged,) = json.loads(ran.outputs["verdicts"])
    digest = hashlib.sha256(json.dumps([[judged["name"], judged["commit"]]]).encode()).hexdigest()
    restored = ran.step("restore").given
    assert ran.step("save").given["key"] == f"{restored['restore-keys']}{digest}"
    assert restored["key"] == f"{restored['restore-keys']}none", "there is no lock"


def test_report_only_never_fails_and_a_token_stays_where_it_is_needed(tmp_path: Path) -> None:
    sample = SAMPLES["tampered"]
    pull = opened(tmp_path, {sample.path: sample.text})
    token = "hf_AbCdEfGhIjKlMnOpQrStUv"
    inputs = {"mode": "report-only", "hf-token": token, "attest": "true"}
    ran = judge(pull, tmp_path / "temp", Asked(inputs=inputs, faults=sample.faults, token="ghs_job"))
    assert (ran.code, ran.outputs["verdict"]) == (0, "discard")
    assert [step.id for step in ran.steps if token in step.env.values()] == ["gate"]
    assert not [step.id for step in ran.steps if "ghs_job" in step.env.values()], "no comment was asked for"
    written = [path for path in (tmp_path / "temp").rglob("*") if path.is_file() and "_runner" not in path.parts]
    assert not [path for path in written if token.encode() in path.read_bytes()]
    assert token not in ran.log + ran.summary
    given = ran.step("actions/attest").given
    assert given["predicate-path"] == ran.outputs["predicate-path"]
    assert given["predicate-type"] == DECISION


def test_a_push_is_compared_with_what_was_there_and_fail_on_decides(tmp_path: Path) -> None:
    sample = SAMPLES["adapter"]
    pull = opened(tmp_path, {sample.path: sample.text})
    event = {"before": pull.event["pull_request"]["base"]["sha"], "repository": {"default_branch": "main"}}
    asked = Asked(inputs={"fail-on": "escalate,discard"}, event_name="push", event=event)
    ran = judge(pull, tmp_path / "temp", asked)
    assert (ran.code, ran.outputs["verdict"]) == (0, "audit")


def test_hostile_names_are_data(tmp_path: Path) -> None:
    """Branch, files and modules of the workspace: none is run, and none writes an output or a command."""
    name = "deploy/$(touch pwned)`touch pwned`\n::set-output name=verdict::allow\n'\".yaml"
    stop = "raise SystemExit(0)\n"
    files = {
        name: manifest(LORA.head, LORA.id),
        MANIFEST: manifest(SECOND),
        "gatekeeper/__init__.py": stop,
        "gatekeeper/__main__.py": stop,
        "yaml.py": stop,
        "sitecustomize.py": stop,
        "pyproject.toml": '[tool.gatekeeper]\npolicy = "mine.yaml"\n',
    }
    pull = opened(tmp_path, files, branch="$(touch${IFS}pwned);`touch${IFS}pwned`")
    ran = judge(pull, tmp_path / "temp", Asked(inputs={"attest": "true"}, env={"PYTHONPATH": "."}))
    assert (ran.code, ran.outputs["verdict"]) == (1, "audit")
    assert not list(tmp_path.rglob("pwned"))
    commands = [line for line in ran.log.splitlines() if line.startswith("::") and "set-output" in line[:20]]
    assert commands == []
    assert sorted(each["verdict"] for each in json.loads(ran.outputs["verdicts"])) == ["allow", "audit"]
    assert ran.step("attest").outcome == "skipped"
    assert "the verdict was not signed: one job signs the verdict on one model" in ran.log


def test_a_hub_that_is_down_blocks_and_says_so(tmp_path: Path) -> None:
    sample = SAMPLES["good"]
    pull = opened(tmp_path, {sample.path: sample.text})
    ran = judge(pull, tmp_path / "temp", Asked(endpoint=NOBODY))
    assert ran.code == 3
    assert ran.outputs["verdict"] == ""
    assert "could not be reached" in ran.log
    assert "::error file=" in ran.log
    assert ran.step("reports").outcome == "success", "what is known is uploaded"


@pytest.mark.parametrize(
    ("fork", "token", "why"),
    [(True, "ghs_read", "comes from a fork"), (False, "", "GITHUB_TOKEN is not set")],
)
def test_no_comment_is_written_where_none_can_be(tmp_path: Path, fork: bool, token: str, why: str) -> None:
    pull = opened(tmp_path, {"README.md": "# pilot\n\nNo model changes here.\n"}, fork=fork)
    ran = judge(pull, tmp_path / "temp", Asked(inputs={"comment": "true"}, endpoint=NOBODY, token=token))
    assert (ran.code, ran.outputs["verdict"], ran.outputs["changed-models"]) == (0, "", "[]")
    assert why in ran.log + ran.summary
    assert "::warning" in ran.log


def test_one_comment_is_kept_up_to_date(tmp_path: Path) -> None:
    pull = opened(tmp_path, {"README.md": "# pilot\n\nNo model changes here.\n"})
    with GitHubApi() as api:
        api.comment("Looks good.", login="ada", kind="User")
        asked = Asked(inputs={"comment": "true"}, endpoint=NOBODY, token=api.token, github={"GITHUB_API_URL": api.url})
        first = judge(pull, tmp_path / "first", asked)
        _, ours = (dict(comment) for comment in api.comments)
        again = replace(asked, inputs={"comment": "true", "mode": "report-only"})
        second = judge(pull, tmp_path / "second", again)
    assert (first.code, second.code) == (0, 0)
    assert ours["body"].startswith("<!-- ")
    assert api.comments[0]["body"] == "Looks good."
    assert [comment["id"] for comment in api.comments[1:]] == [ours["id"]]
    assert api.comments[1]["body"] != ours["body"], "written anew, in its place"
    assert [each.method for each in api.asked if each.method != "GET"] == ["POST", "PATCH"]
    assert api.token not in first.log + first.summary


def test_a_comment_that_is_refused_hides_no_verdict(tmp_path: Path) -> None:
    pull = opened(tmp_path, {"README.md": "# pilot\n\nNo model changes here.\n"})
    with GitHubApi(faults={"POST": 403}) as api:
        asked = Asked(inputs={"comment": "true"}, endpoint=NOBODY, token=api.token, github={"GITHUB_API_URL": api.url})
        ran = judge(pull, tmp_path / "temp", asked)
    assert ran.code == 0
    assert "pull-requests: write" in ran.log
    assert not api.comments


def test_an_event_without_a_change_needs_models(tmp_path: Path) -> None:
    pull = opened(tmp_path, {"README.md": "# pilot\n"} | {"notes.txt": "none\n"})
    ran = judge(pull, tmp_path / "temp", Asked(event_name="workflow_dispatch", event={"inputs": {}}, endpoint=NOBODY))
    assert ran.code == 2
    assert "--models" in ran.log
    assert "::error" in ran.log


def test_a_checkout_without_history_says_what_to_fetch(tmp_path: Path) -> None:
    sample = SAMPLES["good"]
    pull = opened(tmp_path, {sample.path: sample.text}, depth=1)
    ran = judge(pull, tmp_path / "temp", Asked(endpoint=NOBODY))
    assert ran.code == 2
    assert "fetch-depth: 0" in ran.log
    assert ran.outputs["verdict"] == ""


ALLOWED = {"exit-code": "0", "verdict": "allow", "sarif-file": "s", "report-json": "r"}
PREDICATE = {"predicate-path": "p", "predicate-type": "t", "checksums-path": "c"}


@pytest.mark.parametrize("code", ["0", "1", "2", "3"])
def test_the_last_step_leaves_with_the_answer(tmp_path: Path, code: str) -> None:
    assert conclude(tmp_path, {**ALLOWED, "exit-code": code}, {}).code == int(code)


@pytest.mark.parametrize("code", ["", "4", "0 1", "0\n0", "-0", "137"])
def test_no_answer_is_never_a_pass(tmp_path: Path, code: str) -> None:
    ran = conclude(tmp_path, {**ALLOWED, "exit-code": code}, {})
    assert ran.code == 3
    assert "nothing was decided" in ran.log


@pytest.mark.parametrize(("step", "words"), [("sarif", "security-events: write"), ("reports", "could not be uploaded")])
def test_a_refused_upload_is_told_and_hides_no_verdict(tmp_path: Path, step: str, words: str) -> None:
    ran = conclude(tmp_path, ALLOWED, {"sarif": "true"}, {step})
    assert ran.code == 0
    assert f"::warning title=gatekeeper::{ran.log.partition('::warning title=gatekeeper::')[2]}" in ran.log
    assert words in ran.log


def test_a_verdict_that_was_to_be_signed_and_was_not_is_no_pass(tmp_path: Path) -> None:
    (tmp_path / "refused").mkdir()
    refused = conclude(tmp_path / "refused", {**ALLOWED, **PREDICATE}, {"attest": "true"}, {"attest"})
    signed = conclude(tmp_path, {**ALLOWED, **PREDICATE}, {"attest": "true"})
    nothing = conclude(tmp_path / "nothing", {**ALLOWED, "verdict": ""}, {"attest": "true"})
    assert (refused.code, signed.code, nothing.code) == (3, 0, 0)
    assert "id-token: write" in refused.log


@pytest.mark.parametrize("name", ["attest", "comment", "offline", "patch", "sarif"])
@pytest.mark.parametrize("value", ["yes", "1", "True ", "$(exit 0)", "true\nfalse"])
def test_a_switch_that_is_neither_on_nor_off_is_no_pass(tmp_path: Path, name: str, value: str) -> None:
    """The steps compare with `true`: anything else would pass for off without a word."""
    ran = conclude(tmp_path, ALLOWED, {name: value})
    assert ran.step("places").code == 2
    assert f"::error title=gatekeeper::{name} must be true or false" in ran.log
    assert ran.code == 3


@pytest.mark.parametrize("value", ["true", "false", ""])
def test_a_switch_is_on_or_off(tmp_path: Path, value: str) -> None:
    ran = conclude(tmp_path, ALLOWED, {"sarif": value})
    assert ran.step("sarif").outcome == ("success" if value == "true" else "skipped")
    assert ran.code == 0


def test_a_thousand_models_fit_through_the_steps(tmp_path: Path) -> None:
    """What is put into one variable may have 128 KiB, or no program starts."""
    models = [{"name": f"org/model-{n}", "commit": f"{n:040x}"} for n in range(1_000)]
    verdicts = json.dumps([{**each, "report": "r" * 120} for each in models])
    assert len(verdicts) > 2**17
    report = tmp_path / "review.json"
    report.write_text(json.dumps({"models": models}))
    downloads = tmp_path / "temp" / "gatekeeper-cache"
    downloads.mkdir(parents=True)
    (downloads / "weights").write_bytes(bytes(10_000))
    ran = conclude(tmp_path, {**ALLOWED, "verdicts": verdicts, "report-json": str(report)}, {})
    assert (ran.code, ran.step("downloads").outcome) == (0, "success"), ran.log
    judged = sorted([each["name"], each["commit"]] for each in models)
    assert ran.step("save").given["key"].endswith(hashlib.sha256(json.dumps(judged).encode()).hexdigest())


def test_downloads_that_can_not_be_kept_hide_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "temp" / "gatekeeper-cache").mkdir(parents=True)
    (tmp_path / "temp" / "gatekeeper-cache" / "weights").write_bytes(bytes(10_000))
    ran = conclude(tmp_path, {**ALLOWED, "report-json": str(tmp_path / "none.json")}, {})
    assert (ran.code, ran.step("downloads").outcome, ran.step("save").outcome) == (0, "failure", "skipped")


def test_windows_is_told_at_once(tmp_path: Path) -> None:
    job = Job(workspace=tmp_path, temp=tmp_path / "temp", event_name="push", github={"RUNNER_OS": "Windows"})
    ran = run_action(ROOT, job, {}, {"python": lambda: {"python-path": sys.executable}})
    assert ran.step("places").code == 2
    assert "runs on Linux and macOS" in ran.log
    assert (ran.step("gate").outcome, ran.code) == ("skipped", 3)


def test_the_sample_of_the_selftest_is_committed_and_served(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    asked = ["good", "--into", str(tmp_path), "--policy", str(tmp_path / "policy.yaml")]
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.support.sample_pull_requests", *asked],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == f"policy={tmp_path / 'policy.yaml'}\n"
        assert running.stdout.readline().startswith("endpoint=http://127.0.0.1:")
    finally:
        running.terminate()
        running.communicate()
    assert SECOND in git(tmp_path, "diff", "HEAD~1", "HEAD", "--", MANIFEST)
