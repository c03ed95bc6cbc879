"""What the change of one module looks like: norms and singular values of ΔW = scale · B · A, never formed.

With B = Q₁R₁ and Aᵀ = Q₂R₂ the singular values of ΔW are those of scale · R₁R₂ᵀ, a square as wide as the rank, and the
norms of its rows are those of B · R₂ᵀ. So a module costs what reading its factors costs.

All of it is measured on ΔW alone: another pair of factors with the same product gives the same numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.floating[Any]]

SAMPLED_ROWS = 64
"""Rows of ΔW that are formed for its kurtosis."""

SEED = 2026
"""Of the choice of rows, and of the random projections of the base."""

PEAKS = 5
"""Rows that are named, the longest first."""

_TINY = 1e-30
"""A singular value below this is none: its square would vanish in a double's rounding."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowPeak:
    """One row of ΔW, by its norm: for embeddings and `lm_head`, a token."""

    row: int
    """Index of the output; from 0."""

    ratio: float
    """Its norm over the median norm of all rows; unitless, 1 for a row like the others."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spectrum:
    """Measures of one module's ΔW."""

    rank: int
    """Columns of B; the rank of ΔW is at most that."""

    frobenius: float
    """Norm of ΔW: the root of the sum of its squares, in the weights' own unit."""

    relative: float
    """The same over the root of the number of elements: the root mean square of an element."""

    spectral: float
    """Largest singular value."""

    effective_rank: float
    """Exponential of the entropy of the squared singular values as shares of their sum: how many directions carry the
    change; 1 to rank, 0 for zero. Squares, since singular values themselves (Roy and Vetterli, 2007) count the small
    ones that the first weights leave in every direction, and so grow with the rank that was chosen."""

    stable_rank: float
    """Squared Frobenius over squared spectral norm; 1 to rank, 0 for zero."""

    top_share: float
    """Largest singular value over the sum of all (as in 2602.15195); 0 to 1."""

    entropy: float
    """Entropy of the singular values as shares of their sum (as there), in nats."""

    kurtosis: float
    """Excess kurtosis of the elements in a seeded choice of rows; 0 for normal ones."""

    row_peaks: tuple[RowPeak, ...]
    """The longest rows, the longest first."""

    column_peak: float
    """Norm of the longest column over the median: an input that the change listens to."""

    @property
    def is_zero(self) -> bool:
        """Whether the module changes nothing."""
        return self.frobenius == 0


class UnmeasurableError(ValueError):
    """The factors have no product, or one that is no finite number; the message says which."""


def spectrum(a: Matrix, b: Matrix, scale: float) -> Spectrum:
    """Measure ΔW = scale · B · A.

    Args:
        a: A, float, of shape (rank, in_features).
        b: B, float, of shape (out_features, rank).
        scale: Factor in front, such as alpha / rank.

    Raises:
        UnmeasurableError: When shapes don't fit, a side is empty, or a value is not finite or overflows.
    """
    import numpy as np

    _refuse(a, b, scale)
    left, right = b.astype(np.float64), a.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        outer, inner = _triangle(left), _triangle(right.T)
        values = np.linalg.svd(scale * outer @ inner.T, compute_uv=False) if _finite(outer, inner) else None
        rows = np.linalg.norm(left @ inner.T, axis=1) * abs(scale)
        columns = np.linalg.norm(right.T @ outer.T, axis=1) * abs(scale)
    if values is None or not _finite(values, rows, columns) or not math.isfinite(float(values[0]) ** 2):
        raise UnmeasurableError("the product of the factors overflows")
    if values[0] < _TINY:
        values, rows, columns = values * 0, rows * 0, columns * 0
    shares = values / max(float(values.sum()), _TINY)
    frobenius = float(np.linalg.norm(values))
    energies = (values / max(frobenius, _TINY)) ** 2
    return Spectrum(
        rank=int(a.shape[0]),
        frobenius=frobenius,
        relative=frobenius / math.sqrt(a.shape[1] * b.shape[0]),
        spectral=float(values[0]),
        effective_rank=math.exp(_entropy(energies)) if frobenius else 0.0,
        stable_rank=(frobenius / float(values[0])) ** 2 if frobenius else 0.0,
        top_share=float(shares[0]),
        entropy=_entropy(shares),
        kurtosis=_kurtosis(left, right),
        row_peaks=_peaks(rows),
        column_peak=_over_median(columns),
    )


