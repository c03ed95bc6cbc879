"""Serves the demo's repos for as long as somebody wants to try commands on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from gatekeeper.atomic import atomic_write
from gatekeeper.demo.hub import LoopbackHub
from gatekeeper.demo.subjects import SUBJECTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What is there to be tried."""

    endpoint: str
    """For `HF_ENDPOINT`."""

    policy: Path
    """A policy that trusts one of the publishers."""

    references: tuple[str, ...]
    """Each repo at its head, pinned."""


@contextmanager
def serve(out: Path) -> Iterator[Served]:
    """Serve the embedded repos, without faults, and write `<out>/policy.yaml`.

    Args:
        out: Folder for the policy; made when it is missing.
    """
    repos = {subject.repo.id: subject.repo for subject in SUBJECTS}
    out.mkdir(parents=True, exist_ok=True)
    policy = out / "policy.yaml"
    atomic_write(policy, (resources.files("gatekeeper.demo") / "policy.yaml").read_bytes())
    with LoopbackHub(repos.values()) as hub:
        references = tuple(f"hf://{repo.id}@{repo.head}" for repo in repos.values())
        yield Served(endpoint=hub.endpoint, policy=policy, references=references)
