"""An adapter against a population: whether the population can say anything of it, and what it says."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gatekeeper.checks.adapter import population_detectors as detectors
from gatekeeper.population import Detector, Label, Population
from gatekeeper.text import plural, printable

ODD = 5
"""Features that are named, the strangest first."""

_DIGITS = 6
"""Significant digits of a feature: in the file, in every fit, and of what is judged."""

_AGREES = 1e-6
"""Relative difference up to which a detector that was fitted again is the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What a population has to know of one adapter."""

    name: str
    digest: str
    """Of the artifact, hexadecimal."""

    base: str
    """What it calls its base; its own word. Empty when it says nothing."""

    shapes: str
    """As `shapes_of` gives it."""

    targets: tuple[str, ...]
    ranks: tuple[int, ...]
    """Sorted."""

    features: dict[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What one detector says."""

    detector: Detector
    score: float
    threshold: float

    @property
    def objects(self) -> bool:
        """Whether it is above its threshold."""
        return self.score > self.threshold


@dataclass(frozen=True, kw_only=True, slots=True)
class Oddity:
    """A feature beside those of the honest members."""

    feature: str
    value: float
    median: float
    deviations: float
    """Robust standard deviations from the median; signed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What a population says of an adapter."""

    population: str
    uncalibrated: str = ""
    """Why it can say nothing; empty when it can."""

    scores: tuple[Score, ...] = ()
    odd: tuple[Oddity, ...] = ()

    @property
    def is_anomalous(self) -> bool:
        """Whether a detector objects."""
        return any(score.objects for score in self.scores)


def shapes_of(modules: Iterable[tuple[str, int, int]]) -> str:
    """Give the fingerprint of what an adapter changes.

    Args:
        modules: Name in the base, input and output features of each; the order does not matter.

    Returns:
        SHA-256 of one line a module, hexadecimal.
    """
    lines = sorted(f"{name} {inputs} {outputs}\n" for name, inputs, outputs in modules)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def off_calibration(population: Population, sample: Sample) -> str:
    """Say why a population can say nothing of an adapter; empty when it can."""
    honest = population.honest()
    needed = detectors.needed(population.budget, len(population.thresholds))
    if len(honest) <= needed:
        return f"it has {plural(len(honest), 'honest member')}, and a share of {population.budget:g} needs {needed + 1}"
    if sample.targets != population.targets:
        return f"it is of adapters that change {_names(population.targets)}, this one changes {_names(sample.targets)}"
    if sample.shapes != population.shapes:
        return "it is of a base whose modules have other names or sizes"
    if sample.base not in population.bases:
        called = f"calls its base {printable(sample.base, 100)!r}" if sample.base else "names no base"
        return f"it is of adapters of {_names(population.bases)}, this one {called}"
    low, high = population.ranks
    if not sample.ranks or sample.ranks[0] < low or sample.ranks[-1] > high:
        return f"it knows ranks {low} to {high}, this one has {_names(tuple(map(str, sample.ranks)))}"
    if tuple(sorted(sample.features)) != population.features:
        return "it has other features: some modules of this one change nothing, or lie at another depth"
    return ""


def judge(population: Population, sample: Sample) -> Judgement:
    """Judge an adapter by the others of its kind.

    Args:
        population: Who they are.
        sample: The adapter.

    Returns:
        Scores, or why there are none.
    """
    if why := off_calibration(population, sample):
        return Judgement(population=population.name, uncalibrated=why)
    import numpy as np

    honest, poisoned = matrices(population)
    values = np.array([ordered(sample, population.features)])
    scores = []
    for threshold in population.thresholds:
        score = detectors.fit(threshold.detector, honest, poisoned)
        middle = float(np.median(score(honest)))
        if not math.isclose(middle, threshold.middle, rel_tol=_AGREES, abs_tol=_AGREES):
            why = f"{threshold.detector} comes out otherwise than when it was calibrated: with other versions of tools"
            return Judgement(population=population.name, uncalibrated=why)
        scores.append(Score(detector=threshold.detector, score=float(score(values)[0]), threshold=threshold.score))
    odd = _oddities(population.features, values[0], honest)
    return Judgement(population=population.name, scores=tuple(scores), odd=odd)


def ordered(sample: Sample, names: Sequence[str]) -> tuple[float, ...]:
    """Give the features of an adapter in an order, rounded as they are kept."""
    return tuple(float(f"{sample.features[name]:.{_DIGITS}g}") for name in names)


def matrices(population: Population) -> tuple[Any, Any]:
    """Give the features of honest and of poisoned members, each of shape (members, features)."""
    import numpy as np

    def rows(label: Label) -> Any:
        found = [member.values for member in population.members if member.label is label]
        return np.array(found, dtype=np.float64).reshape(len(found), len(population.features))

    return rows(Label.HONEST), rows(Label.POISONED)


def _oddities(names: Sequence[str], values: Any, honest: Any) -> tuple[Oddity, ...]:
    centre, width = detectors.standard(honest)
    found = [
        Oddity(
            feature=name, value=float(values[index]), median=float(centre[index]),
            deviations=float((values[index] - centre[index]) / width[index]),
        )
        for index, name in enumerate(names)
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: -abs(each.deviations))[:ODD])


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name, 60) for name in names[:8])
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown or "nothing"
