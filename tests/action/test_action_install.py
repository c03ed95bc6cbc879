"""The action's install step, from its own lock, by pip, into an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.action_runner import ROOT, Job, Outputs, Ran, run_action

DIGEST = "sha256:" + "0" * 64


def run(tmp_path: Path, version: str = "", job_env: Outputs | None = None) -> Ran:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    # What a change can put there must never be imported.
    (workspace / "gatekeeper.py").write_text("raise SystemExit('the workspace was imported')\n")
    (workspace / "sitecustomize.py").write_text("raise SystemExit('the workspace was imported')\n")
    outside = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_PROXY")}
    env = {**outside, "PYTHONPATH": ".", **(job_env or {})}
    job = Job(workspace=workspace, temp=tmp_path / "temp", event_name="workflow_dispatch", env=env)
    inputs = {"version": version, "offline": "true", "cache-dir": str(tmp_path / "cache")}
    return run_action(ROOT, job, inputs, {"python": lambda: {"python-path": sys.executable}})


@pytest.mark.skipif(not os.environ.get("CI"), reason="installs 60 packages from the registry: CI=1 runs it")
def test_the_lock_installs_everything_that_the_gate_needs(tmp_path: Path) -> None:
    ran = run(tmp_path)
    step = ran.step("install")
    assert step.outcome == "success", step.log
    python = step.outputs["python"]
    asked = [python, "-I", "-m", "gatekeeper", "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path / "workspace")
    assert said.stdout.startswith("gatekeeper, version ")
    checked = subprocess.run([python, "-I", "-m", "pip", "check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    assert "workspace was imported" not in ran.log


@pytest.mark.parametrize(
    "version", ["0.1.0", f"@{DIGEST}", f"0.1.0@{DIGEST}0", f"0.1.0 --index-url=x@{DIGEST}", f"0.1.0@{DIGEST}\nrequests"]
)
def test_a_version_without_its_digest_is_refused_before_anything_is_installed(tmp_path: Path, version: str) -> None:
    ran = run(tmp_path, version)
    assert ran.step("install").code == 2
    assert "version must be 1.2.3@sha256:" in ran.log
    assert not (tmp_path / "temp" / "gatekeeper-venv").exists()
    assert ran.step("gate").outcome == "skipped"
    assert ran.code == 3, "nothing was decided"
