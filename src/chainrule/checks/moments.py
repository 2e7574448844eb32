"""Mean and spread of the columns of data, in float64, each row by its weight."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.picked_rows import RowsOf
from chainrule.checks.sparse_rows import SparseRows

PIECE = 2**18  # numbers that are looked at together, 2 MB


def mean_and_spread(
    rows: NDArray | SparseRows | RowsOf, weights: NDArray | None = None
) -> tuple[NDArray, NDArray]:
    """Return the mean μ and the spread √(Σ w (x - μ)²/Σ w) of each column, float64 (n,).

    The spread of a column whose numbers are all alike is 1, to divide by; likewise where nothing
    has a weight.

    Parameters
    ----------
    rows : ndarray (m, n) of real numbers, SparseRows, or a RowsOf one of these
        Where a weight is 0 they may be NaN.
    weights : ndarray (m,) or (m, n), optional
        0 or more.

    Raises
    ------
    ValueError
        For numbers so large that float64 does not hold their differences.
    """
    return spread_of(moments_of(rows, weights))


class Moments(NamedTuple):
    """What is known of the columns of some rows, each (n,).

    Attributes
    ----------
    total, mean, squares : ndarray
        Σ w, μ, and Σ w (x - μ)².
    least, most : ndarray
        The least and the largest number.
    """

    total: NDArray
    mean: NDArray
    squares: NDArray
    least: NDArray
    most: NDArray

    def join(self, other: "Moments") -> "Moments":
        """Return those of the rows of both (Chan, Golub and LeVeque)."""
        total, apart = self.total + other.total, other.mean - self.mean
        share = np.divide(other.total, total, out=np.zeros(len(total)), where=total > 0)
        with np.errstate(over="ignore", invalid="ignore"):
            squares = self.squares + other.squares + self.total * share * apart**2
        least, most = np.minimum(self.least, other.least), np.maximum(self.most, other.most)
        return Moments(total, self.mean + share * apart, squares, least, most)


def moments_of(rows: NDArray | SparseRows | RowsOf, weights: NDArray | None = None) -> Moments:
    """Return the moments of the columns of data, as `mean_and_spread` takes them."""
    if isinstance(rows, RowsOf) and isinstance(rows.of, SparseRows):
        rows = rows[:]
    look = _of_sparse if isinstance(rows, SparseRows) else _of_dense
    with np.errstate(over="ignore", invalid="ignore"):
        return Moments(*look(rows, weights))


def spread_of(moments: Moments) -> tuple[NDArray, NDArray]:
    """Return the mean and the spread of each column, as `mean_and_spread` does."""
    total, mean, squares, least, most = moments
    nothing = total == 0
    least, most = np.where(nothing, 0.0, least), np.where(nothing, 0.0, most)
    variance = np.divide(squares, total, out=np.zeros(len(total)), where=~nothing)
    spread = np.where(least < most, np.sqrt(variance), 1.0)
    mean = np.where(least < most, mean, least)  # to the last bit
    if not (np.isfinite(mean) & np.isfinite(spread)).all():
        place = int(np.argmin(np.isfinite(mean) & np.isfinite(spread)))
        raise ValueError(
            f"column {place} has numbers too large for their mean and spread, from "
            f"{least[place]:.3g} to {most[place]:.3g}: change its unit"
        )
    spread[spread == 0] = 1.0  # differences so small that their squares vanish
    return mean, spread


def _of_dense(rows, weights):
    """Return the moments of each column, in one reading.

    The sums of pieces are joined as by Chan, Golub and LeVeque (1983): what is added to Σ w (x-μ)²
    is that of a piece around its own mean, and W₁W₂/(W₁+W₂)·(μ₁-μ₂)².
    """
    m, n = rows.shape
    total, mean, squares = np.zeros(n), np.zeros(n), np.zeros(n)
    least, most = np.full(n, np.inf), np.full(n, -np.inf)
    step = max(1, PIECE // n)
    for start in range(0, m, step):
        x = np.asarray(rows[start : start + step], np.float64)
        w = np.ones((len(x), 1))
        if weights is not None:
            w = np.asarray(weights[start : start + step], np.float64).reshape(len(x), -1)
        counts = np.broadcast_to(w > 0, x.shape)
        low = x.min(axis=0, where=counts, initial=np.inf)
        least = np.minimum(least, low)
        most = np.maximum(most, x.max(axis=0, where=counts, initial=-np.inf))
        added = np.broadcast_to(w, x.shape).sum(axis=0)
        low[added == 0] = 0.0
        x = np.where(counts, x - low, 0.0)  # so that sums of far numbers lose nothing
        here = np.divide((w * x).sum(axis=0), added, out=np.zeros(n), where=added > 0)
        apart, joined = low - mean + here, total + added
        share = np.divide(added, joined, out=np.zeros(n), where=joined > 0)
        squares += (w * (x - here) ** 2).sum(axis=0) + total * share * apart**2
        mean += share * apart
        total = joined
    return total, mean, squares, least, most


def _of_sparse(rows, weights):
    """Return the same of rows most of whose numbers are 0, and count."""
    m, n = rows.shape
    x, columns = rows.data.astype(np.float64), rows.indices
    w = np.ones(m) if weights is None else weights.astype(np.float64)
    each = np.repeat(w, np.diff(rows.indptr))
    x, columns, each = x[each > 0], columns[each > 0], each[each > 0]

    def summed(numbers):
        return np.bincount(columns, numbers, minlength=n)

    total, there = w.sum(), summed(each)
    mean = summed(each * x) / total
    has_zeros = summed(np.ones(len(x))) < np.count_nonzero(w)
    # where there are none, the difference would be of rounding
    of_zeros = np.where(has_zeros, (total - there) * mean**2, 0.0)
    squares = summed(each * (x - mean[columns]) ** 2) + of_zeros
    least, most = np.where(has_zeros, 0.0, np.inf), np.where(has_zeros, 0.0, -np.inf)
    np.minimum.at(least, columns, x)
    np.maximum.at(most, columns, x)
    return np.full(n, total), mean, squares, least, most
