"""Runs the steps of a composite action as GitHub's runner does, on this machine.

`run:` steps are run by bash with the platform's own options, in order, with the files that they tell the runner things
through (GITHUB_OUTPUT, GITHUB_ENV, GITHUB_PATH, GITHUB_STEP_SUMMARY). `uses:` steps are recorded and not run. What
`stand_ins` names is answered by the test instead.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support.action_expressions import asks_for_status, evaluate, filled_in, truth

ROOT = Path(__file__).parents[2]
Outputs = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step that came up, and what came of it."""

    id: str
    uses: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    """What a `uses:` step was given by `with:`."""

    env: Mapping[str, str] = field(default_factory=dict)
    """What the step itself adds to the environment."""

    outcome: str
    """`success`, `failure` or `skipped`."""

    stood_in: bool = False
    """Whether it was answered for: by a test, or because it is another's action."""

    code: int = 0
    outputs: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    """What it printed, masked as the platform masks it."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What became of the whole action."""

    steps: tuple[Step, ...]
    outputs: Mapping[str, str]
    code: int
    """Exit code of the last step that failed the action; 0 when none did."""

    summary: str
    """What the job's page shows."""

    @property
    def log(self) -> str:
        """Everything that was printed."""
        return "".join(step.log for step in self.steps)

    def step(self, name: str) -> Step:
        """Give the step with this id, or that uses this action."""
        return next(step for step in self.steps if name in (step.id, step.uses.partition("@")[0]))


@dataclass(frozen=True, kw_only=True)
class Job:
    """Where and for what an action runs."""

    workspace: Path
    temp: Path
    event_name: str
    event: Mapping[str, Any] = field(default_factory=dict)
    github: Mapping[str, str] = field(default_factory=dict)
    """More of the platform's variables, such as GITHUB_BASE_REF."""

    env: Mapping[str, str] = field(default_factory=dict)
    """What the job sets."""

    token: str = ""


def run_action(
    action: Path,
    job: Job,
    inputs: Mapping[str, str] | None = None,
    stand_ins: Mapping[str, Callable[[], Outputs]] | None = None,
    refused: Collection[str] = (),
) -> Ran:
    """Run every step whose `if:` holds.

    Args:
        action: Folder of `action.yml`.
        job: Where it runs.
        inputs: What `with:` gives; the others have their defaults.
        stand_ins: Id of a step → what gives its outputs instead of running it.
        refused: Ids of `uses:` steps that fail.
    """
    document = yaml.safe_load((action / "action.yml").read_text("utf-8"))
    declared = {name: str(each.get("default", "")) for name, each in document["inputs"].items()}
    given = dict(inputs or {})
    assert set(given) <= set(declared), f"the action has no input {set(given) - set(declared)}"
    running = _Running(action, job, {**declared, **given}, dict(stand_ins or {}), refused)
    for index, step in enumerate(document["runs"]["steps"]):
        running.take(index, step)
    outputs = {name: running.text(each["value"]) for name, each in document["outputs"].items()}
    return Ran(steps=tuple(running.steps), outputs=outputs, code=running.code, summary=running.summary)


