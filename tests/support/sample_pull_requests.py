"""Three pull requests to a sample repository, and the Hub that serves the models which they name.

`python -m tests.support.sample_pull_requests good --into FOLDER --policy FILE` commits one of them to a git repository,
writes a policy and serves the Hub until it is stopped; `endpoint=` and `policy=` on its output say where.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gatekeeper.decision import Action
from gatekeeper.demo import builders
from gatekeeper.demo.hub import Faults, HubCommit, HubRepo, LoopbackHub

PUBLISHER = "lighthouse"
WEIGHTS = "model.safetensors"
MANIFEST = "deploy/model.yaml"
ADAPTER = "deploy/adapter.yaml"
POLICY = f"""\
apiVersion: gatekeeper/v1
kind: Policy
name: pilot
extends: default
publishers:
  trusted: [{PUBLISHER}]
"""

_SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {name}
spec:
  predictor:
    model:
      modelFormat:
        name: huggingface
      storageUri: hf://{reference}
"""


def _flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _model() -> HubRepo:
    """A model with two good revisions and one whose weights arrive as other bytes than the Hub lists."""
    first = dict(builders.tiny_model(PUBLISHER))
    second = {**first, WEIGHTS: _flipped(first[WEIGHTS])}
    third = {**second, "generation_config.json": builders.as_json({"do_sample": False, "max_new_tokens": 64})}
    commits = (
        HubCommit(files={"README.md": first["README.md"]}, title="Say what it will be", authors=("keeper",)),
        HubCommit(files=first, title="Add the weights", authors=("second-keeper",)),
        HubCommit(files=second, title="Train it further", authors=("keeper",)),
        HubCommit(files=third, title="Answer at greater length", authors=("keeper",)),
    )
    return HubRepo(id=f"{PUBLISHER}/harbour-tiny", branches={"main": commits}, verified=True)


MODEL = _model()
LORA = HubRepo.of("new-arrival/harbour-lora", dict(builders.adapter(MODEL.id)))
_, FIRST, SECOND, THIRD = MODEL.history["main"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One pull request."""

    title: str
    path: str
    """The file that it changes."""

    text: str
    """What the file holds afterwards."""

    expected: Action
    faults: Faults = field(default_factory=Faults)

    @property
    def line(self) -> int:
        """One-based line that names the model."""
        return next(at for at, line in enumerate(self.text.splitlines(), 1) if "hf://" in line)


def manifest(revision: str, name: str = MODEL.id) -> str:
    """Give a manifest that deploys a model at a revision."""
    return _SERVICE.format(name=name.partition("/")[2], reference=f"{name}:{revision}")


SAMPLES: Mapping[str, Sample] = {
    "tampered": Sample(
        title="Bump harbour-tiny: answer at greater length",
        path=MANIFEST,
        text=manifest(THIRD),
        expected=Action.DISCARD,
        faults=Faults(tamper={WEIGHTS: _flipped(MODEL.trees[THIRD][WEIGHTS].open().read())}),
    ),
    "good": Sample(
        title="Bump harbour-tiny: train it further", path=MANIFEST, text=manifest(SECOND), expected=Action.ALLOW
    ),
    "adapter": Sample(
        title="Try a friendlier adapter", path=ADAPTER, text=manifest(LORA.head, LORA.id), expected=Action.AUDIT
    ),
}


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request as a job of the platform meets it: the merge commit, checked out with the whole history."""

    workspace: Path
    event: Mapping[str, Any]
    github: Mapping[str, str]


def git(folder: Path, *arguments: str) -> str:
    """Run git, as somebody without settings of their own, at a fixed time."""
    said = {"AUTHOR": "Ada Pilot", "COMMITTER": "Ada Pilot"}
    env = {f"GIT_{who}_NAME": name for who, name in said.items()}
    env |= {f"GIT_{who}_EMAIL": "ada@pilot.example" for who in said}
    env |= {f"GIT_{who}_DATE": "2026-06-01T12:00:00Z" for who in said}
    env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    ran = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def write(folder: Path, files: Mapping[str, str], message: str) -> str:
    """Commit files, and give the commit."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    git(folder, "add", "--", *files)
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def opened(
    work: Path, files: Mapping[str, str], *, branch: str = "bump", fork: bool = False, depth: int = 0
) -> PullRequest:
    """Make the sample repository, open a pull request that writes `files`, and check its merge commit out.

    Args:
        work: An empty folder.
        files: Path → content, as the pull request leaves it.
        branch: Name of the pull request's branch.
        fork: Whether it comes from another repository.
        depth: Commits that are checked out; 0 is all of them.
    """
    upstream = work / "upstream"
    upstream.mkdir()
    git(upstream, "init", "--quiet", "--initial-branch", "main")
    base = write(upstream, {MANIFEST: manifest(FIRST), "README.md": "# pilot\n"}, "Deploy harbour-tiny")
    git(upstream, "checkout", "--quiet", "-b", branch)
    head = write(upstream, files, "Change what is deployed")
    git(upstream, "checkout", "--quiet", "--detach", "main")
    git(upstream, "merge", "--quiet", "--no-ff", "--message", "Merge the pull request", branch)
    merge = git(upstream, "rev-parse", "HEAD")
    git(upstream, "update-ref", "refs/pull/7/merge", merge)
    git(upstream, "checkout", "--quiet", "main")
    workspace = work / "workspace"
    workspace.mkdir()
    git(workspace, "init", "--quiet")
    git(workspace, "remote", "add", "origin", upstream.as_uri())
    shallow = [f"--depth={depth}"] if depth else []
    heads = [] if depth else ["+refs/heads/*:refs/remotes/origin/*"]
    git(workspace, "fetch", "--quiet", *shallow, "origin", *heads, "+refs/pull/7/merge:refs/remotes/pull/7/merge")
    git(workspace, "checkout", "--quiet", "--detach", merge)
    return PullRequest(workspace=workspace, event=_event(base, head, branch, fork), github=_variables(merge, branch))


def _event(base: str, head: str, branch: str, fork: bool) -> dict[str, Any]:
    repository = {"full_name": "harbour/pilot", "default_branch": "main", "fork": False}
    source = {"full_name": "stranger/pilot", "fork": True} if fork else repository
    return {
        "action": "synchronize",
        "number": 7,
        "repository": repository,
        "pull_request": {
            "number": 7,
            "base": {"ref": "main", "sha": base, "repo": repository},
            "head": {"ref": branch, "sha": head, "repo": source},
        },
    }


def _variables(merge: str, branch: str) -> dict[str, str]:
    return {
        "GITHUB_BASE_REF": "main",
        "GITHUB_HEAD_REF": branch,
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_SHA": merge,
    }


def main() -> None:
    """Commit a sample on top of what is there, and serve its models until somebody stops it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sample", choices=SAMPLES)
    parser.add_argument("--into", type=Path, required=True, help="a git repository")
    parser.add_argument("--policy", type=Path, required=True, help="where the policy is written")
    given = parser.parse_args()
    sample = SAMPLES[given.sample]
    write(given.into, {MANIFEST: manifest(FIRST)}, "Deploy harbour-tiny")
    write(given.into, {sample.path: sample.text}, sample.title)
    given.policy.write_text(POLICY, "utf-8")
    with LoopbackHub([MODEL, LORA], sample.faults) as hub:
        print(f"policy={given.policy}\nendpoint={hub.endpoint}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
