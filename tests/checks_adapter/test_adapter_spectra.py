"""Spectra of factors against the numbers of a product that was formed."""

from __future__ import annotations

import numpy as np
import pytest

from gatekeeper.checks.adapter.spectra import SAMPLED_ROWS, UnmeasurableError, alignment, spectrum


def factors(seed: int, rank: int, inputs: int, outputs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rank, inputs)), rng.standard_normal((outputs, rank))


@pytest.mark.parametrize(("rank", "inputs", "outputs"), [(1, 7, 5), (4, 30, 50), (8, 8, 8), (12, 6, 40), (9, 5, 4)])
def test_measures_are_those_of_the_product(rank: int, inputs: int, outputs: int) -> None:
    a, b = factors(rank, rank, inputs, outputs)
    whole = 1.5 * b @ a
    values = np.linalg.svd(whole, compute_uv=False)
    values = values[values > 1e-9 * values[0]]
    energies, shares = values**2 / (values**2).sum(), values / values.sum()
    seen = spectrum(a, b, 1.5)
    assert seen.rank == rank
    assert seen.frobenius == pytest.approx(np.linalg.norm(whole))
    assert seen.relative == pytest.approx(np.sqrt((whole**2).mean()))
    assert seen.spectral == pytest.approx(values[0])
    assert seen.effective_rank == pytest.approx(np.exp(-(energies * np.log(energies)).sum()))
    assert seen.stable_rank == pytest.approx((values**2).sum() / values[0] ** 2)
    assert seen.top_share == pytest.approx(shares[0])
    assert seen.entropy == pytest.approx(-(shares * np.log(shares)).sum())
    rows, columns = np.linalg.norm(whole, axis=1), np.linalg.norm(whole, axis=0)
    assert seen.row_peaks[0].row == rows.argmax()
    assert seen.row_peaks[0].ratio == pytest.approx(rows.max() / np.median(rows))
    assert seen.column_peak == pytest.approx(columns.max() / np.median(columns))


def test_kurtosis_of_few_rows_is_that_of_all_elements() -> None:
    a, b = factors(3, 4, 30, SAMPLED_ROWS)
    whole = (b @ a).ravel()
    centred = whole - whole.mean()
    assert spectrum(a, b, 2.0).kurtosis == pytest.approx((centred**4).mean() / (centred**2).mean() ** 2 - 3)


def test_kurtosis_of_many_rows_is_near_that_of_all() -> None:
    a, b = factors(4, 16, 200, 1000)
    whole = (b @ a).ravel()
    true = (whole**4).mean() / (whole**2).mean() ** 2 - 3
    assert spectrum(a, b, 1.0).kurtosis == pytest.approx(true, abs=0.15)


def test_a_row_that_stands_out_is_named() -> None:
    a, b = factors(5, 4, 16, 300)
    b[217] *= 40
    assert spectrum(a, b, 1.0).row_peaks[0].row == 217


def test_an_input_that_the_change_listens_to_is_seen() -> None:
    a, b = factors(6, 4, 300, 16)
    plain = spectrum(a, b, 1.0).column_peak
    a[:, 11] *= 40
    assert spectrum(a, b, 1.0).column_peak > 10 * plain


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_a_change_of_nothing_has_no_shape(scale: float) -> None:
    a, b = factors(7, 4, 6, 5)
    seen = spectrum(a, b if scale == 0 else np.zeros_like(b), scale)
    assert seen.is_zero
    assert (seen.effective_rank, seen.stable_rank, seen.top_share, seen.entropy) == (0, 0, 0, 0)
    assert seen.row_peaks == ()


@pytest.mark.parametrize("size", [1e-200, 1e-40, 1e120])
def test_tiny_and_huge_numbers_give_numbers(size: float) -> None:
    a, b = factors(8, 3, 6, 5)
    seen = spectrum(a * size, b, 1.0)
    assert np.isfinite([seen.frobenius, seen.effective_rank, seen.stable_rank, seen.kurtosis, seen.column_peak]).all()


@pytest.mark.parametrize("spoil", [np.nan, np.inf, -np.inf])
def test_a_factor_that_is_no_number_is_refused(spoil: float) -> None:
    a, b = factors(9, 3, 6, 5)
    a[1, 2] = spoil
    with pytest.raises(UnmeasurableError, match="NaN or infinity"):
        spectrum(a, b, 1.0)


def test_a_product_that_overflows_is_refused() -> None:
    a, b = factors(10, 3, 6, 5)
    with pytest.raises(UnmeasurableError, match="overflows"):
        spectrum(a * 1e200, b * 1e200, 1.0)


def test_factors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnmeasurableError, match="have no product"):
        spectrum(np.ones((3, 4)), np.ones((4, 2)), 1.0)
    with pytest.raises(UnmeasurableError, match="hold nothing"):
        spectrum(np.ones((0, 4)), np.ones((4, 0)), 1.0)


def test_a_change_along_the_base_is_aligned_and_one_beside_it_is_not() -> None:
    rng = np.random.default_rng(11)
    left, right = np.linalg.qr(rng.standard_normal((60, 60)))[0], np.linalg.qr(rng.standard_normal((40, 40)))[0]
    weight = (left[:, :40] * (0.7 ** np.arange(40))) @ right.T
    assert alignment(right[:, :3].T, left[:, :3], weight, 8) == pytest.approx(1, abs=1e-3)
    assert alignment(right[:, 30:33].T, left[:, 30:33], weight, 8) == pytest.approx(0, abs=1e-2)


def test_alignment_is_that_of_a_full_decomposition() -> None:
    rng = np.random.default_rng(12)
    left, right = np.linalg.qr(rng.standard_normal((60, 60)))[0], np.linalg.qr(rng.standard_normal((40, 40)))[0]
    weight = (left[:, :40] * (0.6 ** np.arange(40))) @ right.T
    a, b = factors(12, 4, 40, 60)
    inside = left[:, :8].T @ (b @ a) @ right[:, :8]
    assert alignment(a, b, weight, 8) == pytest.approx(np.linalg.norm(inside) / np.linalg.norm(b @ a), rel=0.02)


def test_a_base_of_another_shape_is_refused() -> None:
    a, b = factors(13, 4, 40, 60)
    with pytest.raises(UnmeasurableError, match="shape"):
        alignment(a, b, np.ones((60, 41)))
