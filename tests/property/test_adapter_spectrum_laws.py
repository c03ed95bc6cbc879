"""Laws of spectra: what they are measured on is the product, and nothing else of its factors."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.checks.adapter.spectra import Spectrum, spectrum
from gatekeeper.checks.adapter.spectra_profile import ModuleProfile, features, profile

SIZES = st.integers(1, 9)
SCALE_FREE = ("effective_rank", "stable_rank", "top_share", "entropy", "kurtosis", "column_peak")


def drawn(seed: int, rank: int, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, rank, inputs, outputs])
    return rng.standard_normal((rank, inputs)), rng.standard_normal((outputs, rank))


def same(left: Spectrum, right: Spectrum, names: tuple[str, ...]) -> None:
    for name in names:
        assert getattr(left, name) == pytest.approx(getattr(right, name), rel=1e-6, abs=1e-6), name


@given(st.integers(0, 999), SIZES, SIZES, SIZES, st.floats(1e-3, 1e3), st.sampled_from((1, -1)))
def test_scale_changes_norms_in_proportion_and_no_shape(
    seed: int, rank: int, inputs: int, outputs: int, scale: float, sign: int
) -> None:
    a, b = drawn(seed, rank, inputs, outputs)
    plain, scaled = spectrum(a, b, 1.0), spectrum(a, b, sign * scale)
    assert scaled.frobenius == pytest.approx(scale * plain.frobenius)
    assert scaled.spectral == pytest.approx(scale * plain.spectral)
    same(plain, scaled, SCALE_FREE)


@given(st.integers(0, 999), SIZES, SIZES, SIZES)
def test_other_factors_of_the_same_product_measure_the_same(seed: int, rank: int, inputs: int, outputs: int) -> None:
    a, b = drawn(seed, rank, inputs, outputs)
    mixing = np.linalg.qr(np.random.default_rng(seed).standard_normal((rank, rank)))[0] * 3.0
    other = spectrum(mixing @ a, b @ np.linalg.inv(mixing), 2.0)
    same(spectrum(a, b, 2.0), other, tuple(f.name for f in fields(Spectrum) if f.name not in ("rank", "row_peaks")))


@given(st.integers(0, 999), SIZES, SIZES, SIZES)
def test_columns_in_another_order_measure_the_same(seed: int, rank: int, inputs: int, outputs: int) -> None:
    a, b = drawn(seed, rank, inputs, outputs)
    order = np.random.default_rng(seed).permutation(inputs)
    same(spectrum(a, b, 1.0), spectrum(a[:, order], b, 1.0), ("frobenius", "spectral", "effective_rank", "kurtosis"))


@given(st.integers(0, 999), SIZES, SIZES, SIZES)
def test_ranks_lie_between_one_and_the_rank(seed: int, rank: int, inputs: int, outputs: int) -> None:
    seen = spectrum(*drawn(seed, rank, inputs, outputs), 1.0)
    most = min(rank, inputs, outputs) + 1e-9
    assert 1 - 1e-9 <= seen.effective_rank <= most
    assert 1 - 1e-9 <= seen.stable_rank <= most
    assert 0 < seen.top_share <= 1 + 1e-9


def modules(seed: int, count: int) -> list[ModuleProfile]:
    targets = ("q_proj", "down_proj", "up_proj")
    return [
        ModuleProfile(
            name=f"layers.{number // 3}.{targets[number % 3]}",
            target=targets[number % 3],
            layer=number // 3,
            spectrum=spectrum(*drawn(seed + number, 3, 6, 5), 1.0),
        )
        for number in range(count)
    ]


@given(st.integers(0, 999), st.integers(1, 12), st.randoms())
def test_the_order_of_modules_does_not_matter(seed: int, count: int, random: object) -> None:
    given_ones = modules(seed, count)
    shuffled = list(given_ones)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert features(profile(given_ones)) == features(profile(shuffled))


@given(st.integers(0, 999), st.floats(1e-2, 1e2))
def test_scaling_an_adapter_moves_its_level_alone(seed: int, scale: float) -> None:
    plain = features(profile(modules(seed, 9)))
    scaled = features(
        profile(
            ModuleProfile(
                name=each.name, target=each.target, layer=each.layer,
                spectrum=spectrum(*drawn(seed + number, 3, 6, 5), scale),
            )
            for number, each in enumerate(modules(seed, 9))
        )
    )  # fmt: skip
    assert scaled.pop("level") == pytest.approx(plain.pop("level") + np.log(scale))
    assert scaled == pytest.approx(plain)
