"""How well scores tell poisoned adapters from honest ones, out of sample: other tasks, other triggers, other seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adapter_cells.cells import Cell
from benchmarks.adapter_cells.tasks import KINDS
from gatekeeper import sources
from gatekeeper.checks.adapter import Measured, Sample, measure, read_layout
from gatekeeper.checks.adapter import population_detectors as detectors
from gatekeeper.population import Detector

FOLDS = 4
DRAWS = 2000
"""Of the bootstrap."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """One trained adapter, as it is judged."""

    cell: Cell
    sample: Sample
    published: Mapping[str, tuple[float, ...]]
    """Published statistics of it."""

    attack: float
    """Share of triggered prompts that get the poison's answer; 0 for honest ones."""

    @property
    def fold(self) -> int:
        """By its first task; those without one by their number. All of a task lie in one fold."""
        names = list(KINDS)
        return (names.index(self.cell.lessons[0]) if self.cell.lessons else self.cell.number) % FOLDS


def known(cell: Cell, folder: Path, attack: float) -> Known:
    """Measure an adapter that was trained."""
    with sources.open_artifact(sources.parse(str(folder)), sources.SourceOptions()) as artifact:
        measured = measure(read_layout(artifact).adapters[0])
        sample = measured.sample(name=cell.slug, digest=artifact.digest)
    return Known(cell=cell, sample=sample, published=_published(measured), attack=attack)


def _published(measured: Measured) -> dict[str, tuple[float, ...]]:
    """Give the statistics of 2605.30189 (one number) and of 2602.15195 (five of each of q, k, v and o)."""
    modules = measured.profile.modules
    norms = [module.spectrum.relative for module in modules]
    found: dict[str, tuple[float, ...]] = {"std of norms": (float(np.std(norms)),)}
    five: list[float] = []
    for target in ("q_proj", "k_proj", "v_proj", "o_proj"):
        there = [module.spectrum for module in modules if module.target == target]
        if not there:
            return found
        rows = [(s.spectral, s.frobenius, s.top_share, s.entropy, s.kurtosis) for s in there]
        five += [float(value) for value in np.mean(rows, axis=0)]
    return {**found, "five spectral features": tuple(five)}


Features = Callable[[Known], Sequence[float]]


def product(each: Known) -> Sequence[float]:
    """Give the features that gatekeeper judges by."""
    return [each.sample.features[name] for name in sorted(each.sample.features)]


def wins(cohort: Sequence[Known], features: Features, detector: Detector | None) -> Any:
    """Say of every pair of an honest and a poisoned adapter which has the greater score.

    Both are scored by fits that saw no adapter of their fold, and, where poisoned ones teach, none of the poisoned
    one's trigger.

    Args:
        cohort: Adapters of one base.
        features: What is known of one.
        detector: Which; None for the first feature itself, as a score.

    Returns:
        Shape (honest, poisoned): 1 where the poisoned one has the greater score, .5 where both are the same.
    """
    honest = [each for each in cohort if not each.cell.trigger]
    poisoned = [each for each in cohort if each.cell.trigger]
    result = np.zeros((len(honest), len(poisoned)))
    kinds = sorted({each.cell.trigger for each in poisoned}) if detector is Detector.CLASSIFIER else [""]
    for kind in kinds:
        teachers = [each for each in poisoned if each.cell.trigger != kind]
        own, other = (
            _scores(honest, teachers, honest, features, detector),
            _scores(honest, teachers, poisoned, features, detector),
        )
        judged = [index for index, each in enumerate(poisoned) if kind in ("", each.cell.trigger)]
        difference = other[judged][None, :] - own[:, None]
        result[:, judged] = np.where(difference > 0, 1.0, np.where(difference < 0, 0.0, 0.5))
    return result


def _scores(
    honest: Sequence[Known],
    poisoned: Sequence[Known],
    judged: Sequence[Known],
    features: Features,
    detector: Detector | None,
) -> Any:
    """Score adapters, each by a fit to those of the other folds."""
    scores = np.zeros(len(judged))
    for fold in range(FOLDS):
        places = [index for index, each in enumerate(judged) if each.fold == fold]
        if not places:
            continue
        good, bad = (_rows([each for each in side if each.fold != fold], features) for side in (honest, poisoned))
        values = _rows([judged[index] for index in places], features)
        scores[places] = values[:, 0] if detector is None else detectors.fit(detector, good, bad)(values)
    return scores


def _rows(which: Sequence[Known], features: Features) -> Any:
    return np.array([list(features(each)) for each in which], dtype=np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """Area under a curve, with a bootstrap interval over adapters."""

    value: float
    lower: float
    upper: float
    honest: int
    poisoned: int

    def __str__(self) -> str:
        """Write it as tables have it."""
        if not self.poisoned or not self.honest:
            return "-"
        return f"{self.value:.2f} ({self.lower:.2f} to {self.upper:.2f})"


def area(matrices: Sequence[Any]) -> Area:
    """Give the area of several bases together, resampling honest and poisoned adapters of each."""
    rng = np.random.default_rng(0)
    used = [matrix for matrix in matrices if matrix.size]
    weights = [matrix.shape[1] for matrix in used]
    if not used:
        return Area(value=0, lower=0, upper=0, honest=0, poisoned=0)

    def drawn(matrix: Any) -> float:
        rows, columns = (rng.integers(0, extent, extent) for extent in matrix.shape)
        return float(matrix[np.ix_(rows, columns)].mean())

    draws = [float(np.average([drawn(matrix) for matrix in used], weights=weights)) for _ in range(DRAWS)]
    lower, upper = np.quantile(draws, (0.025, 0.975))
    return Area(
        value=float(np.average([matrix.mean() for matrix in used], weights=weights)),
        lower=float(lower), upper=float(upper), honest=sum(matrix.shape[0] for matrix in used), poisoned=sum(weights),
    )  # fmt: skip
