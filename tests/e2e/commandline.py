"""Runs the command line as people do: a process of its own, with a Hub on the loopback address."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOKEN = "hf_" + "s3cr3t" * 5


@dataclass(frozen=True)
class Ran:
    """What a process left behind."""

    code: int
    out: str
    err: str
    peak_bytes: int

    @property
    def document(self) -> dict[str, Any]:
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def action(self) -> str:
        return str(self.document["decision"]["action"])

    @property
    def findings(self) -> set[str]:
        return {finding["id"] for result in self.document["results"] for finding in result["findings"]}


def run(*arguments: str | Path, home: Path, endpoint: str = "http://127.0.0.1:9", **environment: str) -> Ran:
    """Run `gatekeeper` to its end, at most two minutes.

    Args:
        arguments: As on the command line.
        home: Folder for everything that the run may write.
        endpoint: The Hub; the default is a port where nobody listens.
        environment: Set on top.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "GATEKEEPER_"))}
    env = {
        **kept,
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": endpoint,
        "HF_TOKEN": TOKEN,
        "PYTHONPATH": str(ROOT),
        **environment,
    }
    command = [sys.executable, "-m", "gatekeeper", *map(str, arguments)]
    out, err = home / "stdout", home / "stderr"
    with out.open("wb") as to_out, err.open("wb") as to_err:
        child = subprocess.Popen(command, stdout=to_out, stderr=to_err, stdin=subprocess.DEVNULL, env=env, cwd=home)
        _, status, usage = _wait(child)
    ran = Ran(os.waitstatus_to_exitcode(status), out.read_text(), err.read_text(), usage.ru_maxrss * 1024)
    assert "Traceback" not in ran.err
    assert TOKEN not in ran.out + ran.err
    return ran


def _wait(child: subprocess.Popen[bytes]) -> tuple[int, int, Any]:
    import threading

    timer = threading.Timer(120, child.kill)
    timer.start()
    try:
        pid, status, usage = os.wait4(child.pid, 0)
    finally:
        timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return pid, status, usage
