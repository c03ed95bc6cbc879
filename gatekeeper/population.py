"""Population: the adapters that a team knows, by which the weights of another one are judged.

It holds features, not a fitted model: whoever reads it fits the same detectors to them again, so that nothing has to
be unpickled and everything can be looked at. What it can't be used for it says itself: another base, other targets, a
rank outside, too few members.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from gatekeeper.proportion import Proportion

POPULATION_VERSION = "1.0"

Sha256 = Annotated[str, "[0-9a-f]{64}"]
"""Hexadecimal."""

_VALUE = 1e6
"""Greatest magnitude of a feature: all of them are logarithms, shares or ranks."""


class Label(StrEnum):
    """What is known of a member."""

    HONEST = "honest"
    """Trained by people whom the team trusts."""

    POISONED = "poisoned"
    """Known to carry a backdoor."""


class Detector(StrEnum):
    """How an adapter is told from the others."""

    DISTANCE = "distance"
    """Mahalanobis distance from the honest members, with a robust or a shrunk covariance."""

    FOREST = "forest"
    """Isolation forest of the honest members."""

    CLASSIFIER = "classifier"
    """Logistic regression of honest against poisoned members."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One adapter of a population."""

    name: str
    """What the team calls it."""

    digest: Sha256
    """Of the artifact, by which nobody is counted twice."""

    label: Label
    rank: int
    """Greatest rank of its modules."""

    values: tuple[float, ...]
    """Its features, in the population's order."""

    def __post_init__(self) -> None:
        """Refuse values that no feature has.

        Raises:
            ValueError: When one is not finite, or very large.
        """
        if not all(math.isfinite(value) and abs(value) <= _VALUE for value in self.values):
            raise ValueError(f"a feature of {self.name!r} is no number of at most {_VALUE:g}")
        if self.rank < 1:
            raise ValueError(f"{self.name!r} has rank {self.rank}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """Above which score a detector objects."""

    detector: Detector
    score: float
    """An adapter whose score is greater is told from the population."""

    middle: float
    """Median score of the honest members when it is fitted to all: whoever fits it again has to come to the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Population:
    """Adapters of one base with the same targets, and what they taught."""

    schema_version: Annotated[str, r"1\.0"]
    name: str
    bases: tuple[str, ...]
    """What its members call their base, sorted; the adapters' own word."""

    shapes: Sha256
    """Over names and sizes of the modules that are changed: what was measured of the base."""

    targets: tuple[str, ...]
    """Modules that all members change, sorted."""

    ranks: tuple[int, int]
    """Least and greatest rank of an honest member."""

    features: tuple[str, ...]
    """Names, sorted."""

    members: tuple[Member, ...]
    budget: float
    """Share of honest adapters that may be called anomalous."""

    thresholds: tuple[Threshold, ...]
    """One a detector."""

    false_alarms: Proportion
    """Honest members that were called anomalous when each was judged by the others alone."""

    missed: Proportion
    """Poisoned members that were not called so; none of none where no member is."""

    tool_versions: Mapping[str, str]
    """Distributions that can change a score."""

    def __post_init__(self) -> None:
        """Refuse a population that contradicts itself.

        Raises:
            ValueError: Saying in what.
        """
        if any(len(member.values) != len(self.features) for member in self.members):
            raise ValueError("a member has another number of values than there are features")
        if len({member.digest for member in self.members}) != len(self.members):
            raise ValueError("a member stands there twice")
        if not 0 < self.budget <= 0.5:
            raise ValueError("the budget is no share between 0 and 0.5")
        if not all(math.isfinite(value) for one in self.thresholds for value in (one.score, one.middle)):
            raise ValueError("a threshold is no finite number")
        chosen = [each.detector for each in self.thresholds]
        if not chosen or len(set(chosen)) != len(chosen):
            raise ValueError("there is no detector, or one stands there twice")
        if Detector.CLASSIFIER in chosen and len(self.honest()) == len(self.members):
            raise ValueError("a classifier needs poisoned members")
        for each in (self.features, self.targets, self.bases):
            if len(set(each)) != len(each):
                raise ValueError("a name stands there twice")

    def honest(self) -> tuple[Member, ...]:
        """Give the members that nothing is held against."""
        return tuple(member for member in self.members if member.label is Label.HONEST)
