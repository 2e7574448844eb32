"""Probabilities by a temperature, fitted to rows that were held out (Guo et al., 2017)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def tempered(p: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Return probabilities (m, k) by p^(1/T), whose sum is 1, in the dtype of p."""
    return _softmax(logarithms(p) / temperature).astype(p.dtype)


def temperature_of(p: NDArray[Any], y: NDArray[Any], weights: NDArray[Any] | None) -> float:
    """Return the temperature T by which probabilities p (m, k) fit classes y (m,) best.

    The least Σ w ln(1/p_y) is where Σ w (E ln p - ln p_y) = 0, with E by the tempered p; the sum
    grows with 1/T, so halving finds it (Guo et al., 2017). As if there were one row more of each
    class, of which nothing is known: else few rows, all answered rightly, would be sure of all.
    """
    logs = logarithms(p)
    m, k = p.shape
    rightly = np.average(logs[np.arange(m), y], weights=weights)
    wanted = (m * rightly + k * np.average(logs.mean(axis=1), weights=weights)) / (m + k)
    low, high = 1 / 16, 16.0  # of 1/T
    for _ in range(50):
        middle = (low * high) ** 0.5
        expected = (_softmax(logs * middle) * logs).sum(axis=1)
        if np.average(expected, weights=weights) < wanted:
            low = middle
        else:
            high = middle
    return 1 / (low * high) ** 0.5


def logarithms(p: NDArray[Any]) -> NDArray[np.float64]:
    """Return ln p (m, k) in float64; of 0 that of the least number there is in the dtype of p."""
    return np.log(np.maximum(p, np.finfo(p.dtype).tiny), dtype=np.float64)


def _softmax(z: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
