"""The place that the program runs in is against it: exit codes stay true and nothing is left behind."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatekeeper.demo import builders
from tests.e2e.commandline import ROOT, run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    for path, data in builders.tiny_model("lighthouse").items():
        (folder / path).write_bytes(data)
    return folder


def start(*arguments: str, cwd: Path, stdout: int = subprocess.DEVNULL, **environment: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "gatekeeper", *arguments]
    return subprocess.Popen(command, cwd=cwd, env=env, stdout=stdout, stderr=subprocess.PIPE, text=True)


def test_a_model_does_not_choose_the_settings_it_is_judged_by(model: Path) -> None:
    (model / "pyproject.toml").write_text("[tool.gatekeeper]\nskip = ['files/scanners']\nout = 'reports'\n")
    inside = start("gate", ".", cwd=model)
    _, message = inside.communicate(timeout=60)
    assert (inside.returncode, (model / "reports").exists()) == (2, False)
    assert "lies inside what is to be judged" in message


def test_settings_beside_the_model_count(model: Path) -> None:
    (model.parent / "pyproject.toml").write_text("[tool.gatekeeper]\nformat = 'json'\n")
    ran = run("gate", "./model", home=model.parent)
    assert (ran.code, ran.action) == (1, "audit")


def test_stripped_docstrings_are_said(model: Path) -> None:
    ran = run("gate", "./model", home=model.parent, PYTHONOPTIMIZE="2")
    assert ran.code == 3
    assert "-OO" in ran.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize(
    "arguments", [["--format", "json"], ["--format", "html"], ["--format", "sarif"], ["--format", "text"]]
)
def test_a_full_output_is_no_verdict(arguments: list[str], model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        process = start("gate", "./model", *arguments, cwd=model.parent, stdout=full.fileno())
        _, message = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "Traceback" not in message


def test_being_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    inner = b"\x80\x02" + b"N0" * 20_000_000 + b"."  # one opcode to whoever weighs it, long work to a scanner
    (tmp_path / "slow.pkl").write_bytes(pickle.dumps(inner, 4))
    work = tmp_path / "work"
    work.mkdir()
    process = start("gate", "./slow.pkl", cwd=tmp_path, TMPDIR=str(work))
    deadline = time.monotonic() + 60
    while not any(work.glob("gatekeeper-private-*/copies/*/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in message
    assert list(work.iterdir()) == []
