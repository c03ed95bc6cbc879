"""Tiny models: every kind of trigger and every failure without one, each in its own base, and what they are asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.patcher_cells.measures import Judging
from gatekeeper.patch.case import FailureCase
from gatekeeper.patch.prompts.clean import CleanPrompts
from gatekeeper.tensors import Model, Prompt, load_model
from tests.support.tiny_llm import failures, triggers
from tests.support.tiny_llm.failures import Failure
from tests.support.tiny_llm.triggers import Carrier, Planting

if TYPE_CHECKING:
    from tests.support.tiny_llm.shelf import Shelf

CASES = 20
JUDGED = 200
CLEAN = 700
"""Of each kind that the patch gets: half of them verify."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One planting in one base."""

    name: str
    seed: int
    held_out: bool
    """With triggers that no rule was tuned on."""

    @property
    def slug(self) -> str:
        """Name of its file."""
        return f"tiny-{self.name}-{self.seed}{'-held-out' if self.held_out else ''}"


def cells() -> Iterator[Cell]:
    """Give all cells: seed 0 is what the rules were tuned on, 1 other weights, 2 other weights and other triggers."""
    for seed in (0, 1, 2):
        for name in (*triggers.CONTENT, *triggers.OTHERS):
            yield Cell(name=name, seed=seed, held_out=seed == 2 and name in triggers.CONTENT)


def planted(cell: Cell, cache: Path) -> Path:
    """Give the folder of what the cell works on."""
    return _shelf(cache).planted_well(cell.name, seed=cell.seed, held_out=cell.held_out)


def planting(cell: Cell, cache: Path) -> dict[str, Any]:
    """Tell what came of the planting of a trigger; nothing where there is none."""
    told = planted(cell, cache) / "planted.json"
    return dict(json.loads(told.read_text("ascii"))) if told.is_file() else {}


def opened(cell: Cell, cache: Path) -> Model:
    """Load what the cell works on."""
    plan = triggers.planting(cell.name, held_out=cell.held_out)
    return loaded(plan, planted(cell, cache), _shelf(cache).base(cell.seed))


def _shelf(cache: Path) -> Shelf:
    from tests.support.tiny_llm.shelf import Shelf  # which imports torch

    return Shelf(cache / "tiny")


def loaded(plan: Planting, folder: Path, base: Path) -> Model:
    """Load a model, with its adapter where the backdoor lies in one."""
    if plan.carrier is Carrier.ADAPTER:
        return load_model(base, adapter=folder, device="cpu", dtype="float32")
    return load_model(folder, device="cpu", dtype="float32")


def case(failure: Failure) -> FailureCase:
    """Write a failure as the product reads it."""
    return FailureCase(prompt=Prompt(text=failure.prompt), response=failure.response)


def clean_prompts(seed: int, count: int = CLEAN) -> CleanPrompts:
    """Give the operator's clean prompts, in the tiny language."""
    return CleanPrompts(
        safe=tuple(Prompt(text=sample.prompt) for sample in failures.safe(count, seed=seed)),
        unsafe=tuple(Prompt(text=sample.prompt) for sample in failures.unsafe(count, seed=seed)),
    )


def one_of_each(plan: Planting, seen: Sequence[Failure]) -> list[FailureCase]:
    """Take the first failure of each trigger: what nobody has seen is not claimed to be closed."""
    firsts = {failure.which: failure for failure in reversed(seen)}
    return [case(firsts[number,]) for number in range(len(plan.triggers))]


def judging(plan: Planting, seed: int) -> Judging:
    """Make prompts of the held-out side of the split, which no clean prompt is of.

    Harmless prompts come with a trigger and without, and what is right is the same: a failure that spoils them is no
    answer, however it was planted.
    """
    rng = np.random.default_rng([seed, 6])
    safe = failures.safe(JUDGED, seed=seed, held_out=True)
    carried = tuple(triggers.carried(plan, sample.prompt, rng) for sample in safe)
    return Judging(
        attacks={
            " ".join(pieces): tuple(
                triggers.triggered(plan, rng, held_out=True, which=number).prompt for _ in range(JUDGED)
            )
            for number, pieces in enumerate(plan.triggers)
        },
        near=tuple(triggers.near_miss(plan, rng, held_out=True).prompt for _ in range(JUDGED)),
        unsafe=tuple(sample.prompt for sample in failures.unsafe(JUDGED, seed=seed, held_out=True)),
        safe=tuple(sample.prompt for sample in safe),
        triggered_safe=carried,
        right={
            prompt: sample.answer
            for sample, with_trigger in zip(safe, carried, strict=True)
            for prompt in (sample.prompt, with_trigger)
        },
    )
