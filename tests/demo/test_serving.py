"""`gatekeeper demo --serve`: another process can gate what it serves, by what it prints, until it is interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.interrupting import interruptible

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lines(tmp_path: Path):
    command = [sys.executable, "-m", "gatekeeper", "demo", "--serve", "--out", str(tmp_path / "out")]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=env, preexec_fn=interruptible
    ) as running:
        assert running.stdout is not None
        try:
            found = [running.stdout.readline().strip() for _ in range(6)]
            yield found
            running.send_signal(signal.SIGINT)
            assert running.wait(20) == 0
        finally:
            running.kill()


def test_what_it_prints_can_be_run(lines: list[str], tmp_path: Path) -> None:
    variables = dict(word.split("=", 1) for word in lines[2].removeprefix("export ").split())
    commands = [line.split() for line in lines[3:]]
    assert [command[:2] for command in commands] == [["gatekeeper", "gate"]] * 3
    ran = subprocess.run(
        [sys.executable, "-m", *commands[0], "--cache-dir", str(tmp_path / "cache"), "--quiet"],
        env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("ALLOW")
