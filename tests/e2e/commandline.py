"""Runs the command line as people do: a process of its own, with a Hub on the loopback address.

Importing what a gate needs takes most of a short run, so it is done once: a process imports it, knowing nothing of any
run, and each run is a fork of it with its own environment, folder, memory and output. What an interpreter reads when it
starts (`PYTHONOPTIMIZE`) gets a new one. `test_hostile_surroundings` and `test_tour` start `python -m gatekeeper`.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TOKEN = "hf_" + "s3cr3t" * 5

_FORKS = """
import gc, json, os, runpy, sys
import gatekeeper.checks, gatekeeper.cli.line, gatekeeper.gate, gatekeeper.policy.loading
assert "huggingface_hub" not in sys.modules, "it reads the environment when it is imported: that of a run"
gc.freeze()
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if not child:
        break
    _, status, usage = os.wait4(child, 0)
    print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss]), flush=True)
else:
    sys.exit()
os.environ.clear()
os.environ.update(asked["environment"])
os.chdir(asked["home"])
for number, path in enumerate((os.devnull, "stdout", "stderr")):
    opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(opened, number)
    os.close(opened)
sys.path[0] = asked["home"]  # as `python -m` does
sys.argv[1:] = asked["arguments"]
runpy.run_module("gatekeeper", run_name="__main__", alter_sys=True)
"""
_READ_AT_START = ("PYTHON", "LC_", "LANG")
_SECONDS = 120


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
    begin = _started if any(name.startswith(_READ_AT_START) for name in environment) else _forked
    code, peak = begin(list(map(str, arguments)), env, home)
    ran = Ran(code, (home / "stdout").read_text(), (home / "stderr").read_text(), peak * 1024)
    assert "Traceback" not in ran.err
    assert TOKEN not in ran.out + ran.err
    return ran


def _started(arguments: list[str], env: dict[str, str], home: Path) -> tuple[int, int]:
    """Run in a new interpreter; give its exit code and peak memory in KiB."""
    command = [sys.executable, "-m", "gatekeeper", *arguments]
    with (home / "stdout").open("wb") as out, (home / "stderr").open("wb") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=env, cwd=home)
    timer = threading.Timer(_SECONDS, child.kill)
    timer.start()
    try:
        _, status, usage = os.wait4(child.pid, 0)
    finally:
        timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_maxrss


def _forked(arguments: list[str], env: dict[str, str], home: Path) -> tuple[int, int]:
    """Run in a fork of the process that has imported; give its exit code and peak memory in KiB."""
    forks = _forks()
    assert forks.stdin is not None
    assert forks.stdout is not None
    timer = threading.Timer(_SECONDS, os.killpg, (forks.pid, signal.SIGKILL))
    timer.start()
    try:
        print(json.dumps({"arguments": arguments, "environment": env, "home": str(home)}), file=forks.stdin, flush=True)
        code, peak = json.loads(forks.stdout.readline() or "[-9, 0]")
    finally:
        timer.cancel()
    return code, peak


@cache
def _forks() -> subprocess.Popen[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "GATEKEEPER_"))}
    command = [sys.executable, "-c", _FORKS]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, env={**env, "PYTHONPATH": str(ROOT)}, text=True, start_new_session=True
    )
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(BrokenPipeError):
        process.communicate()
