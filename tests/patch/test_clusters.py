"""2-means on a line is exact, and two groups are only believed where ordinary prompts are not parted as clearly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.patch.clusters import null_probability, two_means

scores = st.lists(st.integers(0, 40).map(float), min_size=1, max_size=9)


def within(values: list[float], high: set[int]) -> float:
    groups = [[v for i, v in enumerate(values) if (i in high) == side] for side in (True, False)]
    return sum(float(np.var(group)) * len(group) for group in groups if group)


@given(scores)
def test_no_other_division_has_smaller_squares_within(values: list[float]) -> None:
    high = set(two_means(values).high)
    least = min(within(values, {i for i in range(len(values)) if mask >> i & 1}) for mask in range(2 ** len(values)))
    assert within(values, high) == pytest.approx(least, abs=1e-6)


@given(scores)
def test_the_high_group_lies_above_the_low_one(values: list[float]) -> None:
    split = two_means(values)
    high = [values[index] for index in split.high]
    low = [value for index, value in enumerate(values) if index not in split.high]
    assert bool(high) == (len(set(values)) > 1)
    assert not high or min(high) > max(low)
    assert split.separation == pytest.approx(np.mean(high) - np.mean(low) if high else 0.0)


@given(scores, st.sampled_from([0.25, 0.5, 2.0, 16.0]))
def test_scale_changes_nothing(values: list[float], scale: float) -> None:
    """By powers of two, which round nothing: where two cuts are equally good, rounding may choose between them."""
    assert two_means([scale * value for value in values]).high == two_means(values).high


def test_ordinary_prompts_say_how_far_apart_is_ordinary() -> None:
    rng = np.random.default_rng(0)
    others = [list(rng.normal(0, 1, 12)) for _ in range(39)]
    clear = two_means([*rng.normal(0, 1, 11), 20.0])
    assert null_probability(clear, others) == pytest.approx(1 / 40)
    ordinary = sorted(null_probability(two_means(list(rng.normal(0, 1, 12))), others) for _ in range(200))
    # A probability under the null is uniform: about one in twenty lies below .05.
    assert np.mean(np.array(ordinary) <= 0.05) < 0.12
    assert null_probability(clear, []) == 1.0


def test_the_wider_a_split_the_rarer_it_is() -> None:
    others = [[0.0, float(number)] for number in range(1, 20)]
    found = [null_probability(two_means([0.0, width]), others) for width in (0.5, 5.0, 12.0, 30.0)]
    assert all(one > other for one, other in pairwise(found))
