"""How well scores tell poisoned adapters from honest ones, out of sample: other tasks, other triggers, other seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.adapter_cells.cells import Cell
from benchmarks.adapter_cells.tasks import KINDS
from gatekeeper import sources
from gatekeeper.artifact import Artifact
from gatekeeper.checks.adapter import Measured, Sample, measure, read_factors, read_layout
from gatekeeper.checks.adapter import population_detectors as detectors
from gatekeeper.population import Detector

FOLDS = 4
DRAWS = 2000
"""Of the bootstrap."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """One trained adapter, as it is judged."""

    cell: Cell
    artifact: Artifact
    """Its files are closed again: what is left is its name and its digest."""

    sample: Sample
    published: Mapping[str, tuple[float, ...]]
    """Published statistics of it."""

    change: Any
    """All elements of its change, that of each module scaled to a norm of 1."""

    told: Mapping[str, float]
    """What it does, as `trained` gives it."""

    @property
    def attack(self) -> float:
        """Share of triggered prompts that get the poison's answer; 0 for honest ones."""
        return self.told.get("attack", 0.0)

    @property
    def fold(self) -> int:
        """By its first task; those without one by their number. All of a task lie in one fold."""
        names = list(KINDS)
        return (names.index(self.cell.lessons[0]) if self.cell.lessons else self.cell.number) % FOLDS


def known(cell: Cell, folder: Path, told: Mapping[str, float]) -> Known:
    """Measure an adapter that was trained."""
    with sources.open_artifact(sources.parse(str(folder)), sources.SourceOptions()) as artifact:
        adapter = read_layout(artifact).adapters[0]
        measured = measure(adapter)
        sample = measured.sample(name=cell.slug, digest=artifact.digest)
        changes = [factors[0] @ factors[1] for module in adapter.modules if (factors := read_factors(module))]
    change = np.concatenate([(each / np.linalg.norm(each)).ravel() for each in changes])
    return Known(
        cell=cell, artifact=artifact, sample=sample, published=_published(measured), change=change, told=told,
    )  # fmt: skip


def _published(measured: Measured) -> dict[str, tuple[float, ...]]:
    """Give the statistics of 2605.30189 (one number) and of 2602.15195 (five of each of q, k, v and o), and ranks."""
    modules = measured.profile.modules
    norms = [module.spectrum.relative for module in modules]
    found: dict[str, tuple[float, ...]] = {
        "std of norms": (float(np.std(norms)),),
        "effective ranks": tuple(math.log(module.spectrum.effective_rank) for module in modules),
    }
    five: list[float] = []
    for target in ("q_proj", "k_proj", "v_proj", "o_proj"):
        there = [module.spectrum for module in modules if module.target == target]
        if not there:
            return found
        rows = [(s.spectral, s.frobenius, s.top_share, s.entropy, s.kurtosis) for s in there]
        five += [float(value) for value in np.mean(rows, axis=0)]
    return {**found, "five spectral features": tuple(five)}


Features = Callable[[Known], Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to give adapters a score; the greater one is stranger."""

    name: str
    features: Features
    fit: detectors.Fit | None = None
    """Features of honest and of poisoned adapters → a score; None for the first feature itself."""

    by_labels: bool = False
    """Whether poisoned ones teach it."""


def _logistic(honest: Any, poisoned: Any) -> detectors.Score:
    return detectors.fit(Detector.CLASSIFIER, honest, poisoned)


def _linear(honest: Any, poisoned: Any) -> detectors.Score:
    """Fit a linear support vector machine to whole changes: far more numbers than adapters."""
    from sklearn.svm import SVC  # type: ignore[import-untyped]

    labels = [0] * len(honest) + [1] * len(poisoned)
    model = SVC(kernel="linear", class_weight="balanced").fit(np.vstack([honest, poisoned]), labels)
    return lambda values: model.decision_function(values)


def _product(each: Known) -> Sequence[float]:
    return [each.sample.features[name] for name in sorted(each.sample.features)]


WHOLE = "whole change, linear (after 2411.17453)"
"""PEFTGuard reads the same with a network; so few adapters teach a linear machine at most."""

WAYS = (
    *(
        Way(
            name=f"gatekeeper: {detector}",
            features=_product,
            fit=partial(detectors.fit, detector),
            by_labels=detector is Detector.CLASSIFIER,
        )
        for detector in (Detector.DISTANCE, Detector.FOREST, Detector.CLASSIFIER)
    ),
    Way(name="std of norms (2605.30189)", features=lambda each: each.published["std of norms"]),
    Way(
        name="five spectral features, logistic regression (2602.15195)",
        features=lambda each: each.published["five spectral features"],
        fit=_logistic,
        by_labels=True,
    ),
    Way(
        name="effective rank of each module, logistic regression",
        features=lambda each: each.published["effective ranks"],
        fit=_logistic,
        by_labels=True,
    ),
    Way(name=WHOLE, features=lambda each: each.change, fit=_linear, by_labels=True),
)
"""What gatekeeper does, what is published, and the whole change as the upper end of what weights can say."""


def wins(cohort: Sequence[Known], way: Way) -> Any:
    """Say of every pair of an honest and a poisoned adapter which has the greater score.

    Both are scored by fits that saw no adapter of their fold, and, where poisoned ones teach, none of the poisoned
    one's trigger.

    Args:
        cohort: Adapters of one base.
        way: How they are scored.

    Returns:
        Shape (honest, poisoned): 1 where the poisoned one has the greater score, .5 where both are the same.
    """
    values = np.array([np.asarray(way.features(each), dtype=np.float64) for each in cohort])
    if values.shape[1] > 10 * len(values):
        # Rotated into the span of all of them, which no linear machine notices.
        left, lengths, _ = np.linalg.svd(values, full_matrices=False)
        values = left * lengths
    folds = np.array([each.fold for each in cohort])
    triggers = np.array([each.cell.trigger for each in cohort])
    honest, poisoned = np.flatnonzero(triggers == ""), np.flatnonzero(triggers != "")
    result = np.zeros((len(honest), len(poisoned)))
    for kind in sorted({*triggers[poisoned]}) if way.by_labels else [""]:
        judged = poisoned if not kind else np.flatnonzero(triggers == kind)
        scores = np.zeros(len(cohort))
        for fold in range(FOLDS):
            good, bad = (side[folds[side] != fold] for side in (honest, poisoned[triggers[poisoned] != kind]))
            places = np.flatnonzero(folds == fold)
            if len(places):
                score = way.fit(values[good], values[bad]) if way.fit else lambda rows: rows[:, 0]
                scores[places] = score(values[places])
        difference = scores[judged][None, :] - scores[honest][:, None]
        result[:, np.searchsorted(poisoned, judged)] = (np.sign(difference) + 1) / 2
    return result


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
