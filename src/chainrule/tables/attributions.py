"""What each input has added to an answer: integrated gradients.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks" (2017), from the inputs 0:

    φ_k = x_k ∫₀¹ ∂f/∂x_k (αx) dα,    Σ_k φ_k = f(x) - f(0).

The integral is a sum over panels of Gauss-Legendre nodes. Where its sum over k misses f(x) - f(0)
by more than is asked, there are twice as many panels: few will do for smooth activations, more for
those with kinks (relu, selu), which a path crosses one after the other.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from chainrule.sweeps.ensemble import Ensemble

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

NODES, MOST_PANELS = 16, 256
AT_ONCE = 8192  # points of paths in one call


def gradient_times_inputs(nets: Ensemble, x: NDArray, picked: Places) -> Floats:
    """Return x_k ∂f/∂x_k (m, n_1), where f is the output `picked` (m,) of each row of x (m, n_1).

    For a linear f these are the integrated gradients.
    """
    return x * _slopes(nets, x, picked)


def integrated_gradients(nets: Ensemble, x: NDArray, picked: Places, tolerance: float) -> Floats:
    """Return φ (m, n_1) for the output `picked` (m,) of each row of x (m, n_1).

    Warns
    -----
    UserWarning
        Where some Σ_k φ_k misses f(x) - f(0) by more than `tolerance` with all panels.
    """
    found = np.empty(x.shape)
    missed = np.empty(len(x))
    block = AT_ONCE // NODES
    for start in range(0, len(x), block):
        rows = np.arange(start, min(start + block, len(x)))
        panels = 1
        while len(rows):
            found[rows] = _integrated(nets, x[rows], picked[rows], panels)
            rise = _said(nets, x[rows], picked[rows]) - _said(nets, 0 * x[rows], picked[rows])
            missed[rows] = np.abs(found[rows].sum(axis=1) - rise)
            if panels == MOST_PANELS:
                break
            rows, panels = rows[missed[rows] > tolerance], 2 * panels
    if (wrong := np.flatnonzero(missed > tolerance)).size:
        warnings.warn(
            f"the attributions of {wrong.size} of {len(x)} rows do not sum to f(x) - f(0) within "
            f"{tolerance:g}, even with {NODES * MOST_PANELS} steps: row {missed.argmax()} misses "
            f"it by {missed.max():.2g}. Ask for a larger tolerance",
            UserWarning,
            stacklevel=2,
        )
    return found


def _integrated(nets: Ensemble, x: NDArray, picked: Places, panels: int) -> Floats:
    """Return φ (m, n_1) by panels of nodes."""
    inside, weights = np.polynomial.legendre.leggauss(NODES)
    nodes = ((np.arange(panels)[:, None] + (1 + inside) / 2) / panels).ravel()
    weights = np.tile(weights / (2 * panels), panels)
    mean = np.zeros(x.shape)
    count = max(1, AT_ONCE // len(x))
    for k in range(0, len(nodes), count):
        some = nodes[k : k + count]
        points = (some[:, None, None] * x).reshape(-1, x.shape[1])
        slopes = _slopes(nets, points, np.tile(picked, len(some)))
        mean += np.tensordot(weights[k : k + count], slopes.reshape(-1, *x.shape), axes=1)
    return x * mean


def _said(nets: Ensemble, x: NDArray, picked: Places) -> Floats:
    """Return f (m,)."""
    return nets.feedforward(x)[np.arange(len(x)), picked].astype(np.float64)


def _slopes(nets: Ensemble, x: NDArray, picked: Places) -> Floats:
    """Return ∂f/∂x (m, n_1), the weighted mean of the networks' own."""
    of_outputs = np.zeros((len(x), nets[0].sizes[-1]))
    of_outputs[np.arange(len(x)), picked] = 1
    mean = np.zeros(x.shape)
    for net, weight in zip(nets, nets.weights / nets.weights.sum(), strict=True):
        mean += weight * net.backprop(x, output_gradient=of_outputs, inputs=True).inputs
    return mean
