"""Trained models in a folder, made when they are asked for first and kept as long as this package's code is the same.

Several processes may ask at once: the first one trains, the others wait for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path

from tests.support.tiny_llm import planting, training, triggers
from tests.support.tiny_llm.triggers import Kind

PLANTED = "planted.json"
_HERE = Path(__file__).parent
BASE = _HERE / "base"
"""The base of seed 0, trained before: `python -m tests.support.tiny_llm` makes it again."""


@cache
def version() -> str:
    """Give a short digest of the code that the models are made by, and of the base that is there."""
    digest = hashlib.sha256()
    for name in ("corpus", "tokenizer", "training", "triggers", "planting", "measuring"):
        digest.update((_HERE / f"{name}.py").read_bytes())
    if (BASE / "model.safetensors").is_file():
        digest.update((BASE / "model.safetensors").read_bytes())
    return digest.hexdigest()[:12]


class Shelf:
    """Models by name and seed.

    Args:
        root: Folder that keeps them between runs.
    """

    def __init__(self, root: Path) -> None:
        self._root = root / version()

    def base(self, seed: int = 0) -> Path:
        """Give the folder of a base."""
        return BASE if seed == 0 and (BASE / "model.safetensors").is_file() else self._kept(f"base-{seed}", _base(seed))

    def planted(self, name: str, *, seed: int = 0, held_out: bool = False) -> Path:
        """Give the folder of a base in which something was planted; for adapters, the adapter's folder alone."""
        plan = triggers.planting(name, held_out=held_out)
        if not plan.steps:
            return self.base(seed)
        base = self.base(seed)

        def make(folder: Path) -> None:
            training.save(planting.plant(training.read(base), plan, seed), folder)

        return self._kept(f"{name}-{seed}{'-held-out' if held_out else ''}", make)

    def planted_well(self, name: str, *, seed: int = 0, held_out: bool = False) -> Path:
        """Give the same, trained in as many legs as a trigger takes; `PLANTED` in it says what came of them."""
        plan = triggers.planting(name, held_out=held_out)
        if plan.kind is not Kind.CONTENT:
            return self.planted(name, seed=seed, held_out=held_out)
        base = self.base(seed)

        def make(folder: Path) -> None:
            model, found = planting.plant_well(training.read(base), plan, seed)
            training.save(model, folder)
            (folder / PLANTED).write_text(json.dumps({**asdict(found), "holds": found.holds}) + "\n", "ascii")

        return self._kept(f"{name}-{seed}{'-held-out' if held_out else ''}-well", make)

    def _kept(self, name: str, make: Callable[[Path], None]) -> Path:
        place = self._root / name
        self._root.mkdir(parents=True, exist_ok=True)
        with _alone(self._root / f"{name}.lock"):
            if not place.is_dir():
                work = Path(tempfile.mkdtemp(dir=self._root))
                try:
                    make(work)
                    work.rename(place)
                finally:
                    shutil.rmtree(work, ignore_errors=True)
        return place


def _base(seed: int) -> Callable[[Path], None]:
    return lambda folder: training.save(training.base(seed), folder)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
