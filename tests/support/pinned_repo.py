"""A small pinned repo, and folders that are filled from it."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.demo.hub import Faults, HubRepo, LoopbackHub
from gatekeeper.errors import SourceError
from gatekeeper.limits import Limits
from gatekeeper.lock import LockedFile, LockedModel
from gatekeeper.sources import SourceOptions, materialise
from gatekeeper.sources.parts import STAGING
from tests.support.locks import model_of

WEIGHTS = random.Random(7).randbytes(700_000)
FILES = {
    "config.json": b"{}",
    "empty.txt": b"",
    "model.safetensors": WEIGHTS,
    "sub/deep/tokenizer.json": b'{"version": "1.0"}',
    "zwilling/config.json": b"{}",
}
REPO = HubRepo.of("acme/tiny", FILES)
QUICK = Limits(retries=2, retry_seconds=0.01, request_seconds=5.0, retry_after_seconds=1.0)


def locked(repo: HubRepo = REPO, id: str = "acme/tiny") -> LockedModel:
    """What a lock says of the newest commit of a repo."""
    tree = repo.trees[repo.head].values()
    files = tuple(LockedFile(path=file.path, size=file.size, sha256=file.sha256) for file in tree)
    return model_of(id, repo.head, files)


MODEL = locked()


def served(hub: LoopbackHub, cache: Path) -> SourceOptions:
    """Put the repo on a Hub, and say how to ask it."""
    hub.add(REPO)
    return SourceOptions(endpoint=hub.endpoint, cache_dir=cache, limits=QUICK)


def held(folder: Path) -> dict[str, bytes]:
    """Everything below a folder that has a name of its own."""
    files = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.parent.name != STAGING}


def leave_part(folder: Path, options: SourceOptions, hub: LoopbackHub, at: int) -> Path:
    """Let a fetch break off inside the weights, and give what it left of them."""
    hub.faults = Faults(truncate={"model.safetensors": at})
    with pytest.raises(SourceError):
        materialise(MODEL, folder, replace(options, limits=replace(QUICK, retries=0), jobs=1))
    hub.faults = Faults()
    (part,) = (path for path in (folder / STAGING).iterdir() if path.stat().st_size)
    return part
