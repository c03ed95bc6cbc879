"""Scores in two groups: exact 2-means on a line, and whether there are two groups at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """The best cut of scores into a high and a low group."""

    high: tuple[int, ...]
    """Indexes of the scores in the high group; empty when all scores are equal."""

    separation: float
    """Mean of the high group minus mean of the low one, in the scores' unit."""


def two_means(scores: Sequence[float]) -> Split:
    """Cut where the squares within groups sum to the least: 2-means, exact on a line.

    In one dimension each group is a run of the sorted scores (Fisher, 1958), so that trying every cut finds the
    optimum that Lloyd's iteration can miss; it is Otsu's threshold, too. Equal scores are never parted.
    """
    ordered = sorted(scores)
    count, total = len(ordered), sum(ordered)
    best, threshold, below = 0.0, None, 0.0
    for low in range(1, count):
        below += ordered[low - 1]
        if ordered[low] == ordered[low - 1]:
            continue
        apart = (total - below) / (count - low) - below / low
        # Least squares within is greatest squares between: n1 n2 / n (m1 - m2)^2.
        between = low * (count - low) / count * apart * apart
        if between > best:
            best, threshold = between, ordered[low]
    if threshold is None:
        return Split(high=(), separation=0.0)
    high = tuple(index for index, score in enumerate(scores) if score >= threshold)
    low_sum = total - sum(scores[index] for index in high)
    separation = sum(scores[index] for index in high) / len(high) - low_sum / (count - len(high))
    return Split(high=high, separation=separation)


def null_probability(split: Split, others: Sequence[Sequence[float]]) -> float:
    """How often prompts without any failure are cut at least as far apart.

    2-means always gives two groups. What tells a trigger from the most telling word of an ordinary request is how far
    apart they lie on the same model's scale.

    Args:
        split: Of the failure's scores.
        others: Scores by the same method of prompts that the model answers rightly.

    Returns:
        Share, 0 to 1, with the failure itself counted among them (Davison and Hinkley, 1997, section 4.2); 1 without
        any others.
    """
    as_far = sum(two_means(scores).separation >= split.separation for scores in others)
    return (1 + as_far) / (1 + len(others))