class _Running:
    """The state between steps."""

    def __init__(
        self,
        action: Path,
        job: Job,
        inputs: Outputs,
        stand_ins: dict[str, Callable[[], Outputs]],
        refused: Collection[str],
    ) -> None:
        self.steps: list[Step] = []
        self.code = 0
        self.summary = ""
        self._action, self._job, self._inputs, self._stand_ins = action, job, inputs, stand_ins
        self._refused = refused
        self._masks: list[str] = []
        self._env = {**_platform(action, job), **job.env}

    def text(self, value: Any) -> str:
        """Fill in a value of `action.yml`."""
        return filled_in(value, self._contexts(), self._functions())

    def take(self, index: int, step: Mapping[str, Any]) -> None:
        """Run a step, or skip it, and remember what came of it."""
        name = step.get("id", f"step-{index}")
        if not self._wanted(str(step.get("if", ""))):
            self.steps.append(Step(id=name, uses=step.get("uses", ""), outcome="skipped"))
            return
        env = {key: self.text(value) for key, value in step.get("env", {}).items()}
        if name in self._stand_ins:
            done = Step(id=name, env=env, outcome="success", stood_in=True, outputs=self._stand_ins[name]())
        elif "uses" in step:
            given = {key: self.text(value) for key, value in step.get("with", {}).items()}
            outcome = "failure" if name in self._refused else "success"
            code = int(name in self._refused)
            done = Step(id=name, uses=step["uses"], given=given, env=env, outcome=outcome, code=code, stood_in=True)
        else:
            assert step["shell"] == "bash"
            done = self._bash(index, name, step["run"], env)
        self.steps.append(done)
        if done.outcome == "failure" and not step.get("continue-on-error"):
            self.code = done.code

    def _wanted(self, condition: str) -> bool:
        if condition and asks_for_status(condition):
            return truth(evaluate(condition, self._contexts(), self._functions()))
        fine = self.code == 0
        return fine and (not condition or truth(evaluate(condition, self._contexts(), self._functions())))

    def _bash(self, index: int, name: str, script: str, env: Outputs) -> Step:
        folder = self._job.temp / "_runner" / str(index)
        folder.mkdir(parents=True)
        files = {
            key: folder / key.lower() for key in ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
        }
        for path in (*files.values(), folder / "script.sh"):
            path.touch()
        (folder / "script.sh").write_text(script, "utf-8")
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", folder / "script.sh"],
            cwd=self._job.workspace,
            env={**self._env, **{key: str(path) for key, path in files.items()}, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
        self._env.update(pairs(files["GITHUB_ENV"]))
        added = files["GITHUB_PATH"].read_text("utf-8").split("\n")
        self._env["PATH"] = os.pathsep.join([*reversed([line for line in added if line]), self._env["PATH"]])
        self.summary += files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        outcome = "failure" if ran.returncode else "success"
        log = self._masked(ran.stdout.decode("utf-8", "replace"))
        return Step(
            id=name, env=env, outcome=outcome, code=ran.returncode, outputs=pairs(files["GITHUB_OUTPUT"]), log=log
        )

    def _masked(self, log: str) -> str:
        shown = []
        for line in log.splitlines(keepends=True):
            if line.startswith("::add-mask::"):
                self._masks.append(line.removeprefix("::add-mask::").rstrip("\r\n"))
                continue
            for secret in self._masks:
                line = line.replace(secret, "***")
            shown.append(line)
        return "".join(shown)

    def _contexts(self) -> dict[str, Any]:
        steps = {step.id: {"outputs": dict(step.outputs), "outcome": step.outcome} for step in self.steps}
        return {
            "inputs": self._inputs,
            "steps": steps,
            "env": self._env,
            "strategy": {"job-index": 0},
            "github": {"token": self._job.token, "action_repository": "acme/gatekeeper"},
        }

    def _functions(self) -> dict[str, Callable[[], Any]]:
        return {
            "always": lambda: True,
            "cancelled": lambda: False,
            "success": lambda: self.code == 0,
            "failure": lambda: self.code != 0,
        }


def pairs(path: Path) -> Outputs:
    """Read a file of outputs as the runner does: `name=value`, or `name<<mark`, lines, `mark`.

    Raises:
        ValueError: When a line is neither, or a mark is never closed, as the platform refuses them too.
    """
    found: Outputs = {}
    lines = iter(path.read_text("utf-8").split("\n"))
    for line in lines:
        name, equals, value = line.partition("=")
        marked, heredoc, mark = line.partition("<<")
        if heredoc and (not equals or len(marked) < len(name)):
            inner = []
            for each in lines:
                if each == mark:
                    break
                inner.append(each)
            else:
                raise ValueError(f"{mark!r} is never closed")
            found[marked] = "\n".join(inner)
        elif equals:
            found[name] = value
        elif line:
            raise ValueError(f"{line!r} is no output")
    return found


def _platform(action: Path, job: Job) -> Outputs:
    job.temp.mkdir(parents=True, exist_ok=True)
    event = job.temp / "event.json"
    event.write_text(json.dumps(job.event), "utf-8")
    home = job.temp / "home"
    home.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE", "NO_PROXY") if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": str(action),
        "GITHUB_EVENT_NAME": job.event_name,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_JOB": "models",
        "GITHUB_REPOSITORY": "harbour/pilot",
        "GITHUB_RUN_ID": "1",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_WORKSPACE": str(job.workspace),
        "RUNNER_ARCH": {"x86_64": "X64", "aarch64": "ARM64", "arm64": "ARM64"}.get(platform.machine(), "X64"),
        "RUNNER_OS": "macOS" if sys.platform == "darwin" else "Linux",
        "RUNNER_TEMP": str(job.temp),
        **job.github,
    }


def installed(temp: Path) -> Callable[[], Outputs]:
    """Stand in for the `install` step: an environment that takes its packages from the one that runs the tests.

    Everything after it is told the same, and is isolated from the workspace in the same way.
    """

    def install() -> Outputs:
        venv = temp / "gatekeeper-venv"
        subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", "--clear", venv], check=True)
        python = venv / "bin" / "python"
        asked = [python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        site = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
        Path(site, "gatekeeper-action.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", "utf-8")
        return {"python": str(python)}

    return install