def _refuse(a: Matrix, b: Matrix, scale: float) -> None:
    if a.ndim != 2 or b.ndim != 2 or a.shape[0] != b.shape[1]:
        raise UnmeasurableError(f"factors of shapes {a.shape} and {b.shape} have no product")
    if not min(*a.shape, *b.shape):
        raise UnmeasurableError(f"factors of shapes {a.shape} and {b.shape} hold nothing")
    if not math.isfinite(scale) or not _finite(a, b):
        raise UnmeasurableError("a factor holds NaN or infinity")


def _finite(*arrays: Any) -> bool:
    import numpy as np

    return all(bool(np.isfinite(array).all()) for array in arrays)


def _entropy(shares: Any) -> float:
    import numpy as np

    return float(-(shares * np.log(np.maximum(shares, _TINY))).sum())


def _triangle(matrix: Any) -> Any:
    """Give R of a tall matrix's QR; a wide one, of a rank above its width, is small enough to stand for itself."""
    import numpy as np

    return np.linalg.qr(matrix, mode="r")


def _kurtosis(left: Any, right: Any) -> float:
    """Give the excess kurtosis of some rows; the scale does not matter to it."""
    import numpy as np

    chosen = left
    if len(left) > SAMPLED_ROWS:
        chosen = left[np.random.default_rng([SEED, len(left)]).choice(len(left), size=SAMPLED_ROWS, replace=False)]
    values = chosen @ right
    largest = float(np.abs(values).max())
    if largest < _TINY:
        return 0.0
    values = values / largest
    values -= values.mean()
    variance = float((values**2).mean())
    return float((values**4).mean()) / variance**2 - 3.0 if variance > _TINY else 0.0


def _peaks(norms: Any) -> tuple[RowPeak, ...]:
    import numpy as np

    middle = float(np.median(norms))
    if middle <= 0:
        return ()
    # Equal rows keep their order, so that the answer does not hang on the sorting.
    order = np.argsort(-norms, kind="stable")[:PEAKS]
    return tuple(RowPeak(row=int(index), ratio=float(norms[index]) / middle) for index in order)


def _over_median(norms: Any) -> float:
    import numpy as np

    middle = float(np.median(norms))
    return float(norms.max()) / middle if middle > 0 else 0.0


def alignment(a: Matrix, b: Matrix, weight: Matrix, directions: int = 16) -> float:
    """Say how much of ΔW lies in the base's own main directions.

    The base's top singular subspaces are found by a randomised range finder with one power iteration (Halko,
    Martinsson and Tropp, 2011, algorithm 4.3 with q = 1): four products of the weight with a thin matrix.

    Args:
        a: A, of shape (rank, in_features).
        b: B, of shape (out_features, rank).
        weight: The base's weight, of shape (out_features, in_features).
        directions: Singular directions of the base on either side.

    Returns:
        The norm of ΔW inside the subspaces over its whole norm; 0 to 1, and 0 for a change that is zero.

    Raises:
        UnmeasurableError: When the weight has another shape than ΔW, or a value is not finite.
    """
    import numpy as np

    if weight.shape != (b.shape[0], a.shape[1]):
        raise UnmeasurableError(f"the base's weight has shape {weight.shape}, not {(b.shape[0], a.shape[1])}")
    if not _finite(weight):
        raise UnmeasurableError("the base's weight holds NaN or infinity")
    whole = np.asarray(weight, dtype=np.float32)
    width = min(directions + 8, *whole.shape)
    start = np.random.default_rng(SEED).standard_normal((whole.shape[1], width), dtype=np.float32)
    basis = np.linalg.qr(whole @ np.linalg.qr(whole.T @ np.linalg.qr(whole @ start)[0])[0])[0]
    left, _, right = np.linalg.svd(basis.T @ whole, full_matrices=False)
    top = min(directions, width)
    outer = (basis @ left[:, :top]).astype(np.float64)
    inside = (outer.T @ b.astype(np.float64)) @ (a.astype(np.float64) @ right[:top].T.astype(np.float64))
    total = np.linalg.norm(_triangle(b.astype(np.float64)) @ _triangle(a.astype(np.float64).T).T)
    return min(1.0, float(np.linalg.norm(inside)) / float(total)) if total > 0 else 0.0
