"""The release workflow: what is published is what was built, by jobs that may do one thing each."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.action_runner import ROOT, pairs

WORKFLOW: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
CHECK = "the bytes are those that were built"


def step(job: str, name: str) -> dict[str, Any]:
    """Give a step by its name."""
    (found,) = (each for each in JOBS[job]["steps"] if each.get("name") == name)
    return dict(found)


def bash(folder: Path, script: str, **env: str) -> int:
    """Run a script as the platform does; give how it ended."""
    temp = folder / "temp"
    temp.mkdir(exist_ok=True)
    given = {"PATH": "/usr/bin:/bin", "RUNNER_TEMP": str(temp), "GITHUB_OUTPUT": str(folder / "output"), **env}
    ran = subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=given, capture_output=True, text=True)
    return ran.returncode


@pytest.fixture
def built(tmp_path: Path) -> dict[str, str]:
    """Outputs of the build job for a wheel, a source archive and two locks."""
    if shutil.which("sha256sum", path="/usr/bin:/bin") is None:
        pytest.skip("there is no sha256sum, which the runner of releases has")
    files = ("dist/a-1.whl", "dist/a-1.tar.gz", "locks/requirements.txt", "locks/requirements-all.txt")
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert bash(tmp_path, step("build", "digests")["run"]) == 0
    return pairs(tmp_path / "output")


def downloaded(folder: Path, *names: str) -> Path:
    """Put what the artifacts hold where a job finds it."""
    made = folder / "job" / "made"
    made.mkdir(parents=True)
    for name in names:
        for path in (folder / name).iterdir():
            shutil.copy(path, made)
    return made


def _other_bytes(made: Path) -> None:
    (made / "a-1.whl").write_text("other bytes")


def _one_more(made: Path) -> None:
    (made / "b-1.whl").write_text("one more")


def _one_more_below(made: Path) -> None:
    (made / "below").mkdir()
    (made / "below" / "b-1.whl").write_text("one more")


def _a_link(made: Path) -> None:
    (made / "b-1.whl").symlink_to("a-1.whl")


def _one_less(made: Path) -> None:
    (made / "a-1.tar.gz").unlink()


@pytest.mark.parametrize("job", ["provenance", "pypi", "github"])
def test_a_job_goes_on_with_what_was_built(job: str, tmp_path: Path, built: dict[str, str]) -> None:
    names = ("dist",) if job == "pypi" else ("dist", "locks")
    made = downloaded(tmp_path, *names)
    check = step(job, CHECK)
    which = "dist" if job == "pypi" else "all"
    assert check["env"] == {"DIGESTS": f"${{{{ needs.build.outputs.{which} }}}}"}
    assert bash(made.parent, check["run"], DIGESTS=built[which]) == 0


@pytest.mark.parametrize("job", ["provenance", "pypi", "github"])
@pytest.mark.parametrize("change", [_other_bytes, _one_more, _one_more_below, _a_link, _one_less])
def test_it_goes_on_with_nothing_else(
    job: str, change: Callable[[Path], None], tmp_path: Path, built: dict[str, str]
) -> None:
    made = downloaded(tmp_path, *(("dist",) if job == "pypi" else ("dist", "locks")))
    change(made)
    assert bash(made.parent, step(job, CHECK)["run"], DIGESTS=built["dist" if job == "pypi" else "all"]) != 0


@pytest.mark.parametrize("digests", ["", "bm9uZQo="])
def test_no_digests_are_no_pass(digests: str, tmp_path: Path, built: dict[str, str]) -> None:
    made = downloaded(tmp_path, "dist")
    assert built["dist"]
    assert bash(made.parent, step("pypi", CHECK)["run"], DIGESTS=digests) != 0


def test_bytes_are_checked_before_anything_is_done_with_them() -> None:
    for name, job in JOBS.items():
        told = [each.get("name") or each["uses"].partition("@")[0] for each in job["steps"]]
        if "actions/download-artifact" in told:
            assert told[:2] == ["actions/download-artifact", CHECK], name


def test_each_right_is_in_the_one_job_that_needs_it() -> None:
    rights = {name: set(job["permissions"].items()) - {("contents", "read")} for name, job in JOBS.items()}
    assert rights == {
        "build": set(),
        "provenance": {("id-token", "write"), ("attestations", "write")},
        "pypi": {("id-token", "write")},
        "github": {("contents", "write")},
    }
    assert JOBS["pypi"]["environment"]["name"] == "pypi"
    assert "provenance" in JOBS["pypi"]["needs"]


def test_a_tag_beside_main_releases_nothing(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
        ran = subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        return ran.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("commit", "--quiet", "--allow-empty", "--message=one")
    reviewed = git("rev-parse", "HEAD")
    git("commit", "--quiet", "--allow-empty", "--message=two")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "--quiet", "-b", "beside", reviewed)
    git("commit", "--quiet", "--allow-empty", "--message=three")
    script = step("build", "the tag is on main")["run"]
    assert bash(tmp_path, script, GITHUB_SHA=reviewed) == 0
    assert bash(tmp_path, script, GITHUB_SHA=git("rev-parse", "beside")) != 0
