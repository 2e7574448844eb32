"""What each input has added to an answer: integrated gradients.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks" (2017), from the inputs 0:

    φ_k = x_k ∫₀¹ ∂f/∂x_k (αx) dα,    Σ_k φ_k = f(x) - f(0).

The integral is a sum over panels of Gauss-Legendre nodes. Where its sum over k misses f(x) - f(0)
by more than is asked, there are twice as many panels: few will do for smooth activations, more for
those with kinks (relu, selu), which a path crosses one after the other.
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.checks.sparse_rows import SparseRows
from chainrule.sweeps.ensemble import Ensemble
from chainrule.tables.temperature import tempered

Floats = NDArray[np.float64]

NODES, MOST_PANELS = 16, 256
AT_ONCE = 2**18  # numbers of points on the way to rows


class Answer:
    """One number f for each row: the output `picked[i]` of what networks say together of row i.

    Parameters
    ----------
    nets : Ensemble
    picked : ndarray (m,) of int
    temperature : float
        Of probabilities.
    """

    def __init__(self, nets: Ensemble, picked: NDArray[np.intp], temperature: float = 1.0):
        self._nets, self._picked, self._temperature = nets, picked, temperature

    def of(self, rows: NDArray[np.intp]) -> "Answer":
        """Return the answers for these rows, each as often as it is there."""
        return Answer(self._nets, self._picked[rows], self._temperature)

    def values(self, x: NDArray) -> Floats:
        """Return f (m,) of inputs x (m, n_1)."""
        said = self._nets.feedforward(x)
        if self._temperature != 1:
            said = tempered(said, self._temperature)
        return said[np.arange(len(x)), self._picked].astype(np.float64)

    def slopes(self, x: NDArray) -> Floats:
        """Return ∂f/∂x (m, n_1), the weighted mean of what networks say on their own."""
        by_outputs = np.eye(self._nets[0].sizes[-1])[self._picked]
        if (T := self._temperature) != 1:  # f = a^(1/T) / Σ a^(1/T)
            a = np.maximum(self._nets.feedforward(x), np.finfo(np.float32).tiny)
            p = tempered(a.astype(np.float64), T)
            f = p[np.arange(len(x)), self._picked]
            by_outputs = f[:, None] * (by_outputs - p) / (T * a)
        total, weights = np.zeros(x.shape), self._nets.weights
        for net, weight in zip(self._nets, weights, strict=True):
            total += weight * net.backprop(x, output_gradient=by_outputs, inputs=True).inputs
        return total / weights.sum()


def of_columns(
    answer: Answer, x: NDArray | SparseRows, columns: Sequence[slice], tolerance: float | None
) -> Floats:
    """Return what the inputs of each column have added together, (m, columns).

    Parameters
    ----------
    answer : Answer
        Of m rows.
    x : ndarray (m, n_1) or SparseRows
    columns : sequence of slice
        The inputs of each.
    tolerance : float, or None
        By how much the sum of integrated gradients may miss; without one x_k ∂f/∂x_k is returned.

    Warns
    -----
    UserWarning
        Where some sum misses f(x) - f(0) by more, even with all panels.
    """
    found, missed = np.empty((len(x), len(columns))), np.zeros(len(x))
    block = max(1, AT_ONCE // (NODES * x.shape[1]))
    for start in range(0, len(x), block):
        rows = np.arange(start, min(start + block, len(x)))
        of_rows, some = answer.of(rows), x[rows]
        if isinstance(some, SparseRows):
            some = some.dense()
        if tolerance is None:
            by_input = some * of_rows.slopes(some)
        else:
            by_input, missed[rows] = integrated_gradients(of_rows, some, tolerance)
        for k, inputs in enumerate(columns):
            found[rows, k] = by_input[:, inputs].sum(axis=1)
    if tolerance is not None and (wrong := np.count_nonzero(missed > tolerance)):
        warnings.warn(
            f"the attributions of {wrong} of {len(x)} rows do not sum to f(x) - f(0) within "
            f"{tolerance:g}, even with {NODES * MOST_PANELS} steps: row {missed.argmax()} misses "
            f"it by {missed.max():.2g}. Ask for a larger tolerance",
            UserWarning,
            stacklevel=3,
        )
    return found


def integrated_gradients(answer: Answer, x: NDArray, tolerance: float) -> tuple[Floats, Floats]:
    """Return φ (m, n_1) for the answer to each row of x (m, n_1), and what each sum misses, (m,).

    Where that is more than the tolerance, there are `MOST_PANELS`.
    """
    found, missed = np.empty(x.shape), np.empty(len(x))
    rise = answer.values(x) - answer.values(np.zeros_like(x))
    rows, panels = np.arange(len(x)), 1
    while len(rows) and panels <= MOST_PANELS:
        found[rows] = _integrated(answer.of(rows), x[rows], panels)
        missed[rows] = np.abs(found[rows].sum(axis=1) - rise[rows])
        rows, panels = rows[missed[rows] > tolerance], 2 * panels
    return found, missed


def _integrated(answer: Answer, x: NDArray, panels: int) -> Floats:
    """Return φ (m, n_1) by panels of nodes."""
    inside, weights = np.polynomial.legendre.leggauss(NODES)
    nodes = ((np.arange(panels)[:, None] + (1 + inside) / 2) / panels).ravel()
    weights = np.tile(weights / (2 * panels), panels)
    mean = np.zeros(x.shape)
    count = max(1, AT_ONCE // x.size)
    for k in range(0, len(nodes), count):
        some = nodes[k : k + count]
        points = (some[:, None, None] * x).reshape(-1, x.shape[1])
        slopes = answer.of(np.tile(np.arange(len(x)), len(some))).slopes(points)
        mean += np.tensordot(weights[k : k + count], slopes.reshape(-1, *x.shape), axes=1)
    return x * mean
