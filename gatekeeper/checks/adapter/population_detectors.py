"""Detectors: each is fitted to the features of known adapters and gives another one a score.

`distance` and `forest` learn from honest adapters alone; `classifier` is there when poisoned ones are known, too. A
greater score is stranger. Fitting is deterministic: seeds are fixed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from gatekeeper.population import Detector
from gatekeeper.progress import Advance

SEED = 2026
TREES = 50
_FLOOR = 0.01
"""Variance, in squares of a feature's width, that every direction has: none is known to be without any."""


LABELLED = 10
"""Poisoned members from which on a classifier is fitted."""

_ROBUST = 5
"""Honest members for each feature from which on the robust estimator is trusted; scikit-learn warns below that."""

Score = Callable[[Any], Any]
"""Features of shape (adapters, features) → scores of shape (adapters,)."""

Fit = Callable[[Any, Any], Score]
"""Features of honest and of poisoned members → a score."""


def detectors(honest: int, poisoned: int, budget: float) -> tuple[Detector, ...]:
    """Name the detectors that members can pay for: each takes an even part of the budget, and a small part needs many.

    Args:
        honest: Honest members.
        poisoned: Poisoned ones; with `LABELLED` of them a classifier comes second.
        budget: Share of honest adapters that may be called anomalous.

    Returns:
        In the order of preference; none when there are too few members for one.
    """
    wanted = [Detector.DISTANCE, *([Detector.CLASSIFIER] if poisoned >= LABELLED else []), Detector.FOREST]
    most = next((count for count in range(len(wanted), 0, -1) if honest > needed(budget, count)), 0)
    return tuple(wanted[:most])


def fit(detector: Detector, honest: Any, poisoned: Any) -> Score:
    """Fit a detector.

    Args:
        detector: One of `detectors`.
        honest: Features of honest members, float64 of shape (members, features), at least two rows.
        poisoned: The same of poisoned ones; may have no rows.
    """
    return _FITS[detector](honest, poisoned)


def standard(honest: Any) -> tuple[Any, Any]:
    """Give the centre and the width of each feature: median, and median absolute deviation scaled to a normal one.

    A feature that is the same in half of the members has no such width; its standard deviation stands for it, and 1
    where that is nothing either, so that a member which differs there is far off.
    """
    import numpy as np

    centre = np.median(honest, axis=0)
    width = 1.4826 * np.median(np.abs(honest - centre), axis=0)
    spread = honest.std(axis=0)
    width = np.where(width > 1e-9, width, spread)
    return centre, np.where(width > 1e-9, width, 1.0)


def _distance(honest: Any, poisoned: Any) -> Score:
    """Fit a Mahalanobis distance: MinCovDet (Rousseeuw, 1984) where members are many, else Ledoit and Wolf (2004)."""
    import numpy as np
    from sklearn.covariance import LedoitWolf, MinCovDet  # type: ignore[import-untyped]

    centre, width = standard(honest)
    model = MinCovDet(random_state=SEED) if len(honest) >= _ROBUST * honest.shape[1] else LedoitWolf()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a covariance without full rank, which the floor below gives it
        try:
            model.fit((honest - centre) / width)
        except ValueError:  # half of the members are the same
            model = LedoitWolf().fit((honest - centre) / width)
    precision = np.linalg.inv(model.covariance_ + _FLOOR * np.eye(honest.shape[1]))

    def score(values: Any) -> Any:
        off = (values - centre) / width - model.location_
        return np.einsum("ij,jk,ik->i", off, precision, off)

    return score


def _forest(honest: Any, poisoned: Any) -> Score:
    """Fit an isolation forest (Liu, Ting and Zhou, 2008)."""
    from sklearn.ensemble import IsolationForest  # type: ignore[import-untyped]

    model = IsolationForest(n_estimators=TREES, random_state=SEED, n_jobs=1).fit(honest)
    return lambda values: -model.score_samples(values)


def _classifier(honest: Any, poisoned: Any) -> Score:
    """Fit a ridge-regularised logistic regression; both classes weigh the same."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    centre, width = standard(honest)
    values = np.vstack([honest, poisoned])
    labels = np.array([0] * len(honest) + [1] * len(poisoned))
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=5000).fit((values - centre) / width, labels)
    return lambda values: model.decision_function((values - centre) / width)


_FITS: dict[Detector, Fit] = {
    Detector.DISTANCE: _distance,
    Detector.FOREST: _forest,
    Detector.CLASSIFIER: _classifier,
}


def out_of_sample(detector: Detector, honest: Any, poisoned: Any, advance: Advance) -> Any:
    """Score every honest member by a fit to all the others, shape (honest,)."""
    import numpy as np

    def without(index: int) -> float:
        score = fit(detector, np.delete(honest, index, axis=0), poisoned)
        advance(1)
        return float(score(honest[index : index + 1])[0])

    return np.array([without(index) for index in range(len(honest))])


def out_of_sample_poisoned(detector: Detector, honest: Any, poisoned: Any, advance: Advance) -> Any:
    """Score every poisoned member by a fit that has not seen it, shape (poisoned,)."""
    import numpy as np

    def without(index: int) -> float:
        score = fit(detector, honest, np.delete(poisoned, index, axis=0))
        advance(1)
        return float(score(poisoned[index : index + 1])[0])

    if detector is not Detector.CLASSIFIER:  # which alone learns from poisoned ones
        advance(len(poisoned))
        return fit(detector, honest, poisoned)(poisoned) if len(poisoned) else np.zeros(0)
    return np.array([without(index) for index in range(len(poisoned))])


def threshold(scores: Sequence[float], budget: float) -> float:
    """Give the score that at most a share of honest adapters exceeds.

    It is the conformal quantile (Vovk et al., 2005): of n exchangeable scores and a new one, the new one exceeds the
    k-th smallest with a probability of at most 1 - k / (n + 1).

    Args:
        scores: Of honest members, each out of its own sample.
        budget: The share, between 0 and 1.

    Raises:
        ValueError: When there are too few scores for that share.
    """
    rank = _up((1 - budget) * (len(scores) + 1))
    if rank > len(scores):
        raise ValueError(f"{len(scores)} members are too few for a share of {budget:g}")
    return float(sorted(scores)[rank - 1])


def needed(budget: float, count: int) -> int:
    """Give how many honest members so many detectors need for the budget, which they share evenly."""
    share = budget / count
    return _up((1 - share) / share)


def _up(value: float) -> int:
    """Round up, but not for the sake of a rounding error."""
    return math.ceil(value - 1e-9)
