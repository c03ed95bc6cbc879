"""Populations of adapters: what is read as one can be written and read again, and an adapter can be judged by it."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from gatekeeper import populations
from gatekeeper.checks.adapter import Sample, calibrate
from gatekeeper.checks.adapter.population_judging import Judgement, judge
from gatekeeper.errors import InputError, LimitError
from gatekeeper.population import Population
from tests.fuzz import laws, seeds

SHORT = 25
"""Seeds and half the mutations of a short run: an input that is a population costs a fit of each detector."""

_BUDGET = 0.4
"""Great, so that few members pay for all detectors."""

_FEATURES = ("level", "q_proj/effective-rank", "spread")
_BASE, _SHAPES = "org/base", "ab" * 32


def _sample(number: int) -> Sample:
    random = Random(number)
    return Sample(
        name=f"a{number}", digest=f"{number:064x}", base=_BASE, shapes=_SHAPES, targets=("q_proj",), ranks=(8,),
        features={name: random.gauss(0, 1) for name in _FEATURES},
    )  # fmt: skip


def _seeds() -> list[bytes]:
    """Make one for each number of detectors, and one with poisoned members."""
    sizes = ((3, 0), (6, 0), (9, 10))
    made = [
        calibrate(
            [_sample(number) for number in range(honest)],
            [_sample(1000 + number) for number in range(poisoned)],
            name="known",
            tool_versions={"numpy": "2"},
            budget=_BUDGET,
        )
        for honest, poisoned in sizes
    ]
    return [populations.to_json(each).encode() for each in made]


SEEDS: seeds.Seeds = _seeds
TOKENS = tuple(
    word.encode()
    for word in (
        '"members"', '"values"', '"thresholds"', '"distance"', '"forest"', '"classifier"', '"honest"', '"poisoned"',
        '"budget"', '"ranks"', '"features"', '"bases"', '"targets"', '"shapes"', '"middle"', '"score"', '"rank"',
        "1e6", "-1e6", "1e400", "NaN", "0.5", "0.05", "1e-300", "-0.0", "null", "[]", "{}", "true", r"\ud800",
        '"schema_version": "1.0"', '"1.1"', '"digest"', "," * 3, "9" * 400, r"\u0000",
    )
)  # fmt: skip


def _odd(population: Population) -> Sample:
    """Give an adapter that the population is of, as far as it can say, at the edge of what features may be."""
    return Sample(
        name="x", digest="f" * 64, base=population.bases[0] if population.bases else "", shapes=population.shapes,
        targets=population.targets, ranks=(population.ranks[0],),
        features={name: -1e6 if index % 2 else 1e-3 for index, name in enumerate(population.features)},
    )  # fmt: skip


def _said(judgement: Judgement) -> Any:
    if judgement.uncalibrated:
        laws.showable(judgement.uncalibrated)
        if judgement.scores:
            raise laws.LawError("a number off its calibration")
        return judgement.uncalibrated
    numbers = [number for each in judgement.scores for number in (each.score, each.threshold)]
    if not numbers or not all(map(math.isfinite, numbers)):
        raise laws.LawError("a judgement without numbers", numbers)
    return judgement.is_anomalous, numbers


def answer(data: bytes) -> Any:
    try:
        population = populations.read(data, "x")
    except (InputError, LimitError) as error:
        laws.showable(str(error))
        return str(error)
    if populations.read(populations.to_json(population).encode(), "x") != population:
        raise laws.LawError("what is written is not what was read")
    return [_said(judge(population, each)) for each in (_odd(population), _sample(7))]


def one_input(data: bytes) -> None:
    laws.same_twice(answer, data)
